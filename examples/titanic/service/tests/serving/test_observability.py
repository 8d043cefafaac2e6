"""Metrics and logs."""

import json
import logging
import sys
from typing import Any

import pytest

from app.serving import Batcher, metrics
from app.serving.settings import ServingSettings
from tests.serving.toy import Record, Toy, call


def logged(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_metrics_are_labelled_by_route_and_by_model() -> None:
    toy = Toy()
    toy.ask(toy.post("/score", {"value": 1}), toy.get("/no/such/path"), toy.get("/healthz"))
    text = metrics.as_text().decode()
    for line in (
        'http_requests_total{route="/score",status="200"}',
        'http_requests_total{route="other",status="404"}',
        'model_call_seconds_count{model="toy"}',
        'model_info{name="toy"',
    ):
        assert line in text
    assert "/no/such/path" not in text


def test_two_models_have_metrics_of_their_own() -> None:
    toy = Toy()
    second = Batcher(lambda records: records, ServingSettings(), name="second")

    @toy.app.post("/second")
    async def score_second(record: Record) -> Record:
        return (await second.score([record]))[0]

    toy.ask(toy.post("/second", {"value": 1}))
    assert 'model_batch_records_count{model="second"} 1.0' in metrics.as_text().decode()


@pytest.mark.parametrize(
    ("log_values", "message"), [(True, "secret 27182.8182"), (False, "LOG_VALUES=1")]
)
def test_the_log_has_no_input_values_unless_it_is_told_to(
    capsys: pytest.CaptureFixture[str], log_values: bool, message: str
) -> None:
    toy = Toy(log_values=log_values)
    [reply] = toy.ask(toy.post("/score", {"value": 27182.8182, "act": "fail"}, x_request_id="abc"))
    assert reply.json["id"] == "abc"
    assert "secret" not in reply.json["detail"]
    [line] = [line for line in logged(capsys) if "error.type" in line]
    assert line["error.type"] == "builtins.ValueError"
    assert message in line["error.message"]
    assert (line["request_id"], line["record"]) == ("abc", 0)
    assert any("in run" in frame or frame.endswith(" run") for frame in line["stack"])
    assert log_values or "27182" not in json.dumps(line)


@pytest.mark.parametrize("terminal", [True, False])
def test_values_are_logged_on_a_terminal(monkeypatch: pytest.MonkeyPatch, terminal: bool) -> None:
    monkeypatch.delenv("LOG_VALUES", raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    assert ServingSettings().log_values is terminal


def test_what_the_model_logs_has_the_request_id(capsys: pytest.CaptureFixture[str]) -> None:
    toy = Toy()

    def run(records: list[Record]) -> list[Record]:
        logging.getLogger("app.score").info("scored", extra={"records": len(records)})
        return records

    batcher = Batcher(run, toy.settings)

    @toy.app.post("/logged")
    async def score_logged(record: Record) -> Record:
        return (await batcher.score([record]))[0]

    toy.ask(toy.post("/logged", {"value": 1}, x_request_id="abc", traceparent="00-1-2-01"))
    [line] = [line for line in logged(capsys) if line["message"] == "scored"]
    assert (line["request_id"], line["traceparent"]) == ("abc", "00-1-2-01")
    assert line["records"] == 1


def test_a_request_has_an_id_and_one_line_in_the_access_log(
    capsys: pytest.CaptureFixture[str],
) -> None:
    toy = Toy(access_log=True)
    [reply] = toy.ask(toy.post("/score?secret=1", {"value": 1}, x_request_id="with space"))
    [line] = [line for line in logged(capsys) if line["logger"] == "app.requests"]
    assert line["request_id"] == reply.headers["x-request-id"] != "with space"
    assert (line["method"], line["path"], line["status"]) == ("POST", "/score", 200)


def test_head_is_logged_as_head(capsys: pytest.CaptureFixture[str]) -> None:
    toy = Toy(access_log=True)
    [reply] = toy.ask(call(toy.app, "HEAD", "/healthz", b"", {}))
    [line] = [line for line in logged(capsys) if line["logger"] == "app.requests"]
    assert (reply.status, line["method"]) == (200, "HEAD")
