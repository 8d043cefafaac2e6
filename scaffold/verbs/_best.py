"""What was registered, by a metric."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from scaffold.base.nearest import nearest
from scaffold.errors import UnknownMetricError

_Registered = TypeVar("_Registered")


def best_first(
    found: Sequence[_Registered],
    metrics_of: Callable[[_Registered], Mapping[str, float]],
    metric: str,
    *,
    lower: bool,
) -> tuple[_Registered, ...]:
    """Return those that have a metric, the best first; of equal ones the newest.

    Args:
        found: Models or runs, the newest first.
        metrics_of: Returns the metrics of one.
        metric: The name of the metric.
        lower: Whether a lower value is better.

    Raises:
        UnknownMetricError: None has it.
    """
    having = [(metrics_of(each)[metric], each) for each in found if metric in metrics_of(each)]
    if not having:
        known = sorted({name for each in found for name in metrics_of(each)})
        raise UnknownMetricError(metric, tuple(nearest(metric, known)))
    having.sort(key=lambda pair: pair[0] if lower else -pair[0])
    return tuple(each for _, each in having)
