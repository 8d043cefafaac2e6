"""The distances and the test, beside those of scipy, and how often the test is wrong."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2, chi2_contingency

from scaffold.traffic._statistics import (
    _chi_square_tail,
    holm,
    jensen_shannon,
    likelihood_ratio_p,
    population_stability,
)

COUNTS = [
    ([500.0, 300.0, 200.0], [40.0, 35.0, 25.0]),
    ([100.0, 100.0, 100.0, 100.0, 50.0], [10.0, 30.0, 25.0, 20.0, 15.0]),
    ([900.0, 100.0], [700.0, 300.0]),
]


@pytest.mark.parametrize(("then", "now"), COUNTS)
def test_the_divergence_and_the_test_are_those_of_scipy(then: list[float], now: list[float]) -> None:
    assert jensen_shannon(then, now) == pytest.approx(jensenshannon(then, now, base=2) ** 2)
    expected = chi2_contingency([then, now], correction=False, lambda_="log-likelihood").pvalue
    assert likelihood_ratio_p(then, now) == pytest.approx(expected)


@pytest.mark.parametrize("degrees", range(1, 41))
def test_the_tail_of_the_chi_square_distribution_is_that_of_scipy(degrees: int) -> None:
    for statistic in (0.0, 0.1, 1.0, 7.5, 40.0, 300.0):
        expected = chi2.sf(statistic, degrees)
        assert _chi_square_tail(statistic, degrees) == pytest.approx(expected, rel=1e-9, abs=1e-300)


def test_the_stability_index_has_no_bias_where_nothing_drifts() -> None:
    rng = np.random.default_rng(0)
    shares = np.full(10, 0.1)
    drawn = [(rng.multinomial(400, shares), rng.multinomial(150, shares)) for _ in range(400)]
    raw = [_raw(then / 400, now / 150) for then, now in drawn]
    corrected = [population_stability(then.tolist(), now.tolist()) for then, now in drawn]
    assert 0.07 < np.mean(raw) < 0.1  # (bins - 1)(1/n + 1/m) is 0.0825
    assert np.mean(corrected) < 0.02


def _raw(p: np.ndarray, q: np.ndarray) -> float:
    return float(np.sum((q - p) * np.log(np.maximum(q, 1e-3) / np.maximum(p, 1e-3))))


def test_the_stability_index_of_a_large_shift_is_the_usual_one() -> None:
    then, now = [50_000.0, 30_000.0, 20_000.0], [20_000.0, 30_000.0, 50_000.0]
    expected = _raw(np.array(then) / 1e5, np.array(now) / 1e5)
    assert population_stability(then, now) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(("rows_then", "rows_now"), [(200, 100), (200, 2000), (1000, 50_000)])
def test_the_test_keeps_its_rate_of_false_alarms_with_bins_at_quantiles_of_the_baseline(
    rows_then: int, rows_now: int
) -> None:
    """The share of a bin between two of m ordered rows is distributed as Dirichlet's."""
    rng = np.random.default_rng(rows_now)
    then = [rows_then / 10] * 10
    p_values = [
        likelihood_ratio_p(then, rng.multinomial(rows_now, rng.dirichlet(then)).tolist()) for _ in range(1000)
    ]
    assert np.mean(np.array(p_values) < 0.05) < 0.07
    assert np.mean(np.array(p_values) < 0.01) < 0.02


def test_rare_bins_are_merged() -> None:
    then, now = [5000.0, *[1.0] * 40], [500.0, *[0.0] * 40]
    assert likelihood_ratio_p(then, now) > 0.001


def test_what_is_empty_is_no_drift() -> None:
    assert (population_stability([], []), jensen_shannon([0.0], [0.0])) == (0.0, 0.0)
    assert likelihood_ratio_p([10.0, 20.0], [0.0, 0.0]) == 1.0
    assert likelihood_ratio_p([10.0], [20.0]) == 1.0


def test_holm_adjusts_the_smallest_the_most() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []
