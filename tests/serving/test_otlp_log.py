"""`LOG_PREDICTIONS_TO=otlp`: the log of predictions goes to a collector of OpenTelemetry."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import scaffold
from scaffold.traffic._otlp import log_lines
from tests.serving._collector import Collector, collecting, hexadecimal
from tests.serving._drift import write_drift
from tests.serving._toy import running
from tests.serving.test_drift import area_baseline

FAR = [{"value": 90.0 + number, "act": "answer", "count": 1} for number in range(120)]
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as found:
        yield found


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_drift(tmp_path / "toy", area_baseline(), otlp=True)
    return tmp_path / "toy"


def settings(endpoint: str, **more: str) -> dict[str, str]:
    to_otlp = {"LOG_PREDICTIONS": "1", "LOG_PREDICTIONS_TO": "otlp", "OPENTELEMETRY": "1"}
    return {**to_otlp, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_SERVICE_NAME": "toy", **more}


def bodies(collector: Collector) -> list[Any]:
    return [line for message in collector.messages for line in log_lines(message) if "input" in line]


def test_a_log_record_has_the_line_the_time_and_the_trace_of_the_request(
    root: Path, collector: Collector
) -> None:
    before = time.time_ns()
    with running(root, **settings(collector.url, LOG_PREDICTIONS_OMIT="act,together")) as service:
        headers = {"X-Request-ID": "order-7", "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
        assert service.post("/score", {"value": 5.5, "count": 2**62}, **headers).status == 200
        assert service.post("/score/batch", [{"value": 1}, {"value": 2}]).status == 200
        assert service.post("/score", {"value": 5, "count": "no number"}).status == 422
        service.stop()
    first, *batch = collector.records
    assert before < int(first["timeUnixNano"]) < time.time_ns()
    assert (first["eventName"], first["severityText"]) == ("prediction", "INFO")
    assert hexadecimal(first["traceId"]) == TRACE
    assert hexadecimal(batch[0]["traceId"]) not in {"", TRACE}
    lines = bodies(collector)
    assert [line["input"] for line in lines] == [
        {"value": 5.5, "count": 2**62},
        {"value": 1, "count": 1},
        {"value": 2, "count": 1},
    ]
    assert [line["output"] for line in lines] == [{"prediction": value} for value in (5.5, 1, 2)]
    assert (lines[0]["id"], lines[0]["model"]) == ("order-7", "ab" * 6)


def test_drift_reads_what_a_collector_writes_to_a_file(
    root: Path, collector: Collector, tmp_path: Path
) -> None:
    log, lines = tmp_path / "otlp.json", tmp_path / "lines.jsonl"
    with running(root, **settings(collector.url)) as service:
        service.post("/score/batch", FAR)
        service.stop()
    with running(root, LOG_PREDICTIONS="1", LOG_PREDICTIONS_TO=str(lines)) as service:
        service.post("/score/batch", FAR)
        service.stop()
    collector.write(log)
    found, expected = (scaffold.drift(root, str(path), since="1d") for path in (log, lines))
    assert found.rows == len(FAR)
    assert (found.fields, found.predictions) == (expected.fields, expected.predictions)


def test_no_record_of_many_is_lost_and_those_at_the_end_are_sent(root: Path, collector: Collector) -> None:
    with running(root, **settings(collector.url, WORKERS="2")) as service:
        for _ in range(4):
            assert service.post("/score/batch", [{"value": 1}] * 1000).status == 200
        for value in range(50):
            service.post("/score", {"value": value})
        service.stop()
    assert len(collector.records) == 4050


def test_a_collector_that_fails_costs_no_answer(root: Path, collector: Collector) -> None:
    collector.status = 500
    with running(root, **settings(collector.url)) as service:
        assert [service.post("/score", {"value": value}).status for value in range(5)] == [200] * 5
        began = time.monotonic()
        service.stop()
        assert time.monotonic() - began < 15


def test_no_exporter_is_logged_once(root: Path) -> None:
    for wrong in ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, {"OPENTELEMETRY": "0"}):
        with running(root, **{**settings("http://127.0.0.1:9"), **wrong}) as service:
            assert [service.post("/score", {"value": value}).status for value in range(5)] == [200] * 5
            time.sleep(0.2)
            assert service.metric("drift_records_not_logged_total") == 5
            service.stop()
            lines = [line["message"] for line in service.log if line["logger"] == "app.prediction_log"]
        assert lines == [
            "predictions are not logged: OpenTelemetry has no exporter: is OTEL_EXPORTER_OTLP_ENDPOINT set?"
        ]


@pytest.mark.slow
@pytest.mark.parametrize("profile", ["fast", "plain"])
def test_a_project_of_each_profile_is_clean_and_sends_its_log(
    profile: str, collector: Collector, tmp_path: Path
) -> None:
    answers = {"drift": True, "guard": "refuse", "opentelemetry": True, "protocols": "oip,mlflow,azureml"}
    sample = pd.DataFrame({"age": [age + 0.5 for age in range(20, 70)], "visits": [0, 1] * 25})
    model = LogisticRegression().fit(sample, sample["age"] > 40)
    root = tmp_path / "service"
    options: dict[str, Any] = {"answers": answers, "profile": profile, "verify": False}
    scaffold.new(model, sample, target=root, name="service", **options)
    for command in (["check"], ["format", "--check"]):
        run = [sys.executable, "-m", "ruff", *command]
        done = subprocess.run(run, cwd=root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
    inside, outside = {"age": 30.5, "visits": 1}, {"age": 300.5, "visits": 1}
    refused = "age: Input should be from 20.5 to 69.5"
    with running(root, **settings(collector.url)) as service:
        for path, form, error in (
            ("/invocations", lambda record: {"dataframe_records": [record]}, "message"),
            ("/v2/models/service/infer", tensors, "error"),
            ("/azureml/score", lambda record: {"input_data": [record]}, "message"),
        ):
            assert service.post(path, form(inside)).status == 200, path
            answer = service.post(path, form(outside))
            assert (answer.status, refused in json.dumps(answer.json)) == (400, True), answer
            assert error in answer.json
        counted = [line for line in service.get("/metrics").body.splitlines() if b"drift_records_t" in line]
        assert counted[-1].endswith(b" 3.0")
        service.stop()
    assert [line["input"] for line in bodies(collector)] == [inside] * 3


def tensors(record: dict[str, Any]) -> Any:
    kinds = {"age": "FP64", "visits": "INT64"}
    return {
        "inputs": [
            {"name": name, "shape": [1], "datatype": kinds[name], "data": [value]}
            for name, value in record.items()
        ]
    }
