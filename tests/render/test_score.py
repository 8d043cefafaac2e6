"""The `app/score.py` of each kind of model, and that it predicts as the model does."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import importlib
import lzma
import pickle
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import jinja2
import joblib
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from scaffold.render._score import score_values
from scaffold.spec import (
    Arguments,
    Artifact,
    Batching,
    BoosterCall,
    Feed,
    Field,
    ModelFormat,
    Numpy,
    Pandas,
    PythonCall,
    Scalar,
    ScalarType,
    SessionCall,
    Signature,
    Table,
    Tensor,
    TorchCall,
)

TEMPLATE = Path(__file__).parents[2] / "templates" / "service" / "project" / "app" / "score.py.jinja"
NUMBER = Scalar(type=ScalarType.NUMBER)
ARRAY = Tensor(shape=(2,), dtype="float64", items=NUMBER, container=Numpy())
FRAME = Table(columns=(Field(name="a", attribute="a", schema=NUMBER),), container=Pandas())


def rendered(format, call, *, input=ARRAY, compression=None):
    artifact = Artifact(path=Path("m"), sha256="0" * 64, size_bytes=1, format=format, compression=compression)
    values = score_values(artifact, Signature(input=input, output=NUMBER, call=call))
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    return environment.from_string(TEMPLATE.read_text()).render(values)


def call(method="predict", batching=Batching.TOGETHER, **kind):
    return PythonCall(method=method, batching=batching, **kind)


def torch_call(batching=Batching.TOGETHER, **kind):
    return TorchCall(method="__call__", batching=batching, **kind)


def onnx_call(batching=Batching.TOGETHER, inputs=("X",), **kind):
    return SessionCall(batching=batching, inputs=inputs, **kind)


TWO_NAMES = ("output_label", "output_probability")
LONG_NAMES = tuple(f"a_rather_long_name_of_an_output_{i}" for i in range(4))
CASES = {
    "pickle": (ModelFormat.PICKLE, call()),
    "joblib": (ModelFormat.JOBLIB, call("predict_proba")),
    "one_by_one": (ModelFormat.PICKLE, call("__call__", batching=Batching.ALONE)),
    "keywords": (ModelFormat.PICKLE, call(batching=Batching.ALONE, arguments=Arguments.KEYWORDS)),
    "positional": (ModelFormat.PICKLE, call("rank", batching=Batching.ALONE, arguments=Arguments.POSITIONAL)),
    "context": (ModelFormat.PICKLE, call(arguments=Arguments.AFTER_CONTEXT)),
    "torch": (ModelFormat.TORCH, torch_call()),
    "torch_array": (ModelFormat.TORCH, torch_call(tensor=True)),
    "torchscript": (ModelFormat.TORCHSCRIPT, torch_call(batching=Batching.ALONE)),
    "onnx": (ModelFormat.ONNX, onnx_call(outputs=("variable",))),
    "onnx_two": (ModelFormat.ONNX, onnx_call(batching=Batching.ALONE, outputs=TWO_NAMES)),
    "onnx_long": (ModelFormat.ONNX, onnx_call(outputs=LONG_NAMES)),
    "onnx_inputs": (
        ModelFormat.ONNX,
        onnx_call(feed=Feed.BY_NAME, outputs=("y",), inputs=("a", "b")),
    ),
    "onnx_long_name": (
        ModelFormat.ONNX,
        onnx_call(outputs=("o" * 50,), inputs=("i" * 40,)),
    ),
    "booster": (ModelFormat.XGBOOST, BoosterCall(batching=Batching.TOGETHER)),
    "lightgbm": (ModelFormat.LIGHTGBM, call()),
    "catboost": (ModelFormat.CATBOOST, call()),
    "keras": (ModelFormat.KERAS, call()),
    "python_function": (ModelFormat.PYTHON_FUNCTION, call()),
    "xgboost_labels": (ModelFormat.XGBOOST, call(estimator="XGBClassifier")),
    "catboost_labels": (ModelFormat.CATBOOST, call(estimator="CatBoostClassifier")),
    **{name: (ModelFormat.PICKLE, call(), name) for name in ("gzip", "bz2", "xz", "lzma", "zlib", "lz4")},
}


def text_of(case):
    kind, how, *compression = CASES[case]
    return rendered(kind, how, compression=compression[0] if compression else None)


def test_a_model_of_many_rows_gets_them_in_one_call():
    assert text_of("joblib") == (
        '''"""The model: `load` reads it once, `run` scores records."""

from pathlib import Path
from typing import Any

import joblib

from app.convert import from_model, to_model
from app.schemas import ModelInput, ModelOutput
from app.serving.model_file import open_model
from app.settings import MODEL_SHA256

MODEL = Path(__file__).parents[1] / "model" / "model.joblib"
# One call may get the records of several requests. Set False if a step of yours computes something
# across records, such as their mean.
BATCHED = True

_model: Any = None


def load() -> None:
    """Load the model. `open_model` raises if the file is not the one that was tested."""
    global _model
    with open_model(MODEL, MODEL_SHA256) as file:
        _model = joblib.load(file)


def run(records: list[ModelInput]) -> list[ModelOutput]:
    """Return one answer for each record, in order, by one call of the model."""
    inputs = to_model(records)
    # Your steps before the model: unit conversion, features from other sources.
    predictions = _model.predict_proba(inputs)
    # Your steps after the model: a threshold, labels, calibration.
    return from_model(predictions)
'''
    )


def test_a_model_of_one_record_is_called_for_each():
    run = text_of("keywords").partition("def run")[2]
    assert run == (
        '''(records: list[ModelInput]) -> list[ModelOutput]:
    """Return one answer for each record, in order: the model takes one record a call."""
    answers = []
    for record in records:
        inputs = to_model(record)
        # Your steps before the model: unit conversion, features from other sources.
        prediction = _model.predict(**inputs)
        # Your steps after the model: labels. A threshold on probabilities needs `predict_proba`.
        answers.append(from_model(prediction))
    return answers
'''
    )


@pytest.mark.parametrize(
    ("case", "lines"),
    [
        ("one_by_one", ["prediction = _model(inputs)", "BATCHED = False"]),
        ("positional", ["prediction = _model.rank(*inputs)"]),
        ("context", ["predictions = _model.predict(None, inputs)"]),
        ("torch", ["_model.eval()  # ", "with torch.no_grad():", "predictions = _model(inputs)"]),
        ("torch_array", ["predictions = _model(torch.as_tensor(inputs))"]),
        ("onnx", ['[predictions] = _model.run(["variable"], {"X": inputs})']),
        ("onnx_two", ['names = ["output_label", "output_probability"]']),
        ("onnx_inputs", ['[predictions] = _model.run(["y"], inputs)']),
        ("booster", ["_model.predict(xgboost.DMatrix(inputs, feature_names=_model.feature_names))"]),
        ("xgboost_labels", ["_model = xgboost.XGBClassifier()", "_model.load_model(bytearray(file.read()))"]),
        ("catboost_labels", ["_model = catboost.CatBoostClassifier().load_model(blob=file.read())"]),
        ("xz", ["import lzma\n", "_model = pickle.loads(lzma.decompress(file.read()))"]),
    ],
)
def test_each_kind_is_loaded_and_called_in_its_own_way(case, lines):
    text = text_of(case)
    for line in lines:
        assert line in text


def test_a_frame_brings_its_names_to_a_booster():
    how = BoosterCall(batching=Batching.TOGETHER)
    text = rendered(ModelFormat.XGBOOST, how, input=FRAME)
    assert "_model.predict(xgboost.DMatrix(inputs, enable_categorical=True))" in text


def test_a_name_of_the_model_is_only_written_as_a_literal():
    evil = '"], x) or evil("'
    text = rendered(ModelFormat.ONNX, onnx_call(outputs=(evil,), inputs=("it's",)))
    assert f'_model.run([{evil!r}], {{"it\'s": inputs}})' in text


def test_all_kinds_are_formatted_and_clean(tmp_path):
    (tmp_path / "pyproject.toml").write_text((TEMPLATE.parents[1] / "pyproject.toml").read_text())
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__init__.py").touch()
    for case in CASES:
        (tmp_path / "app" / f"{case}.py").write_text(text_of(case))
    ruff = [sys.executable, "-m", "ruff"]
    for command in (["format", "--diff", "."], ["check", "--output-format", "concise", "."]):
        done = subprocess.run([*ruff, *command], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


CONVERT = """
def to_model(records):
    return records


