"""`--answer drift=true`: requests and predictions are counted in the bins of the baseline."""

from __future__ import annotations

import bisect
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from scaffold.base.baseline import columns_of, label_of
from scaffold.spec import Baseline, CategoryBaseline, FieldBaseline
from tests.serving._drift import baseline_of, introspected, run_inside, write_drift
from tests.serving._toy import Service, free_port, running

COUNT = """
import json, random, sys
from prometheus_client import REGISTRY
from pydantic import ValidationError
from app import drift
from app.schemas import ModelInput, ModelOutput

given = json.load(sys.stdin)
chance = random.Random(given["seed"])
drift.MOST_WAITING = given["waiting"]
pairs = []
for body, answer in given["pairs"]:
    try:
        record = ModelInput.model_validate_json(json.dumps(body))
    except ValidationError:
        continue
    pairs.append((body, answer, record, ModelOutput.model_validate(answer)))
answers = iter([pair[3] for pair in pairs])
run = drift.counted(lambda records: [next(answers) for _ in records])
waiting = [pair[2] for pair in pairs]
while waiting:
    size = chance.randint(1, 300)
    run(waiting[:size])
    waiting = waiting[size:]
samples = [
    (sample.name, sample.labels, sample.value)
    for metric in REGISTRY.collect() if metric.name.startswith("drift")
    for sample in metric.samples if not sample.name.endswith("_created")
]
print(json.dumps({"kept": [pair[:2] for pair in pairs], "samples": samples}))
"""


def plain_count(part: str, fields: tuple[FieldBaseline, ...], rows: list[Any]) -> dict[Any, float]:
    """What the metrics should say, counted one value at a time."""
    columns: dict[str, list[Any]] = {**columns_of(rows)}
    counts: Counter[Any] = Counter()
    for field in fields:
        for value in columns.get(field.name, [None] * len(rows)):
            outside = False
            if value is None:
                bin_ = "(missing)"
            elif isinstance(field, CategoryBaseline):
                known = label_of(value) in dict(field.shares)
                bin_, outside = label_of(value) if known else "(other)", not known and not field.other
            else:
                edges = [f"{edge:.15g}" for edge in field.edges]
                bins = [*(f"<= {edge}" for edge in edges), f"> {edges[-1]}" if edges else "any"]
                bin_ = bins[bisect.bisect_left(field.edges, value)]
                outside = value < field.min or value > field.max
            counts["drift_values_total", part, field.name, bin_] += 1
            counts["drift_outside_total", part, field.name, None] += outside
    return {key: count for key, count in counts.items() if count}


def changed(value: Any, chance: random.Random) -> Any:
    """A value of the same type: often the same, else far away, unseen or missing."""
    if isinstance(value, dict):
        return {key: changed(each, chance) for key, each in value.items()}
    if isinstance(value, list):
        return [changed(each, chance) for each in value]
    what = chance.random()
    if what < 0.6:
        return value
    if what < 0.75:
        return None
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + chance.randint(-9, 9)
    if isinstance(value, float):
        return value * chance.uniform(-3, 3)
    return chance.choice(["new", "other", "", value]) if isinstance(value, str) else value


def frame() -> pd.DataFrame:
    chance = np.random.default_rng(5)
    ages = pd.Series(chance.normal(40, 12, 400).round(1)).mask(chance.random(400) < 0.2)
    return pd.DataFrame(
        {
            "age of person": ages,
            "a.b": chance.integers(0, 4, 400),
            "class": chance.choice(["basic", "plus", "other", "né"], 400),
            "vip": chance.random(400) < 0.3,
            "name": [f"person {number}" for number in range(400)],
        }
    )


def nested() -> list[dict[str, Any]]:
    chance = random.Random(2)
    return [
        {
            "home": {"city": chance.choice("xyz"), "rooms": chance.randint(1, 9)},
            "size": [chance.random(), float(chance.randint(1, 3))],
            "score": None if chance.random() < 0.1 else chance.random(),
        }
        for _ in range(300)
    ]


KINDS: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    "frame": (frame, lambda rows: pd.DataFrame({"label": rows["class"], "score": rows["a.b"] / 7})),
    "array": (lambda: np.random.default_rng(1).normal(size=(300, 4)), lambda rows: rows.sum(axis=1)),
    "integers": (lambda: np.random.default_rng(1).integers(0, 9, (300, 3)), lambda rows: rows[:, :2] / 9),
    "nested": (nested, lambda rows: [row["home"]["city"] for row in rows]),
    "texts": (lambda: [f"text {n}" for n in range(50)], lambda rows: [len(row) % 2 == 0 for row in rows]),
}


class Model:
    """A model that is a function of all records."""

    def __init__(self, predict: Callable[[Any], Any]) -> None:
        self.predict = predict


