"""Two sets of counts in the same bins, compared: how far apart they are, and whether by chance."""

from __future__ import annotations

import math
from collections.abc import Sequence

_LEAST_EXPECTED = 1.0
"""The least count that is expected in a bin of the test; rarer bins are merged.

Source: W. G. Cochran, Some methods for strengthening the common chi-square tests, Biometrics 10 (1954).
"""
_SMOOTHING = 0.5
"""Added to each count, so that a bin that is empty on one side has a logarithm."""


def population_stability(then: Sequence[float], now: Sequence[float]) -> float:
    """Return the population stability index of two sets of counts, less what chance alone adds to it.

    Of two samples of n and m rows of one distribution, the index is (bins - 1)(1/n + 1/m) on average.

    Source: B. Yurdakul and J. Naranjo, Statistical properties of the population stability index, Journal of
    Risk Model Validation 14 (2020).
    """
    used = [(a, b) for a, b in zip(then, now, strict=True) if a or b]
    total_then, total_now = sum(then), sum(now)
    if len(used) < 2 or not total_then or not total_now:
        return 0.0
    added = _SMOOTHING * len(used)
    index = 0.0
    for a, b in used:
        p, q = (a + _SMOOTHING) / (total_then + added), (b + _SMOOTHING) / (total_now + added)
        index += (q - p) * math.log(q / p)
    return max(0.0, index - (len(used) - 1) * (1 / total_then + 1 / total_now))


def jensen_shannon(then: Sequence[float], now: Sequence[float]) -> float:
    """Return the Jensen-Shannon divergence of two sets of counts in bits, from 0 to 1."""
    total_then, total_now = sum(then), sum(now)
    if not total_then or not total_now:
        return 0.0
    divergence = 0.0
    for a, b in zip(then, now, strict=True):
        p, q = a / total_then, b / total_now
        for share in (p, q):
            if share:
                divergence += share / 2 * math.log2(2 * share / (p + q))
    return min(1.0, max(0.0, divergence))


def likelihood_ratio_p(then: Sequence[float], now: Sequence[float]) -> float:
    """Return the p-value of the likelihood-ratio test (G-test) that two sets of counts have one distribution.

    Pearson's chi-square test has up to five times the false alarms that it should where the baseline has few
    rows, for its bins end at quantiles of those very rows.
    """
    total_then, total_now = sum(then), sum(now)
    if not total_then or not total_now:
        return 1.0
    total = total_then + total_now
    least = _LEAST_EXPECTED * total / min(total_then, total_now)
    pairs = _merge_rare([(a, b) for a, b in zip(then, now, strict=True) if a or b], least)
    statistic = 0.0
    for pair in pairs:
        for found, side in zip(pair, (total_then, total_now), strict=True):
            if found:
                statistic += 2 * found * math.log(found * total / (sum(pair) * side))
    return _chi_square_tail(statistic, len(pairs) - 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values adjusted by Holm's method.

    To call those below `x` drift makes a false alarm, in any of them, at a rate of `x` at most.

    Source: S. Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of
    Statistics 6 (1979).
    """
    adjusted = [1.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, p_values[place] * (len(p_values) - rank)))
        adjusted[place] = largest
    return adjusted


def _merge_rare(pairs: Sequence[tuple[float, float]], least: float) -> list[tuple[float, float]]:
    """Merge the pairs with a sum below `least` into one, and that with the next rarest until it is not."""
    ordered = sorted(pairs, key=sum)
    kept = [pair for pair in ordered if sum(pair) >= least]
    rest_then, rest_now = 0.0, 0.0
    for pair in ordered[: len(ordered) - len(kept)]:
        rest_then, rest_now = rest_then + pair[0], rest_now + pair[1]
    while kept and 0 < rest_then + rest_now < least:
        pair = kept.pop(0)
        rest_then, rest_now = rest_then + pair[0], rest_now + pair[1]
    return [(rest_then, rest_now), *kept] if rest_then + rest_now else kept


def _chi_square_tail(statistic: float, degrees: int) -> float:
    """Return the probability of a larger value of the chi-square distribution.

    For whole degrees of freedom it is a finite sum.

    Source: M. Abramowitz and I. A. Stegun, Handbook of Mathematical Functions, 26.4.4 and 26.4.5.
    """
    if degrees < 1 or statistic <= 0:
        return 1.0
    half = statistic / 2
    if degrees % 2:
        tail = math.erfc(math.sqrt(half))
        term = math.sqrt(half / math.pi) * 2 * math.exp(-half)
        first = 1
    else:
        tail, term, first = 0.0, math.exp(-half), 0
    for step in range(first, degrees, 2):
        tail += term
        term *= statistic / (step + 2)
    return min(1.0, tail)
