"""Sort registered models and runs by a metric."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from scaffold.base.nearest import nearest
from scaffold.errors import UnknownMetricError

_Registered = TypeVar("_Registered")


def best_first(
    entries: Sequence[_Registered],
    metrics_of: Callable[[_Registered], Mapping[str, float]],
    metric: str,
    *,
    lower: bool,
) -> tuple[_Registered, ...]:
    """Return the entries that have a metric, the best first; of equal ones the newest first.

    Args:
        entries: Models or runs, the newest first.
        metrics_of: Returns the metrics of an entry.
        metric: The name of the metric.
        lower: Whether a lower value is better.

    Raises:
        UnknownMetricError: No entry has the metric.
    """
    having = [(metrics_of(each)[metric], each) for each in entries if metric in metrics_of(each)]
    if not having:
        metric_names = sorted({name for each in entries for name in metrics_of(each)})
        raise UnknownMetricError(metric, tuple(nearest(metric, metric_names)))
    having.sort(key=lambda pair: pair[0] if lower else -pair[0])
    return tuple(each for _, each in having)
