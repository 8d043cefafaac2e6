"""Prometheus metrics."""

import os
import tempfile
from functools import cache

from app.serving.cpu import worker_count

if worker_count() > 1 and "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
    # Worker processes share their metrics in files. The library looks for the folder on import.
    try:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp()
    except OSError:
        problem = "No folder can be written, and WORKERS share their metrics in one: set TMPDIR."
        raise SystemExit(problem) from None

from fastapi import Response
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

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
RECORDS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)

in_flight = Gauge("http_requests_in_flight", "Requests in progress.", multiprocess_mode="livesum")
info = Gauge("model_info", "The model.", ["name", "version", "sha256"], multiprocess_mode="livemax")
_requests = Counter("http_requests", "Responses.", ["route", "status"])
_turned_away = _requests.labels("any", 503)
_latency = Histogram(
    "http_request_duration_seconds", "From headers to response.", ["route"], buckets=SECONDS
)
_records = Histogram(
    "model_batch_records", "Records scored in one call.", ["model"], buckets=RECORDS
)
_wait = Histogram(
    "model_queue_wait_seconds", "Wait of the oldest record of a batch.", ["model"], buckets=SECONDS
)
_call = Histogram("model_call_seconds", "Time of one call.", ["model"], buckets=SECONDS)


# Finding the labels takes longer than counting.
@cache
def _of_route(route: str, status: int) -> tuple[Counter, Histogram]:
    return _requests.labels(route, status), _latency.labels(route)


@cache
def _of_model(model: str) -> tuple[Histogram, Histogram, Histogram]:
    return _records.labels(model), _wait.labels(model), _call.labels(model)


def count_request(route: str, status: int, took_s: float) -> None:
    """Count a response. `route` is the path of a route, for a label must have few values."""
    requests, latency = _of_route(route, status)
    requests.inc()
    latency.observe(took_s)


def count_turned_away() -> None:
    """Count a request that was answered 503 before its route was known."""
    _turned_away.inc()


def count_batch(model: str, records: int, waited_s: float, took_s: float) -> None:
    """Count a call of the model."""
    of_records, of_wait, of_call = _of_model(model)
    of_records.observe(records)
    of_wait.observe(waited_s)
    of_call.observe(took_s)


def as_text() -> bytes:
    """Return the metrics of this process, or of all worker processes."""
    return generate_latest(_registry())


async def show() -> Response:
    """Return the text that Prometheus reads."""
    return Response(as_text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def start_server(host: str, port: int) -> None:
    """Serve the metrics on a separate port, in a thread."""
    start_http_server(port, host, _registry())


def forget_worker(process: int) -> None:
    """Remove the gauges of a worker process that ended."""
    mark_process_dead(process)  # type: ignore[no-untyped-call]


def _registry() -> CollectorRegistry:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return together