def from_model(predictions):
    return list(predictions)
"""
PACK = {
    "pickle": lambda model, path: path.write_bytes(pickle.dumps(model)),
    "joblib": lambda model, path: joblib.dump(model, path, compress=3),
    "gzip": lambda model, path: path.write_bytes(gzip.compress(pickle.dumps(model))),
    "bz2": lambda model, path: path.write_bytes(bz2.compress(pickle.dumps(model))),
    "xz": lambda model, path: path.write_bytes(lzma.compress(pickle.dumps(model))),
    "zlib": lambda model, path: path.write_bytes(zlib.compress(pickle.dumps(model))),
}


@pytest.fixture
def write_app(tmp_path, monkeypatch, forget_app):
    """A function that writes an `app` with the given score.py and returns that module."""

    def write(text, pack):
        app, model = tmp_path / "app", tmp_path / "model"
        model.mkdir()
        shutil.copytree(TEMPLATE.parent / "serving", app / "serving")
        (app / "serving" / "__init__.py").write_text("")
        [name] = [line.split('"')[3] for line in text.splitlines() if line.startswith("MODEL = ")]
        pack(model / name)
        digest = hashlib.sha256((model / name).read_bytes()).hexdigest()
        (app / "__init__.py").touch()
        (app / "convert.py").write_text(CONVERT)
        (app / "schemas.py").write_text("ModelInput = ModelOutput = float\n")
        (app / "settings.py").write_text(f"MODEL_SHA256 = {digest!r}\n")
        (app / "score.py").write_text(text)
        monkeypatch.syspath_prepend(tmp_path)
        forget_app()
        return importlib.import_module("app.score")

    return write


ROWS = np.arange(8.0).reshape(4, 2)
MODEL = LinearRegression().fit(ROWS, ROWS.sum(axis=1))


@pytest.mark.parametrize("case", PACK)
def test_the_rendered_code_predicts_as_the_model_does(case, write_app):
    kind, _, *compression = CASES[case]
    text = rendered(kind, call(), compression=compression[0] if compression else None)
    score = write_app(text, lambda path: PACK[case](MODEL, path))
    score.load()
    assert score.run(ROWS) == pytest.approx(MODEL.predict(ROWS))


def test_another_model_file_is_not_loaded(write_app):
    score = write_app(text_of("pickle"), lambda path: path.write_bytes(pickle.dumps(MODEL)))
    score.MODEL.write_bytes(pickle.dumps(LinearRegression()))
    with pytest.raises(ValueError, match=r"the sha256 of model\.pkl is \w{64}, and not \w{64} as expected"):
        score.load()
    assert score._model is None