@pytest.mark.parametrize("kind", KINDS)
def test_the_counters_equal_a_plain_count_over_random_records(kind: str, tmp_path: Path) -> None:
    sample, predict = KINDS[kind]
    found, schemas = introspected(Model(predict), sample())
    requests, answers = found.recording.requests, found.recording.answers
    baseline = baseline_of(requests, answers)
    write_drift(tmp_path, baseline, schemas=schemas)
    for seed, waiting in ((1, 700), (2, 100_000)):
        chance = random.Random(seed)
        pairs = [(changed(chance.choice(requests), chance), chance.choice(answers)) for _ in range(2500)]
        given = {"seed": seed, "waiting": waiting, "pairs": pairs}
        counted = json.loads(run_inside(tmp_path, COUNT, json.dumps(given)))
        kept = counted["kept"]
        assert len(kept) > 100
        expected = plain_count("input", baseline.fields, [request for request, _ in kept])
        expected |= plain_count("prediction", baseline.predictions, [answer for _, answer in kept])
        metrics = {
            (name, labels["part"], labels["field"], labels.get("bin")): value
            for name, labels, value in counted["samples"]
            if value and name in {"drift_values_total", "drift_outside_total"}
        }
        assert metrics == expected
        assert ["drift_records_total", {"model": "ab" * 6}, len(kept)] in counted["samples"]
        shares = Counter[str]()
        for name, labels, value in counted["samples"]:
            if name == "drift_baseline_share":
                shares[labels["part"] + labels["field"]] += value
        assert all(share == pytest.approx(1, abs=1e-4) for share in shares.values())
        assert len(shares) == len(baseline.fields) + len(baseline.predictions)


AREA = [{"value": float(number), "act": "answer", "count": 1} for number in range(60)]
ANSWERS = [{"prediction": row["value"], "together": 1} for row in AREA]


RECORDS = 'drift_records_total{model="abababababab"}'
OUTSIDE = 'drift_outside_total{field="value",model="abababababab",part="input"}'


def area_baseline() -> Baseline:
    return baseline_of(AREA, ANSWERS)


def post(service: Service, value: float, **more: Any) -> Any:
    return service.post("/score", {"value": value, **more})


@pytest.mark.parametrize("fast_routes", ["true", "false"])
def test_a_warning_names_the_fields_in_a_header(fast_routes: str, tmp_path: Path) -> None:
    write_drift(tmp_path, area_baseline(), guard="warn")
    with running(tmp_path, FAST_ROUTES=fast_routes) as service:
        assert "x-out-of-range" not in post(service, 5).headers
        one = post(service, 99, count=2)
        assert one.json["prediction"] == 99
        assert one.headers["x-out-of-range"] == "value, count"
        many = service.post("/score/batch", [{"value": 1}, {"value": -1}, {"value": 2, "act": "warn"}])
        assert many.status == 200
        assert many.headers["x-out-of-range"] == "value, act"
        assert post(service, 5).headers.get("x-out-of-range") is None
        assert service.metric(OUTSIDE) == 2
        assert service.metric(RECORDS) == 6  # without the example of the start


@pytest.mark.parametrize("fast_routes", ["true", "false"])
def test_the_guard_refuses_with_the_field(fast_routes: str, tmp_path: Path) -> None:
    write_drift(tmp_path, area_baseline(), guard="refuse")
    with running(tmp_path, FAST_ROUTES=fast_routes) as service:
        assert post(service, 5).status == 200
        one = post(service, 99)
        assert one.status == 422
        message = "Input should be from 0 to 59"
        assert one.json["detail"] == [{"type": "out_of_range", "loc": ["body", "value"], "msg": message}]
        many = service.post("/score/batch", [{"value": 1}, {"value": 2, "act": "warn"}])
        [fault] = many.json["detail"]
        assert fault == {
            "type": "out_of_range",
            "loc": ["body", 1, "act"],
            "msg": "Input should be one of answer",
        }
        assert service.metric(RECORDS) == 1


