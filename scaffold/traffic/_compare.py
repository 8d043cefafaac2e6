"""The counts of a service's traffic beside the baseline: a verdict for each field."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from scaffold.spec import (
    Baseline,
    DriftBin,
    DriftVerdict,
    FieldBaseline,
    FieldDrift,
    FieldKind,
    NumberBaseline,
)
from scaffold.traffic._cells import Counts, FieldCounts, labels_of, outside_of, shares_of
from scaffold.traffic._statistics import holm, jensen_shannon, likelihood_ratio_p, population_stability

LEAST_ROWS = 100
"""Fewer rows, of the baseline or of the traffic, get no verdict."""
PSI_THRESHOLD = 0.1
"""A smaller index is no drift, even if chance does not explain it: with many rows the test finds any change.

Of the two values in use, 0.1 and 0.25, the one that needs a look.

Source: N. Siddiqi, Credit Risk Scorecards, Wiley (2006).
"""
ALPHA = 0.01
"""How often a comparison of all fields finds drift in some of them where there is none."""
_NONCENTRALITY = 35.0
"""Of the test with 11 degrees of freedom, to reject at a tenth of `ALPHA` in 9 of 10 cases."""


def compare(
    baseline: Baseline, counts: Counts, threshold: float
) -> tuple[tuple[FieldDrift, ...], tuple[FieldDrift, ...]]:
    """Return the fields and the predictions with their verdicts, each in the order of the baseline.

    Args:
        baseline: Of the model.
        counts: Of the traffic, by that baseline.
        threshold: The least population stability index of a drift.
    """
    fields = [
        _distances(field, baseline.rows, each)
        for field, each in zip(baseline.fields, counts.fields, strict=True)
    ]
    predictions = [
        _distances(field, baseline.predicted_rows, each)
        for field, each in zip(baseline.predictions, counts.predictions, strict=True)
    ]
    rows_then = [baseline.rows] * len(fields) + [baseline.predicted_rows] * len(predictions)
    judged = _judge([*fields, *predictions], rows_then, threshold)
    return judged[: len(fields)], judged[len(fields) :]


def detectable_psi(rows_then: int, rows_now: int) -> float | None:
    """Return the population stability index that the test finds in 9 of 10 cases; None without rows."""
    if not rows_then or not rows_now:
        return None
    return _NONCENTRALITY * (1 / rows_then + 1 / rows_now)


def _distances(field: FieldBaseline, rows_then: int, counts: FieldCounts | None) -> FieldDrift:
    """Return how far the counts are from the baseline; the p-value is not adjusted yet."""
    kind = FieldKind.NUMBER if isinstance(field, NumberBaseline) else FieldKind.CATEGORY
    if counts is None or not counts.rows:
        return FieldDrift(name=field.name, kind=kind, verdict=DriftVerdict.ABSENT)
    shares = [*(share * (1 - field.missing) for share in shares_of(field)), field.missing]
    then = _expected(field, [share * rows_then for share in shares])
    now = [*counts.cells, counts.missing]
    outside = outside_of(field)
    bins = [
        DriftBin(label=label, then=share, now=count / counts.rows, outside=place in outside)
        for place, (label, share, count) in enumerate(
            zip([*labels_of(field), "missing"], shares, now, strict=True)
        )
    ]
    return FieldDrift(
        name=field.name,
        kind=kind,
        verdict=DriftVerdict.STABLE,
        rows=counts.rows,
        psi=population_stability(then, now),
        jensen_shannon=jensen_shannon(then, now),
        p_value=likelihood_ratio_p(then, now),
        missing_then=field.missing,
        missing_now=counts.missing / counts.rows,
        bins=tuple(bins),
    )


def _expected(field: FieldBaseline, then: list[float]) -> list[float]:
    """Return the counts of the baseline for the test, with one row beyond each end of its range.

    Of m rows, the next one lies above their greatest with probability 1/(m + 1): none would be too few.
    """
    if isinstance(field, NumberBaseline):
        for outer, inner in ((0, 1), (-2, -3)):  # the last one is that of missing values
            moved = min(1.0, then[inner])
            then[outer] += moved
            then[inner] -= moved
    return then


def _judge(
    compared: Sequence[FieldDrift], rows_then: Sequence[int], threshold: float
) -> tuple[FieldDrift, ...]:
    present = [place for place, each in enumerate(compared) if each.verdict is not DriftVerdict.ABSENT]
    adjusted = dict(zip(present, holm([compared[place].p_value for place in present]), strict=True))
    judged = []
    for place, each in enumerate(compared):
        if place not in adjusted:
            judged.append(each)
            continue
        verdict = DriftVerdict.STABLE
        if min(rows_then[place], each.rows) < LEAST_ROWS:
            verdict = DriftVerdict.TOO_FEW
        elif adjusted[place] < ALPHA:
            verdict = DriftVerdict.DRIFT if each.psi >= threshold else DriftVerdict.SLIGHT
        judged.append(dataclasses.replace(each, p_value=adjusted[place], verdict=verdict))
    return tuple(judged)
