"""Batching, limits, API keys and readiness: what `app/serving/` and `app/main.py` promise."""

import asyncio
import hashlib
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Awaitable
from typing import Any

import pytest
from fastapi import HTTPException

from app.serving import batching
from app.serving.batching import Batcher
from app.settings import Settings
from tests.service import RECORDED, Service, running_service

ROW = json.loads(RECORDED.read_text(encoding="utf-8"))["requests"][0]


class Model:
    """A model that answers the record itself, and notes the calls."""

    def __init__(self) -> None:
        self.calls: list[list[Any]] = []
        self.go_on = threading.Event()
        self.go_on.set()

    def run(self, records: list[Any]) -> list[Any]:
        self.calls.append(records)
        assert self.go_on.wait(30)
        if "bad" in records:
            raise ValueError("secret")
        return records


async def results(*scoring: Awaitable[Any]) -> list[Any]:
    """The answers; for an error response its status."""
    found = await asyncio.gather(*scoring, return_exceptions=True)
    return [each.status_code if isinstance(each, HTTPException) else each for each in found]


def limit(monkeypatch: pytest.MonkeyPatch, **limits: float) -> None:
    monkeypatch.setattr(batching, "settings", Settings(**limits))  # type: ignore[arg-type]


def test_concurrent_requests_share_a_call_and_each_gets_its_own_answers() -> None:
    model = Model()

    async def ask() -> list[Any]:
        batcher = Batcher(model.run, batched=True)
        return await results(*(batcher.score([n, -n]) for n in range(8)))

    assert asyncio.run(ask()) == [[n, -n] for n in range(8)]
    assert len(model.calls) == 1


def test_a_model_that_takes_one_record_gets_one() -> None:
    model = Model()

    async def ask() -> list[Any]:
        batcher = Batcher(model.run, batched=False)
        return await results(batcher.score([1, 2]), batcher.score([3]))

    assert asyncio.run(ask()) == [[1, 2], [3]]
    assert [len(call) for call in model.calls] == [1, 1, 1]


def test_a_long_request_is_scored_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    limit(monkeypatch, max_batch=4)
    model = Model()
    records = list(range(10))
    assert asyncio.run(Batcher(model.run, batched=True).score(records)) == records
    assert [len(call) for call in model.calls] == [4, 4, 2]


def test_a_record_that_the_model_fails_on_fails_alone(caplog: pytest.LogCaptureFixture) -> None:
    model = Model()

    async def ask() -> list[Any]:
        batcher = Batcher(model.run, batched=True)
        return await results(*(batcher.score([each]) for each in (1, "bad", 3)))

    assert asyncio.run(ask()) == [[1], 500, [3]]
    [record] = caplog.records
    assert record.exc_info
    assert len(vars(record)["error_id"]) == 32


def test_another_number_of_answers_is_a_failure() -> None:
    batcher = Batcher(lambda records: records[1:], batched=True)
    assert asyncio.run(results(batcher.score([1, 2]))) == [500]


def test_more_than_max_waiting_records_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    limit(monkeypatch, max_waiting=2)
    model = Model()

    async def ask() -> list[Any]:
        batcher = Batcher(model.run, batched=True)
        return await results(*(batcher.score([n]) for n in range(4)))

    assert asyncio.run(ask()) == [[0], [1], 503, 503]


def test_a_prediction_that_hangs_is_a_504_and_not_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    limit(monkeypatch, queue_timeout_s=0.05, score_timeout_s=0.05)
    model = Model()

    async def ask() -> None:
        batcher = Batcher(model.run, batched=True)
        assert not batcher.hanging
        model.go_on.clear()
        assert await results(batcher.score([1])) == [504]
        assert batcher.hanging
        model.go_on.set()
        while batcher.hanging:
            await asyncio.sleep(0.01)
        assert await results(batcher.score([2])) == [[2]]

    asyncio.run(ask())


def ask(service: Service, path: str, body: Any = None, key: str = "") -> tuple[int, str]:
    """Return the status and the text of a response."""
    headers = {"Content-Type": "application/json", "X-API-Key": key}
    raw = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{service._port}{path}", raw, headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_requests_and_batches_are_counted(service: Service) -> None:
    assert ask(service, "/score", ROW)[0] == 200
    _, metrics = ask(service, "/metrics")
    assert 'http_requests_total{handler="/score",method="POST",status="200"}' in metrics
    assert "model_batch_records_count" in metrics


def test_api_keys_are_asked_for_before_the_body_is_validated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys = f"{hashlib.sha256(b'mine').hexdigest()}, {hashlib.sha256(b'yours').hexdigest()}"
    monkeypatch.setenv("API_KEY_HASHES", keys)
    with running_service() as service:
        for body in (ROW, {}):
            assert ask(service, "/score", body)[0] == 401
            assert ask(service, "/score", body, "other")[0] == 401
        assert ask(service, "/score", ROW, "mine")[0] == 200
        assert ask(service, "/score/batch", [ROW], "yours")[0] == 200
        for path in ("/healthz", "/readyz", "/metrics", "/docs", "/openapi.json"):
            assert ask(service, path)[0] == 200


def test_a_body_has_limits_and_pages_can_be_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    size = len(json.dumps([ROW, ROW]))
    for name, value in {"MAX_BODY_BYTES": size, "MAX_RECORDS": 1, "DOCS": 0, "METRICS": 0}.items():
        monkeypatch.setenv(name, str(value))
    with running_service() as service:
        assert ask(service, "/score/batch", [ROW])[0] == 200
        assert ask(service, "/score/batch", [ROW, ROW])[0] == 422
        assert ask(service, "/score/batch", [ROW, ROW, ROW])[0] == 413
        for path in ("/docs", "/openapi.json", "/metrics"):
            assert ask(service, path)[0] == 404