def lines_of(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_predictions_are_logged_to_a_file_without_what_is_left_out(tmp_path: Path) -> None:
    write_drift(tmp_path, area_baseline())
    log, old = tmp_path / "predictions.jsonl", tmp_path / "predictions.1"
    settings = {
        "LOG_PREDICTIONS": "1",
        "LOG_PREDICTIONS_TO": str(log),
        "LOG_PREDICTIONS_OMIT": "act, together",
    }
    with running(tmp_path, **settings) as service:
        service.post("/score", {"value": 5}, **{"X-Request-ID": "order-7"})
        while not log.exists():
            time.sleep(0.05)
        log.rename(old)
        service.post("/score/batch", [{"value": 1}, {"value": 2}])
        assert post(service, 5, count="no number").status == 422
        service.stop()
    lines = [*lines_of(old), *lines_of(log)]
    assert [line["input"] for line in lines] == [{"value": value, "count": 1} for value in (5, 1, 2)]
    assert [line["output"] for line in lines] == [{"prediction": value} for value in (5, 1, 2)]
    assert lines[0]["id"] == "order-7"
    assert lines[1]["id"] == lines[2]["id"]
    assert pd.Timestamp(lines[0]["at"]).tz is not None


def test_a_share_of_the_requests_is_logged_and_none_by_default(tmp_path: Path) -> None:
    write_drift(tmp_path, area_baseline())
    log = tmp_path / "predictions.jsonl"
    for share, least, most in (("0", 0, 0), ("0.5", 20, 80)):
        with running(tmp_path, LOG_PREDICTIONS=share, LOG_PREDICTIONS_TO=str(log)) as service:
            for value in range(100):
                post(service, value)
            service.stop()
        assert least <= (len(lines_of(log)) if log.exists() else 0) <= most


def test_a_log_that_cannot_be_written_costs_no_answer(tmp_path: Path) -> None:
    write_drift(tmp_path, area_baseline())
    with running(tmp_path, LOG_PREDICTIONS="1", LOG_PREDICTIONS_TO=str(tmp_path / "no/file")) as service:
        assert [post(service, value).status for value in range(5)] == [200] * 5
        service.stop()
        [line] = [line for line in service.log if line["logger"] == "app.prediction_log"]
        assert "predictions are not logged: No such file or directory" in line["message"]


@pytest.mark.parametrize("otlp", [False, True])
@pytest.mark.parametrize("guard", ["warn", "refuse"])
def test_the_generated_code_is_clean(guard: str, otlp: bool, tmp_path: Path) -> None:
    write_drift(tmp_path, area_baseline(), guard=guard, otlp=otlp)
    for command in (["check"], ["format", "--diff"]):
        run = [sys.executable, "-m", "ruff", *command, str(tmp_path)]
        done = subprocess.run(run, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


WIDE = """
from pydantic import BaseModel, Field

class ModelInput(BaseModel):
{fields}
class ModelOutput(BaseModel):
    prediction: float

EXAMPLE = None
"""
COUNTS = """
from app.schemas import ModelOutput

BATCHED = True

def load():
    pass

def run(records):
    return [ModelOutput(prediction=1) for _ in records]
"""


def test_many_names_of_fields_do_not_make_a_header_that_proxies_refuse(tmp_path: Path) -> None:
    names = [f"a field with a long name, number {number}" for number in range(200)]
    fields = "".join(
        f'    field_{number}: float = Field(alias="{name}")\n' for number, name in enumerate(names)
    )
    rows: list[Any] = [dict.fromkeys(names, float(number)) for number in range(60)]
    baseline = baseline_of(rows, [{"prediction": 1.0}] * 60)
    write_drift(tmp_path, baseline, guard="warn", schemas=WIDE.format(fields=fields), score=COUNTS)
    with running(tmp_path) as service:
        answer = service.post("/score", dict.fromkeys(names, -1.0))
        assert answer.status == 200
        header = answer.headers["x-out-of-range"]
        assert header.startswith("a field with a long name%2C number 0, a field with")
        assert header.endswith(", ...")
        assert len(header) < 2010


@pytest.mark.parametrize("guard", ["none", "warn", "refuse"])
def test_an_empty_batch_is_answered(guard: str, tmp_path: Path) -> None:
    write_drift(tmp_path, area_baseline(), guard=guard)
    log = tmp_path / "predictions.jsonl"
    with running(tmp_path, LOG_PREDICTIONS="1", LOG_PREDICTIONS_TO=str(log)) as service:
        empty = service.post("/score/batch", [])
        assert (empty.status, empty.json) == (200, [])
        service.stop()
        assert [line for line in service.log if line["level"] == "ERROR"] == []


def test_a_full_disk_costs_no_answer_and_is_counted(tmp_path: Path) -> None:
    write_drift(tmp_path, area_baseline())
    with running(tmp_path, LOG_PREDICTIONS="1", LOG_PREDICTIONS_TO="/dev/full") as service:
        assert [post(service, value).status for value in range(5)] == [200] * 5
        wait_for(lambda: service.metric("drift_records_not_logged_total") == 5)
        service.stop()
        lines = [line["message"] for line in service.log if line["logger"] == "app.prediction_log"]
    assert lines == ["predictions are not logged: No space left on device"]


def wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


CUT = """
import os, sys
from app import prediction_log

class Disk:
    room, content = 0, b""

    def write(self, file, rest):
        taken = bytes(rest[:self.room])
        if not taken:
            raise OSError(28, "No space left on device")
        self.room -= len(taken)
        self.content += taken
        return len(taken)

prediction_log.os = disk = Disk()
written = prediction_log.PredictionLog(print)
for disk.room, letter in ((40, b"a"), (10, b"b"), (0, b"c"), (100, b"d")):
    try:
        written._append(1, letter * 29 + b"\\n")
    except OSError:
        pass
print(disk.content.decode(), end="")
"""


def test_a_line_that_was_cut_off_spoils_no_other(tmp_path: Path) -> None:
    write_drift(tmp_path, area_baseline())
    lines = run_inside(tmp_path, CUT, "").splitlines()
    assert lines == ["a" * 29, "b" * 10, "d" * 29]


ODD = """
import time
from app import drift, prediction_log
from app.schemas import EXAMPLE, ModelOutput

class Odd(ModelOutput):
    prediction: object

prediction_log._output = prediction_log.TypeAdapter(Odd)
drift.settings = prediction_log.settings = prediction_log.settings.model_copy(update={"log_predictions": 1.0})
lost = []
log = prediction_log.PredictionLog(lost.append)
for value in (1, "\\ud800", b"\\xff", log, 2):
    log.add([EXAMPLE], [Odd.model_construct(prediction=value, together=1)])
    time.sleep(0.1)
log._end()
assert lost == [1]
"""


def test_an_answer_that_cannot_be_written_does_not_end_the_log(tmp_path: Path) -> None:
    write_drift(tmp_path, area_baseline())
    lines = [json.loads(line) for line in run_inside(tmp_path, ODD, "").splitlines()]
    assert [line["output"]["prediction"] for line in lines] == [1, "_w==", "PredictionLog", 2]


@pytest.mark.slow
def test_the_lines_of_several_workers_are_whole_on_stdout(tmp_path: Path) -> None:
    write_drift(tmp_path / "toy", area_baseline())
    port, log = free_port(), tmp_path / "log"
    settings = {"BIND_HOST": "127.0.0.1", "PORT": str(port), "WORKERS": "2", "LOG_PREDICTIONS": "1"}
    command = [sys.executable, "-m", "app"]
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            command, cwd=tmp_path / "toy", env=os.environ | settings, stdout=subprocess.PIPE, stderr=errors
        ) as process,
    ):
        service, parts = Service(process, port, log), []

        def read_slowly() -> None:
            assert process.stdout
            while part := os.read(process.stdout.fileno(), 5000):
                parts.append(part)
                time.sleep(0.0005)

        reader = threading.Thread(target=read_slowly)
        reader.start()
        try:
            assert service.wait_until_ready()
            batch = [{"value": 1}] * 400
            with ThreadPoolExecutor(6) as pool:
                answers = [*pool.map(lambda _: service.post("/score/batch", batch).status, range(30))]
            assert answers == [200] * 30
        finally:
            service.stop()
            reader.join()
    lines = b"".join(parts).splitlines()
    assert [line for line in lines if line.startswith(b"{") and line.endswith(b"}}")] == lines
    assert len(lines) > 400 * 20  # those that wait after two seconds are left out


