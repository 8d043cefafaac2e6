"""`--answer shadow=true`: the running service compares its compiled model with the model."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import sys
import threading
import time
import types
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import scaffold
from scaffold.base.templates import template_path
from scaffold.errors import InvalidAnswerError
from scaffold.proof._service import Service, start_service
from scaffold.spec import JSONValue

GENERATOR = np.random.default_rng(0)
FRAME = pd.DataFrame({"width": GENERATOR.normal(size=60), "height": GENERATOR.normal(size=60)})
LABELS = (FRAME["width"] > FRAME["height"]).astype(int)
MODEL = make_pipeline(StandardScaler(), LogisticRegression()).fit(FRAME, LABELS)
ROWS: list[JSONValue] = json.loads(FRAME.head(20).to_json(orient="records"))
PATIENCE_S = 60


@pytest.fixture(scope="module")
def shadowed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose service can compare."""
    root = tmp_path_factory.mktemp("shadow") / "boxes"
    scaffold.new(MODEL, FRAME.head(10), None, root, accelerate="numpy", answers={"shadow": True})
    return root


@pytest.fixture
def project(shadowed: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(shadowed, tmp_path / "boxes"))


def _counts(service: Service) -> dict[str, float]:
    """Return the records of each result, once those of `ROWS` and of the example are counted."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        text = str(service.get("/metrics").body)
        lines = [line for line in text.splitlines() if line.startswith("model_shadow_records_total{")]
        counts = {line.split('"')[1]: float(line.rpartition(" ")[2]) for line in lines}
        if sum(counts.values()) > len(ROWS):
            return counts
        time.sleep(0.1)
    raise AssertionError(counts)


def _ask(root: Path) -> dict[str, float]:
    with start_service(root, Path(sys.executable), settings={"SHADOW": "1"}) as service:
        for row in ROWS:
            assert service.score(row).status == 200
        return _counts(service)


@pytest.mark.slow
def test_records_are_counted_as_equal_or_different(project: Path) -> None:
    total = len(ROWS) + 1  # the example of the start
    assert _ask(project) == {"equal": total, "different": 0, "failed": 0, "dropped": 0}
    fast = project / "app/fast.py"
    fast.write_text(fast.read_text().replace("(sums > 0)", "(sums < 0)"))
    assert _ask(project) == {"equal": 0, "different": total, "failed": 0, "dropped": 0}


@pytest.mark.slow
def test_a_model_that_ends_its_process_fails_no_request(project: Path) -> None:
    (project / "app/shadow/model.py").write_text("raise SystemExit(7)\n")
    counts = _ask(project)
    assert counts["equal"] == counts["different"] == 0
    assert counts["failed"] + counts["dropped"] == len(ROWS) + 1


class _Counter(dict[str, int]):
    """Counts records by result, as a counter of prometheus_client."""

    def labels(self, result: str) -> Any:
        def inc(amount: int = 1) -> None:
            self[result] = self.get(result, 0) + amount

        return types.SimpleNamespace(inc=inc)


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return `app.shadow`, whose counter is a `_Counter`."""
    stubs: dict[str, dict[str, Any]] = {
        "app": {},
        "app.schemas": {"ModelInput": int},
        "app.serving": {"Batcher": type("Batcher", (), {"__class_getitem__": lambda _: None})},
        "app.serving.logs": {"HIDDEN": "hidden"},
        "app.serving.metrics": {},
        "prometheus_client": {"Counter": lambda *_: _Counter()},
        "app.settings": {"settings": types.SimpleNamespace(shadow=1.0, log_values=False)},
    }
    for name, attributes in stubs.items():
        stub = types.ModuleType(name)
        vars(stub).update(attributes)
        monkeypatch.setitem(sys.modules, name, stub)
    shadow = types.ModuleType("app.shadow")
    path = template_path("service") / "shadow" / "__init__.py"
    vars(shadow)["__file__"] = str(path)
    exec(compile(path.read_text(), str(path), "exec"), vars(shadow))
    return shadow


