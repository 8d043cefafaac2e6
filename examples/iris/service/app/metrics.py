"""The numbers for Prometheus: what `/metrics` shows."""

import os

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    start_http_server,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from app.settings import MODEL_SHA256, MODEL_VERSION, NAME

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
RECORDS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)

in_flight = Gauge(
    "http_requests_in_flight", "Requests being answered.", multiprocess_mode="livesum"
)
_requests = Counter("http_requests", "Requests answered.", ["route", "status"])
_latency = Histogram(
    "http_request_duration_seconds", "From head to answer.", ["route"], buckets=SECONDS
)
_wait = Histogram(
    "model_queue_wait_seconds", "Wait of the oldest record of a batch.", buckets=SECONDS
)
_records = Histogram("model_batch_records", "Records predicted in one call.", buckets=RECORDS)
_call = Histogram("model_call_seconds", "Time that one call of the model took.", buckets=SECONDS)
_model = Gauge(
    "model_info", "The model.", ["name", "version", "sha256"], multiprocess_mode="livemax"
)
_model.labels(NAME, MODEL_VERSION, MODEL_SHA256).set(1)
_turned_away = _requests.labels("any", 503)

_children: dict[tuple[str, int], tuple[Counter, Histogram]] = {}


def count_request(route: str, status: int, took_s: float) -> None:
    """Count an answer; `route` is one of few, never a path as it came."""
    children = _children.get((route, status))
    if children is None:
        children = _children[route, status] = (
            _requests.labels(route, status),
            _latency.labels(route),
        )
    children[0].inc()
    children[1].observe(took_s)


def count_turned_away() -> None:
    """Count a request that was answered 503 before its route was looked up."""
    _turned_away.inc()


def count_batch(records: int, waited_s: float, took_s: float) -> None:
    """Count a call of the model."""
    _records.observe(records)
    _wait.observe(waited_s)
    _call.observe(took_s)


def as_text() -> bytes:
    """What Prometheus reads."""
    return generate_latest(_registry())


def start_server(host: str, port: int) -> None:
    """Show the numbers on a port of their own, from a thread."""
    start_http_server(port, host, _registry())


def forget_worker(process: int) -> None:
    """Leave out what a worker that ended had in hand."""
    mark_process_dead(process)  # type: ignore[no-untyped-call]


def _registry() -> CollectorRegistry:
    """The numbers of this process, or of all workers where there are several."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return together
