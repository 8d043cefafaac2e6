"""What pods answered to their callers, from the Prometheus metrics of the service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from scaffold.spec import SCORE_PROTOCOL

_REQUESTS = "http_requests_total"
_SECONDS = "http_request_duration_seconds_bucket"
_FAILED = 400
_NOT_CALLERS = {SCORE_PROTOCOL.ready, SCORE_PROTOCOL.alive, SCORE_PROTOCOL.openapi, "/metrics"}
_FEWEST = 20
"""The fewest requests that a share or a quantile is computed from."""
_MORE_FAILED = 0.01
_SLOWER = 2.0
_SLOWER_S = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """The requests of callers that pods answered."""

    requests: float = 0
    failed: float = 0
    """Those answered with a status of 400 or above."""
    within: Mapping[float, float] = field(default_factory=dict)
    """How many took at most so many seconds."""

    def __add__(self, other: Traffic) -> Traffic:
        return self._with(other, 1)

    def __sub__(self, other: Traffic) -> Traffic:
        return self._with(other, -1)

    def __str__(self) -> str:
        text = f"{self.failed:g} of {self.requests:g} requests failed"
        slow = self.p95_s
        return text if slow is None else f"{text}, p95 {slow * 1000:.3g} ms"

    @property
    def p95_s(self) -> float | None:
        """Seconds within which 95 % were answered, interpolated in its bucket; None without a request.

        Source: prometheus.io/docs/prometheus/latest/querying/functions (histogram_quantile)
        """
        bounds = [(0.0, 0.0), *sorted(self.within.items())]
        rank = 0.95 * bounds[-1][1]
        for (lower, below), (upper, count) in pairwise(bounds):
            if count >= rank > 0:
                return (
                    lower
                    if upper == float("inf")
                    else lower + (upper - lower) * (rank - below) / (count - below)
                )
        return None

    def _with(self, other: Traffic, sign: int) -> Traffic:
        bounds = {*self.within, *other.within}
        return Traffic(
            requests=self.requests + sign * other.requests,
            failed=self.failed + sign * other.failed,
            within={bound: self.within.get(bound, 0) + sign * other.within.get(bound, 0) for bound in bounds},
        )


def read_traffic(text: str) -> Traffic:
    """Return the traffic that the metrics of a service show; probes and the metrics themselves do not count.

    Args:
        text: What `GET /metrics` returned.
    """
    from prometheus_client.parser import text_string_to_metric_families

    requests = failed = 0.0
    within: dict[float, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.labels.get("route") in _NOT_CALLERS:
                continue
            if sample.name == _REQUESTS:
                requests += sample.value
                failed += sample.value * (int(sample.labels["status"]) >= _FAILED)
            elif sample.name == _SECONDS:
                bound = float(sample.labels["le"])
                within[bound] = within.get(bound, 0) + sample.value
    return Traffic(requests=requests, failed=failed, within=within)


def find_fault(canary: Traffic, former: Traffic) -> str:
    """Return a sentence that says in what the canary is worse than the former pods; empty if it is not.

    It is worse if it fails one request in a hundred more, and at least two more than that; or if its 95th
    percentile is more than twice that of the former pods. Fewer than 20 requests say nothing.

    Args:
        canary: What the canary answered.
        former: What the former pods answered in the same time.
    """
    if canary.requests < _FEWEST:
        return ""
    share = former.failed / former.requests if former.requests else 0
    if canary.failed - canary.requests * (share + _MORE_FAILED) >= 2:
        return "The canary fails more requests than the former pods."
    if former.requests < _FEWEST or canary.p95_s is None or former.p95_s is None:
        return ""
    if canary.p95_s > _SLOWER * former.p95_s + _SLOWER_S:
        return "The canary is slower than the former pods."
    return ""
