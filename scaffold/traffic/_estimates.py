"""Metrics of predictions with the intervals that have the true value in 99 of 100 cases.

Each interval comes from a formula for its standard error, so a period of millions of rows costs one pass.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

Z = 2.576
"""The quantile of the normal distribution for 99 %, on both sides."""


class Interval(NamedTuple):
    """A value and its interval."""

    value: float
    low: float
    high: float


def accuracy(pairs: Sequence[tuple[str, str]]) -> Interval:
    """Return the share of predictions that are the label, with Wilson's interval.

    Args:
        pairs: The true and the predicted class of each row.
    """
    n = len(pairs)
    share = sum(true == predicted for true, predicted in pairs) / n
    middle = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    return Interval(share, max(0.0, middle - half), min(1.0, middle + half))


def f1(pairs: Sequence[tuple[str, str]]) -> Interval:
    """Return F1: that of 1 or `true` where the classes are 0 and 1 or booleans, else the mean of all classes.

    Args:
        pairs: The true and the predicted class of each row.
    """
    counts = Counter(pairs)
    classes = sorted({name for pair in counts for name in pair})
    positive = next((each for each in (["0", "1"], ["false", "true"]) if set(classes) <= set(each)), None)
    wanted = positive[1:] if positive else classes
    scores = [_f1_of(name, counts, len(pairs)) for name in wanted]
    value = sum(score for score, _ in scores) / len(scores)
    error = sum(error for _, error in scores) / len(scores)
    return _bounded(value, error)


def _f1_of(name: str, counts: Counter[tuple[str, str]], n: int) -> tuple[float, float]:
    """Return F1 of one class, and its standard error by the delta method."""
    hits = counts[name, name] / n
    misses = sum(count for (a, b), count in counts.items() if (a == name) != (b == name)) / n
    below = 2 * hits + misses
    if not below:
        return 1.0, 0.0
    by_hits, by_misses = 2 * misses / below**2, -2 * hits / below**2
    variance = (
        by_hits**2 * hits * (1 - hits)
        + by_misses**2 * misses * (1 - misses)
        - 2 * by_hits * by_misses * hits * misses
    ) / n
    return 2 * hits / below, math.sqrt(max(0.0, variance))


def auc(pairs: Sequence[tuple[bool, float]]) -> Interval | None:
    """Return the area under the ROC curve; None where all rows are of one class.

    Args:
        pairs: Whether each row is of the positive class, and its score.

    Source: J. A. Hanley and B. J. McNeil, The meaning and use of the area under a receiver operating
    characteristic (ROC) curve, Radiology 143 (1982).
    """
    positives = sum(true for true, _ in pairs)
    negatives = len(pairs) - positives
    if not positives or not negatives:
        return None
    area = (_rank_sum(pairs) - positives * (positives + 1) / 2) / (positives * negatives)
    q1, q2 = area / (2 - area), 2 * area * area / (1 + area)
    variance = (
        area * (1 - area) + (positives - 1) * (q1 - area * area) + (negatives - 1) * (q2 - area * area)
    ) / (positives * negatives)
    return _bounded(area, math.sqrt(max(0.0, variance)))


def _rank_sum(pairs: Sequence[tuple[bool, float]]) -> float:
    """Return the sum of the ranks of the positive rows; rows of one score share the mean of their ranks."""
    ordered = sorted(pairs, key=lambda pair: pair[1])
    total, begin = 0.0, 0
    while begin < len(ordered):
        end = begin
        while end < len(ordered) and ordered[end][1] == ordered[begin][1]:
            end += 1
        total += sum(true for true, _ in ordered[begin:end]) * (begin + 1 + end) / 2
        begin = end
    return total


def mean_absolute_error(pairs: Sequence[tuple[float, float]]) -> Interval:
    """Return the mean distance of predictions from their labels.

    Args:
        pairs: The true and the predicted value of each row.
    """
    mean, error = _mean([abs(true - predicted) for true, predicted in pairs])
    return Interval(mean, max(0.0, mean - Z * error), mean + Z * error)


def root_mean_squared_error(pairs: Sequence[tuple[float, float]]) -> Interval:
    """Return the root of the mean squared distance of predictions from their labels.

    Args:
        pairs: The true and the predicted value of each row.
    """
    mean, error = _mean([(true - predicted) ** 2 for true, predicted in pairs])
    low, high = max(0.0, mean - Z * error), mean + Z * error
    return Interval(math.sqrt(mean), math.sqrt(low), math.sqrt(high))


def _mean(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean and its standard error."""
    mean = math.fsum(values) / len(values)
    if len(values) == 1:
        return mean, math.inf
    variance = math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
    return mean, math.sqrt(variance / len(values))


def _bounded(value: float, error: float) -> Interval:
    return Interval(value, max(0.0, value - Z * error), min(1.0, value + Z * error))
