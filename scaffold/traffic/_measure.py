"""From a source of traffic to the report."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone

from scaffold.base.urls import without_credentials
from scaffold.errors import NoRowsToLabelError, NoTrafficError, SinceError, UnknownTrafficError
from scaffold.errors.wording import counted
from scaffold.spec import Baseline, DriftReport, DriftVerdict, FieldDrift, MetricDrift
from scaffold.traffic._cells import Counts
from scaffold.traffic._compare import LEAST_ROWS, PSI_THRESHOLD, compare, detectable_psi
from scaffold.traffic._labels import Join, read_labels
from scaffold.traffic._metrics import compare_metrics
from scaffold.traffic._rows import OfModel, Row, Since, count_rows
from scaffold.traffic._source import STDIN, CountSource, RowSource, Span
from scaffold.traffic.csv import CSV
from scaffold.traffic.jsonl import JSONLines
from scaffold.traffic.parquet import Parquet
from scaffold.traffic.prometheus import Prometheus

SOURCES: tuple[CountSource | RowSource, ...] = (Prometheus(), Parquet(), CSV(), JSONLines())
"""The sources of traffic; the first that recognises what was typed reads it."""

_DURATION = re.compile(r"(\d{1,5})\s*([wdhm])")
_UNITS_S = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60}


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What is compared with the baseline."""

    source: str
    """As it was typed."""
    since: str = ""
    """How far back: `7d`; empty for all that a file has, and for seven days of a server."""
    labels: str = ""
    """A file of true values; empty for none."""
    key: str = "id"
    """The field or column that names a row in the labels too."""
    model_sha256: str = ""
    """Of the model that the baseline belongs to; empty for any."""
    until: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    """The time from which `since` counts back."""


def measure_drift(
    traffic: Traffic,
    baseline: Baseline,
    *,
    project: str,
    version: str,
    recorded: Mapping[str, str],
    threshold: float = PSI_THRESHOLD,
) -> DriftReport:
    """Return how far a service's traffic is from the baseline of its model, with a verdict for each field.

    Args:
        traffic: What is compared.
        baseline: Of the model.
        project: The name of the project.
        version: Of its model.
        recorded: The metrics of the training, by name.
        threshold: The least population stability index of a drift.

    Raises:
        UsageError: The source or the duration is none.
        DriftError: The source or the labels cannot be read, or the source has no request.
    """
    source = _source_of(traffic.source)
    since = traffic.since or source.default_since
    span = _span_of(since, traffic.until)
    shown = _without_login(traffic.source)
    metrics: tuple[MetricDrift, ...] = ()
    if isinstance(source, CountSource):
        if traffic.labels:
            raise NoRowsToLabelError(shown)
        counts = source.count(traffic.source, baseline, span, traffic.model_sha256)
    else:
        counts, metrics = _read_rows(source, traffic, baseline, recorded, span)
    if not counts.others and not any((*counts.fields, *counts.predictions)):
        may_have_earlier = counts.earlier or isinstance(source, CountSource)
        raise NoTrafficError(shown, since if may_have_earlier else "")
    fields, predictions = compare(baseline, counts, threshold)
    return DriftReport(
        project=project,
        version=version,
        source=shown,
        since=traffic.since,
        rows=counts.rows,
        first=counts.first,
        last=counts.last,
        baseline_rows=baseline.rows,
        made_from=baseline.made_from,
        psi_threshold=threshold,
        detectable_psi=detectable_psi(baseline.rows, counts.rows),
        fields=fields,
        predictions=predictions,
        metrics=metrics,
        notes=_notes(baseline, counts, (*fields, *predictions), metrics),
    )


def _read_rows(
    source: RowSource, traffic: Traffic, baseline: Baseline, recorded: Mapping[str, str], span: Span
) -> tuple[Counts, tuple[MetricDrift, ...]]:
    selected = Since(source.rows(traffic.source, traffic.key), span.begin, traffic.source)
    rows = OfModel(selected, traffic.model_sha256)
    counts, metrics = _count(rows, traffic, baseline, recorded)
    return replace(counts, others=rows.others, earlier=selected.earlier), metrics


def _count(
    rows: Iterable[Row], traffic: Traffic, baseline: Baseline, recorded: Mapping[str, str]
) -> tuple[Counts, tuple[MetricDrift, ...]]:
    if not traffic.labels:
        return count_rows(rows, baseline, traffic.source), ()
    reader = _source_of(traffic.labels)
    if isinstance(reader, CountSource):
        raise UnknownTrafficError(traffic.labels)
    join = Join(read_labels(reader, traffic.labels, traffic.key), traffic.labels, traffic.key)
    counts = count_rows(join.watch(rows), baseline, traffic.source)
    return counts, compare_metrics(join.found, baseline, recorded, traffic.labels)


def _source_of(written: str) -> CountSource | RowSource:
    found = next((source for source in SOURCES if source.recognises(written)), None)
    if found is None:
        raise UnknownTrafficError(_without_login(written))
    return found


def _without_login(written: str) -> str:
    """Return a source without user and password; the labels in its query stay."""
    if written == STDIN:
        return "standard input"
    place, mark, query = written.partition("?")
    return f"{without_credentials(place)}{mark}{query}"


def _span_of(since: str, until: datetime) -> Span:
    if not since:
        return Span(begin=None, length_s=None)
    match = _DURATION.fullmatch(since.strip().lower())
    length_s = int(match[1]) * _UNITS_S[match[2]] if match else 0
    try:
        begin = until - timedelta(seconds=length_s)
    except OverflowError:
        length_s = 0
    if not length_s:
        raise SinceError(since)
    return Span(begin=begin, length_s=length_s)


def _notes(
    baseline: Baseline,
    counts: Counts,
    compared: tuple[FieldDrift, ...],
    metrics: tuple[MetricDrift, ...],
) -> tuple[str, ...]:
    notes = []
    if counts.others:
        notes.append(f"{counted(counts.others, 'request')} to other models left out")
    if not counts.rows:
        notes.append("the model of this project has had no request")
    elif absent := [each.name for each in compared if each.verdict is DriftVerdict.ABSENT]:
        notes.append(f"not in the requests, and not compared: {', '.join(absent)}")
    if baseline.rows < LEAST_ROWS:
        notes.append(
            f"the baseline has {baseline.rows} rows, and a verdict needs {LEAST_ROWS}:"
            " write it from the training data, with --baseline"
        )
    elif baseline.predicted_rows < LEAST_ROWS:
        notes.append(f"the baseline has {baseline.predicted_rows} predictions; a verdict needs {LEAST_ROWS}")
    if unknown := [metric.name for metric in metrics if metric.then is None]:
        notes.append(f"no metric of the training is recorded as {', '.join(unknown)}")
    return tuple(notes)
