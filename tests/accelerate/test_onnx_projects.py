"""`--accelerate onnx` and `auto`: projects, from `new` through updates."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost

import scaffold
from scaffold.base.layout import FAST_CHECK, FAST_CODE, FAST_CONSTANTS, FAST_GRAPH, FAST_THRESHOLDS
from scaffold.events import Event, Noted
from scaffold.render._fast_check import load_function
from scaffold.render._score import score_values
from scaffold.spec import Artifact, Batching, ModelFormat, PythonCall, Signature
from scaffold.verbs.project import Project
from tests.accelerate.compiled import signature_of
from tests.batch._project import batch

COMPILED = [FAST_CODE, FAST_CONSTANTS, FAST_GRAPH, FAST_THRESHOLDS, f"{FAST_CHECK}/compare.py"]


def _train(trees: int = 10, **parameters: Any) -> tuple[Any, pd.DataFrame]:
    numbers = np.random.default_rng(0)
    frame = pd.DataFrame({"age": numbers.normal(30, 12, 300), "fare": numbers.gamma(2, 9, 300)})
    target = np.where(frame["age"] + frame["fare"] > 45, "yes", "no")
    model = lightgbm.LGBMClassifier(n_estimators=trees, num_leaves=7, verbose=-1, **parameters)
    return model.fit(frame, target), frame.head(20)


def _notes() -> tuple[list[str], Callable[[Event], None]]:
    notes: list[str] = []
    return notes, lambda event: notes.append(event.text) if isinstance(event, Noted) else None


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with trees in ONNX, as `new` writes it."""
    root = tmp_path_factory.mktemp("compiled") / "fares"
    model, sample = _train()
    answers: dict[str, Any] = {"batch": "local", "drift": True}
    project = scaffold.new(
        model, sample, model.predict_proba(sample), root, accelerate="onnx", answers=answers
    )
    verification = project.record.verification
    assert verification is not None
    [check] = [check for check in verification.checks if check.name == "compiled model"]
    assert re.match(r"as the model on 1[0-9],\d{3} rows", check.detail)
    assert "thresholds" in check.detail
    return root


@pytest.fixture
def project(compiled: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(compiled, tmp_path / "fares"))


@pytest.mark.slow
def test_the_project_runs_the_trees_with_onnxruntime(compiled: Path) -> None:
    assert all((compiled / path).is_file() for path in COMPILED)
    reason = "# runs model/fast.onnx: app/fast.py"
    lines = (compiled / "requirements.in").read_text().splitlines()
    [line] = [line for line in lines if line.startswith("onnxruntime==")]
    assert line.endswith(reason)
    assert "onnxruntime==" in (compiled / "requirements.txt").read_text()
    assert "lightgbm" not in (compiled / "app/score.py").read_text() + (compiled / FAST_CODE).read_text()
    assert "by rows and by columns" in batch(compiled, "check").stdout


@pytest.mark.slow
def test_an_update_renews_the_graph_and_keeps_an_edit(project: Path) -> None:
    score = project / "app/score.py"
    edited = score.read_text().replace(
        "    # Your steps before the model",
        "    # Ages above 90 are typing errors.\n    # Your steps before the model",
    )
    score.write_text(edited)
    graph = (project / FAST_GRAPH).read_bytes()
    model, sample = _train(trees=12)
    assert scaffold.update(project, model, sample, model.predict_proba(sample)).applied
    assert score.read_text() == edited
    assert (project / FAST_GRAPH).read_bytes() != graph
    notes, on_event = _notes()
    model, sample = _train(boosting_type="rf", bagging_freq=1, bagging_fraction=0.5)
    scaffold.update(project, model, sample, model.predict_proba(sample), on_event=on_event)
    reason = "LGBMClassifier with boosting_type='rf' has no compiled form"
    assert f"accelerate: {reason}; the model is called as it is" in notes
    assert not any((project / path).exists() for path in COMPILED)
    assert "onnxruntime" not in (project / "requirements.in").read_text()
    assert "onnxruntime" not in (project / "requirements.txt").read_text()
    assert Project.open(project).record.options["accelerate"] == "onnx"


@pytest.mark.slow
def test_auto_keeps_what_is_proven_and_says_why(tmp_path: Path) -> None:
    notes, on_event = _notes()
    model, sample = _train()
    root = tmp_path / "fares"
    scaffold.new(model, sample, model.predict_proba(sample), root, accelerate="auto", on_event=on_event)
    [note] = [note for note in notes if note.startswith("accelerate: ")]
    speed = r"\S+ times as fast as the model for one row, \S+ times for 64"
    found = re.fullmatch(rf"accelerate: (numpy|onnx) is kept \(numpy: {speed}; onnx: {speed}\)", note)
    assert found
    assert (root / FAST_GRAPH).is_file() == (found[1] == "onnx")


@pytest.mark.slow
def test_a_booster_of_xgboost_needs_no_xgboost_in_the_image(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0)
    frame = pd.DataFrame({"age": numbers.normal(30, 12, 300), "rooms": numbers.integers(1, 9, 300)})
    matrix = xgboost.DMatrix(frame, (frame["age"] > 5 * frame["rooms"]).astype(int))
    booster = xgboost.train({"objective": "binary:logistic", "nthread": 1}, matrix, 5)
    path = tmp_path / "model.ubj"
    booster.save_model(path)
    sample = frame.head(20)
    root = tmp_path / "rooms"
    expected = booster.predict(xgboost.DMatrix(sample))
    project = scaffold.new(path, sample, expected, root, accelerate="onnx", answers={"slim": True})
    assert project.record.verification is not None
    [check] = [each for each in project.record.verification.checks if each.name == "compiled model"]
    assert re.match(r"as the model on 1[0-9],\d{3} rows", check.detail)
    assert "xgboost" not in (root / "requirements.txt").read_text()


def test_the_comparison_loads_a_file_of_xgboost(tmp_path: Path) -> None:
    frame = pd.DataFrame({"size": [1.0, 2.0, 3.0, 4.0]})
    model = xgboost.XGBClassifier(n_estimators=3, min_child_weight=0).fit(frame, [0, 0, 1, 1])
    path = tmp_path / "model.ubj"
    model.save_model(path)
    artifact = Artifact(path=path, sha256="", size_bytes=1, format=ModelFormat.XGBOOST)
    usual = signature_of(frame, "predict_proba")
    call = PythonCall(method="predict_proba", batching=Batching.TOGETHER, estimator="XGBClassifier")
    signature = Signature(input=usual.input, output=usual.output, call=call)
    names: dict[str, Any] = {"Any": Any, "xgboost": xgboost, "MODEL": path, "MODEL_SHA256": ""}
    names["open_model"] = lambda path, _sha256: path.open("rb")
    exec(load_function(score_values(artifact, signature), signature), names)
    loaded = names["load_model"]()
    assert loaded.predict_proba(frame).tolist() == model.predict_proba(frame).tolist()