def test_no_request_fails_where_the_thread_of_the_shadow_does_not_start(
    module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    observed = module._observed(lambda records: records)
    assert observed([1, 2]) == [1, 2]
    assert observed([3]) == [3]
    assert module._records == {"dropped": 3}


def test_a_full_queue_delays_no_request_and_is_counted(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module._Shadow, "_ask", lambda _: None)
    observed = module._observed(lambda records: records)
    for _ in range(module.MOST_WAITING + 7):
        observed([1, 2])
    assert module._records == {"dropped": 14}


def test_a_record_that_the_compiled_model_refuses_is_offered_once(
    module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered: list[list[int]] = []
    monkeypatch.setattr(module._shadow, "offer", offered.append)

    def run(records: list[int]) -> list[int]:
        if 2 in records:
            raise ValueError("no")
        return records

    observed = module._observed(run)
    for records in ([1, 2], [1], [2]):  # as a batch is halved
        with contextlib.suppress(ValueError):
            observed(records)
    assert offered == [[1], [2]]


def test_an_answer_that_is_cut_off_counts_as_failed(module: Any) -> None:
    process = types.SimpleNamespace(stdin=io.BytesIO(), stdout=io.BytesIO(b'{"equal": 1'), wait=lambda: -9)
    assert not module._Shadow()._exchange(process, [1, 2, 3])
    assert module._records == {"failed": 3}


def list_of(found: Any) -> Any:
    return found.tolist() if isinstance(found, np.ndarray) else found


def test_an_answer_that_only_one_of_both_gives_is_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    stubs: dict[str, dict[str, Any]] = {
        "app": {"score": None},
        "app.convert": {"from_model": list_of},
        "app.schemas": {"ModelInput": int},
        "app.shadow": {},
        "app.shadow.compiled_input": {"to_model": lambda records: records},
        "app.shadow.model": {"METHOD": "predict", "load_model": None},
        "app.shadow.model_input": {"to_model": lambda records: records},
    }
    for name, attributes in stubs.items():
        stub = types.ModuleType(name)
        vars(stub).update(attributes)
        monkeypatch.setitem(sys.modules, name, stub)
    module: dict[str, Any] = {"__name__": "app.shadow.__main__"}
    path = template_path("service") / "shadow" / "__main__.py"
    exec(compile(path.read_text(), str(path), "exec"), module)

    class Record(int):
        def model_dump_json(self, *, by_alias: bool) -> str:
            return str(self)

    def refusing(*refused: int) -> Any:
        def predict(records: list[int]) -> list[dict[str, float]]:
            if set(records) & set(refused):
                raise ValueError("no")
            return [{"prediction": record / 2} for record in records]

        return types.SimpleNamespace(predict=predict)

    found = module["compare"](refusing(1, 2), refusing(2, 3), [Record(each) for each in range(5)])
    facts = found.pop("facts")
    assert found == {"equal": 2, "different": 2, "failed": 1}
    assert [fact["record"] for fact in facts] == ["1", "3"]
    assert (facts[0]["model"], facts[1]["compiled"]) == ("ValueError: no", "ValueError: no")

    def answering(dtype: str, *values: float) -> Any:
        return types.SimpleNamespace(predict=lambda _: np.array([values], dtype=dtype))

    # The sum of 32 bits has fewer digits, of the largest number in an answer.
    for dtype, equal in (("float32", 1), ("float64", 0)):
        pair = answering(dtype, 0.75, 1e-8), answering(dtype, 0.75, 1.4e-8)
        assert module["compare"](*pair, [Record(1)])["equal"] == equal


@pytest.mark.slow
def test_nothing_is_compared_unless_a_share_is_set(project: Path) -> None:
    with start_service(project, Path(sys.executable)) as service:
        assert service.score(ROWS[0]).status == 200
        assert "model_shadow_records_total{" not in str(service.get("/metrics").body)


def test_a_slim_service_has_no_model_to_compare_with(tmp_path: Path) -> None:
    answers: dict[str, JSONValue] = {"shadow": True, "slim": True}
    with pytest.raises(InvalidAnswerError, match="slim=false"):
        scaffold.new(MODEL, FRAME, None, tmp_path / "boxes", accelerate="numpy", answers=answers)


def test_the_plain_profile_does_not_compare(tmp_path: Path) -> None:
    answers: dict[str, JSONValue] = {"shadow": True}
    with pytest.raises(InvalidAnswerError, match="the profile 'fast'"):
        scaffold.new(MODEL, FRAME, None, tmp_path / "boxes", profile="plain", answers=answers, verify=False)