NESTED_OMIT = """
import json
from app import prediction_log

value = {"a": {"b": 1, "c": 2}, "items": [{"name": "x", "n": 1}, {"name": "y"}], "d.e": 3}
for name in ("a.b", "items.name", "d.e"):
    prediction_log._remove(value, name)
prediction_log._omitted[:] = ["value", "act.b", "vaule"]
print(json.dumps([value, prediction_log._unknown_names()]))
"""


def test_fields_are_left_out_within_objects_and_lists_of_them(tmp_path: Path) -> None:
    write_drift(tmp_path, area_baseline())
    value, unknown = json.loads(run_inside(tmp_path, NESTED_OMIT, ""))
    assert value == {"a": {"c": 2}, "items": [{"n": 1}, {}]}
    assert unknown == ["vaule"]


@pytest.mark.slow
def test_the_counts_of_several_workers_are_added_up(tmp_path: Path) -> None:
    write_drift(tmp_path, area_baseline())
    waits = (tmp_path / "app/drift.py").read_text().replace("MOST_WAITING = 512", "MOST_WAITING = 1")
    (tmp_path / "app/drift.py").write_text(waits)
    with running(tmp_path, WORKERS="2") as service:
        for _ in range(200):
            post(service, 99)
        assert service.metric(RECORDS) == 200
        assert service.metric(OUTSIDE) == 200
        share = 'drift_baseline_share{bin="<= 6",field="value",model="abababababab",part="input"}'
        assert service.metric(share) == pytest.approx(7 / 60, abs=1e-6)
