"""The counters of a service, as a Prometheus server has them.

Source: prometheus.io/docs/prometheus/latest/querying/api, "Instant queries".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from scaffold.base.http import NoAnswerError, RefusedError, Server
from scaffold.base.urls import without_credentials
from scaffold.errors import TrafficUnreadableError, UnknownTrafficError
from scaffold.spec import Baseline, CategoryBaseline, FieldBaseline, NumberBaseline
from scaffold.traffic._cells import Counts, FieldCounts
from scaffold.traffic._source import CountSource, Span

_PREFIX = "prometheus:"
_MODEL_DIGITS = 12
"""How much of the model's sha256 is in the label `model`, as `app/drift.py` of the service has it."""
_MISSING, _OTHER = "(missing)", "(other)"
_INPUT, _PREDICTION = "input", "prediction"
"""The parts of the counters."""

_Key = tuple[str, str]
"""The part and the name of a field."""


class Prometheus(CountSource):
    """`prometheus:http://host:9090`; labels that select series follow: `?namespace=titanic`."""

    def recognises(self, written: str) -> bool:
        """Whether the text begins as such a URL does."""
        return written.startswith(_PREFIX)

    def count(self, written: str, baseline: Baseline, span: Span, model_sha256: str) -> Counts:
        """Return by how much the counters of all pods grew; in the last week where no time is named."""
        server, selector = _server_of(written)

        def growth(name: str, model: str = model_sha256) -> str:
            return _growth(name, selector, f"{span.length_s}s", model)

        values = _query(server, f"sum by (part, field, bin) ({growth('drift_values_total')})")
        outside = _query(server, f"sum by (part, field) ({growth('drift_outside_total')})")
        records = _query(server, f"sum({growth('drift_records_total')})")
        all_records = _query(server, f"sum({growth('drift_records_total', '')})")
        bins: dict[_Key, dict[str, float]] = {}
        for labels, value in values:
            bins.setdefault(_key(labels), {})[labels.get("bin", "")] = value
        beyond = {_key(labels): value for labels, value in outside}

        def counts_of(part: str, field: FieldBaseline) -> FieldCounts | None:
            key = part, field.name
            return _counts(field, bins[key], beyond.get(key, 0.0)) if key in bins else None

        rows, of_all = (round(sum(value for _, value in each)) for each in (records, all_records))
        return Counts(
            rows=rows,
            others=max(0, of_all - rows),
            fields=tuple(counts_of(_INPUT, field) for field in baseline.fields),
            predictions=tuple(counts_of(_PREDICTION, field) for field in baseline.predictions),
        )


def _growth(counter: str, selector: str, window: str, model_sha256: str) -> str:
    """Return the query by how much a counter grew, by the requests to one model; to all without its hash.

    The label `model` is the beginning of the hash. Counters of services that were made without that label are
    those of pods that had no other model in that time, as `model_info` tells.
    """

    def over_time(name: str, *matchers: str) -> str:
        return f"{name}{{{','.join(filter(None, [selector, *matchers]))}}}[{window}]"

    if not model_sha256:
        return f"increase({over_time(counter)})"
    of_model = over_time(counter, f'model="{model_sha256[:_MODEL_DIGITS]}"')
    unnamed = over_time(counter, 'model=""')
    others = over_time("model_info", f'sha256!="{model_sha256}"')
    return f"increase({of_model}) or (increase({unnamed}) unless on (job, instance) last_over_time({others}))"


def _server_of(written: str) -> tuple[Server, str]:
    """Return the server, and the selector of its series.

    Raises:
        UnknownTrafficError: The text is no such URL.
        TrafficUnreadableError: The URL cannot be used.
    """
    try:
        parts = urlsplit(written.removeprefix(_PREFIX))
        matchers = parse_qsl(parts.query, strict_parsing=True) if parts.query else []
    except ValueError as error:
        raise UnknownTrafficError(without_credentials(written)) from error
    is_plain = all(name.isidentifier() and name.isascii() for name, _ in matchers)
    if parts.scheme not in ("http", "https") or not parts.hostname or not is_plain:
        raise UnknownTrafficError(without_credentials(written))
    try:
        server = Server(urlunsplit((parts.scheme, parts.netloc, parts.path, "", "")))
    except NoAnswerError as error:
        raise TrafficUnreadableError(without_credentials(written), 0, str(error)) from error
    # JSON escapes a text as PromQL reads it.
    return server, ",".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in matchers)


def _query(server: Server, query: str) -> Iterator[tuple[Mapping[str, str], float]]:
    """Yield the labels and the value of each series of the answer.

    Raises:
        TrafficUnreadableError: The server does not answer, or with something else.
    """
    try:
        answer = server.json("api/v1/query", {"query": query})
        series = [(each["metric"], float(each["value"][1])) for each in answer["data"]["result"]]
    except RefusedError as error:
        status, message = error.args
        raise TrafficUnreadableError(server.url, 0, f"it answers with {status}, {message}") from error
    except NoAnswerError as error:
        raise TrafficUnreadableError(server.url, 0, str(error)) from error
    except (LookupError, TypeError, ValueError) as error:
        raise TrafficUnreadableError(server.url, 0, "it does not answer as Prometheus does") from error
    return iter(series)


def _key(labels: Mapping[str, str]) -> _Key:
    return labels.get("part", ""), labels.get("field", "")


def _counts(field: FieldBaseline, bins: Mapping[str, float], outside: float) -> FieldCounts:
    if isinstance(field, CategoryBaseline):
        cells = [bins.get(label, 0.0) for label in [*(label for label, _ in field.shares), _OTHER]]
        return FieldCounts(cells=tuple(map(round, cells)), missing=round(bins.get(_MISSING, 0.0)))
    inner = [bins.get(name, 0.0) for name in _bins_of(field)]
    # What is no number counts as missing: it is in no bin.
    missing = bins.get(_MISSING, 0.0) + bins.get(_OTHER, 0.0)
    below, above = _split(field, inner, max(0.0, outside - bins.get(_OTHER, 0.0)))
    inner[0] -= below
    inner[-1] -= above
    return FieldCounts(cells=tuple(map(round, [below, *inner, above])), missing=round(missing))


def _bins_of(field: NumberBaseline) -> list[str]:
    """Return the names of the bins, as `app/baseline.py` of the service has them."""
    edges = [f"{edge:.15g}" for edge in field.edges]
    return [*(f"<= {edge}" for edge in edges), f"> {edges[-1]}" if edges else "any"]


def _split(field: NumberBaseline, inner: list[float], outside: float) -> tuple[float, float]:
    """Return how many of the values out of the range lie below it and above it.

    The service does not tell. They are in the first bin or in the last one; the one that has more above its
    share in the baseline gets as many as it has.
    """
    total = sum(inner) or 1.0
    excess = [inner[end] / total - field.shares[end] for end in (0, -1)]
    if len(inner) > 1 and excess[0] > excess[1]:
        below = min(outside, inner[0])
        return below, min(outside - below, inner[-1])
    above = min(outside, inner[-1])
    return (min(outside - above, inner[0]) if len(inner) > 1 else 0.0), above
