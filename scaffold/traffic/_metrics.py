"""Metrics of the labelled predictions over time, beside those of the training."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from scaffold.errors import TrafficUnreadableError
from scaffold.spec import (
    Baseline,
    CategoryBaseline,
    DriftVerdict,
    Estimate,
    FieldBaseline,
    JSONValue,
    MetricDrift,
)
from scaffold.traffic import _estimates
from scaffold.traffic._cells import is_missing, labels_for, number_of
from scaffold.traffic._compare import LEAST_ROWS
from scaffold.traffic._estimates import Interval
from scaffold.traffic._labels import Labelled

_MOST_PERIODS = 31
_TOLERANCE = 0.05
"""A loss of less than this share of the metric of the training is no drift."""


@dataclass(frozen=True, slots=True)
class _Metric:
    """A metric, how trackers of experiments call it, and how it is computed from labelled rows."""

    name: str
    pattern: str
    is_loss: bool
    estimate: Callable[[Sequence[Labelled], str], Interval | None]

    def recorded(self, metrics: Iterable[tuple[str, str]]) -> tuple[str, float] | None:
        """Return the metric of the training with its name; one of held-out rows comes first."""
        found = []
        for name, text in metrics:
            words = re.sub(r"[^a-z0-9]+", "_", name.lower())
            if re.search(rf"(^|_)({self.pattern})(_|$)", words):
                try:
                    found.append(("train" in words, name, float(text)))
                except ValueError:
                    continue
        return min(found)[1:] if found else None


def _classes(rows: Sequence[Labelled], name: str) -> list[tuple[str, str]]:
    return [(_class_of(row.label), _class_of(row.outputs[name])) for row in rows]


def _class_of(value: JSONValue) -> str:
    """Return a class in one form: `1` for 1, 1.0 and "1", `true` for True and "True"."""
    return next(iter(labels_for(value)[1:2]), labels_for(value)[0])


def _numbers(rows: Sequence[Labelled], name: str) -> list[tuple[float, float]]:
    return [(number_of(row.label), number_of(row.outputs[name])) for row in rows]


def _scores(rows: Sequence[Labelled], name: str) -> list[tuple[bool, float]]:
    return [(_class_of(row.label) in ("1", "true"), number_of(row.outputs[name])) for row in rows]


_OF_CLASSES = (
    _Metric("accuracy", "accuracy|acc", False, lambda rows, name: _estimates.accuracy(_classes(rows, name))),
    _Metric("F1", "f1", False, lambda rows, name: _estimates.f1(_classes(rows, name))),
)
_OF_SCORES = (_Metric("AUC", "auc|roc_auc", False, lambda rows, name: _estimates.auc(_scores(rows, name))),)
_OF_NUMBERS = (
    _Metric(
        "MAE",
        "mae|mean_absolute_error",
        True,
        lambda rows, name: _estimates.mean_absolute_error(_numbers(rows, name)),
    ),
    _Metric(
        "RMSE",
        "rmse|root_mean_squared_error",
        True,
        lambda rows, name: _estimates.root_mean_squared_error(_numbers(rows, name)),
    ),
)


def compare_metrics(
    labelled: Sequence[Labelled], baseline: Baseline, recorded: Mapping[str, str], labels: str
) -> tuple[MetricDrift, ...]:
    """Return the metrics of the labelled rows: of classes, of scores of a class, or of numbers.

    Args:
        labelled: The rows that have a label.
        baseline: Of the model; its predictions say what is compared with the label.
        recorded: The metrics of the training, by name.
        labels: The file of the labels, for messages.

    Raises:
        TrafficUnreadableError: A label is no number, where the prediction is one.
    """
    compared: list[MetricDrift] = []
    if not labelled:
        return ()
    for metric, field in _metrics_for(baseline.predictions, labelled):
        rows = [row for row in labelled if not is_missing(row.outputs.get(field.name))]
        try:
            whole = _estimate(metric, field.name, rows)
            if whole is None:
                continue
            periods = [_estimate(metric, field.name, part) for part in _periods(rows)]
        except ValueError as error:
            raise TrafficUnreadableError(labels, 0, str(error)) from error
        then = metric.recorded(recorded.items())
        compared.append(
            MetricDrift(
                name=metric.name,
                recorded_as=then[0] if then else "",
                then=then[1] if then else None,
                now=whole,
                periods=tuple(each for each in periods if each is not None),
                verdict=_verdict(metric, then[1] if then else None, whole),
            )
        )
    return tuple(compared)


def _metrics_for(
    predictions: Sequence[FieldBaseline], labelled: Sequence[Labelled]
) -> list[tuple[_Metric, FieldBaseline]]:
    """Return the metrics with the prediction that each is of."""
    labels = {_class_of(row.label) for row in labelled}
    is_binary = labels <= {"0", "1"} or labels <= {"false", "true"}
    classes = next((each for each in predictions if isinstance(each, CategoryBaseline)), None)
    # Of several scores, the last is that of the positive class, as in `predict_proba`.
    numbers = [each for each in predictions if not isinstance(each, CategoryBaseline)]
    found: list[tuple[_Metric, FieldBaseline]] = []
    if classes:
        found += [(metric, classes) for metric in _OF_CLASSES]
    if numbers and is_binary and all(each.min >= 0 and each.max <= 1 for each in numbers):
        found += [(metric, numbers[-1]) for metric in _OF_SCORES]
    elif numbers and not classes:
        found += [(metric, numbers[0]) for metric in _OF_NUMBERS]
    return found


def _estimate(metric: _Metric, name: str, rows: Sequence[Labelled]) -> Estimate | None:
    interval = metric.estimate(rows, name) if rows else None
    if interval is None:
        return None
    days = [row.at.date().isoformat() for row in rows if row.at]
    return Estimate(start=min(days, default=""), rows=len(rows), **interval._asdict())


def _periods(rows: Sequence[Labelled]) -> list[list[Labelled]]:
    """Return the rows by day, by week or by a longer time, at most `_MOST_PERIODS` of them."""
    timed = [(row.at.astimezone(timezone.utc), row) for row in rows if row.at]
    if not timed:
        return []
    first = _midnight(min(at for at, _ in timed))
    days = (_midnight(max(at for at, _ in timed)) - first).days + 1
    length = next(each for each in (1, 7, 28, days) if days <= each * _MOST_PERIODS)
    parts: dict[int, list[Labelled]] = {}
    for at, row in timed:
        parts.setdefault((at - first) // timedelta(days=length), []).append(row)
    return [parts[number] for number in sorted(parts)]


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _verdict(metric: _Metric, then: float | None, now: Estimate) -> DriftVerdict:
    """Return drift where the metric is worse than in training, by more than chance and the tolerance."""
    if now.rows < LEAST_ROWS:
        return DriftVerdict.TOO_FEW
    if then is None:
        return DriftVerdict.UNKNOWN
    worse = now.value - then if metric.is_loss else then - now.value
    bound = then < now.low if metric.is_loss else then > now.high
    is_drift = bound and worse > _TOLERANCE * abs(then)
    return DriftVerdict.DRIFT if is_drift else DriftVerdict.STABLE
