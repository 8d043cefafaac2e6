"""Each format of a model file is loaded, and the model predicts as before."""

from __future__ import annotations

import bz2
import gzip
import lzma
import pickle
import subprocess
import sys
import zlib

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from scaffold.base import model as base_model
from scaffold.base.model import invoke
from scaffold.read import read_artifact
from scaffold.spec import (
    Arguments,
    Batching,
    BoosterCall,
    ModelFormat,
    PythonCall,
    SessionCall,
    TorchCall,
)

ROWS = np.random.default_rng(0).normal(size=(40, 3))
TARGET = ROWS @ [1.0, 2.0, 3.0]


def load(path, format):
    return base_model.load(path, format, read_artifact(path, ours=True).globals)


PREDICT = PythonCall(method="predict", batching=Batching.TOGETHER)


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress, zlib.compress])
def test_pickles_compressed_or_not(pack, tmp_path):
    model = LinearRegression().fit(ROWS, TARGET)
    path = tmp_path / "model.bin"
    path.write_bytes(pack(pickle.dumps(model)))
    assert invoke(load(path, ModelFormat.PICKLE), PREDICT, ROWS) == pytest.approx(model.predict(ROWS))


@pytest.mark.parametrize("compress", [0, 3, "zlib", "gzip", "bz2", "xz", "lzma", "lz4"])
def test_joblib_with_each_compressor(compress, tmp_path):
    model = LinearRegression().fit(ROWS, TARGET)
    path = tmp_path / "model.bin"
    joblib.dump(model, path, compress=compress)
    assert invoke(load(path, ModelFormat.JOBLIB), PREDICT, ROWS) == pytest.approx(model.predict(ROWS))


@pytest.mark.parametrize("kind", [ModelFormat.TORCH, ModelFormat.TORCHSCRIPT, ModelFormat.PICKLE])
def test_torch_modules_come_back_in_eval_mode(kind, tmp_path):
    import torch

    model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Dropout(0.5))
    path = tmp_path / "model.bin"
    match kind:
        case ModelFormat.TORCH:
            torch.save(model, path)
        case ModelFormat.TORCHSCRIPT:
            torch.jit.script(model).save(path)
        case _:
            path.write_bytes(pickle.dumps(model))
    loaded = load(path, kind)
    rows = torch.tensor(ROWS, dtype=torch.float32)
    answer = invoke(loaded, TorchCall(method="__call__", batching=Batching.TOGETHER), rows)
    assert (loaded.training, answer.requires_grad) == (False, False)
    assert torch.equal(answer, model.eval()(rows))


@pytest.mark.parametrize("ending", ["json", "ubj", "bin"])
def test_xgboost_files(ending, tmp_path):
    import xgboost

    booster = xgboost.train({"max_depth": 2}, xgboost.DMatrix(ROWS, TARGET), 3)
    path = tmp_path / "model.bin"
    path.write_bytes(bytes(booster.save_raw("json" if ending == "json" else "ubj")))
    call = BoosterCall(batching=Batching.TOGETHER)
    answer = invoke(load(path, ModelFormat.XGBOOST), call, ROWS)
    assert answer == pytest.approx(booster.predict(xgboost.DMatrix(ROWS)))


def test_an_xgboost_file_of_a_classifier_answers_with_labels(tmp_path):
    import xgboost

    model = xgboost.XGBClassifier(n_estimators=2).fit(ROWS, TARGET > 0)
    model.save_model(tmp_path / "model.json")
    loaded = load(tmp_path / "model.json", ModelFormat.XGBOOST)
    assert invoke(loaded, PREDICT, ROWS).tolist() == model.predict(ROWS).tolist()


def test_a_catboost_file_of_a_classifier_answers_with_labels(tmp_path):
    import catboost

    model = catboost.CatBoostClassifier(iterations=2, verbose=0, allow_writing_files=False)
    model.fit(ROWS, np.where(TARGET > 0, "up", "down")).save_model(tmp_path / "model.cbm")
    loaded = load(tmp_path / "model.cbm", ModelFormat.CATBOOST)
    assert invoke(loaded, PREDICT, ROWS).tolist() == model.predict(ROWS).tolist()


def test_lightgbm_files(tmp_path):
    import lightgbm

    booster = lightgbm.train({"verbose": -1}, lightgbm.Dataset(ROWS, TARGET), 3)
    booster.save_model(tmp_path / "model.bin")
    answer = invoke(load(tmp_path / "model.bin", ModelFormat.LIGHTGBM), PREDICT, ROWS)
    assert answer == pytest.approx(booster.predict(ROWS))


def test_catboost_files(tmp_path):
    import catboost

    model = catboost.CatBoostRegressor(iterations=3, verbose=0, allow_writing_files=False).fit(ROWS, TARGET)
    model.save_model(tmp_path / "model.bin")
    answer = invoke(load(tmp_path / "model.bin", ModelFormat.CATBOOST), PREDICT, ROWS)
    assert answer == pytest.approx(model.predict(ROWS))


def test_onnx_files(tmp_path):
    import skl2onnx

    single = ROWS.astype("float32")
    model = LinearRegression().fit(single, TARGET)
    (tmp_path / "model.bin").write_bytes(skl2onnx.to_onnx(model, single[:1]).SerializeToString())
    session = load(tmp_path / "model.bin", ModelFormat.ONNX)
    call = SessionCall(batching=Batching.TOGETHER, inputs=("X",), outputs=("variable",))
    assert invoke(session, call, single).ravel() == pytest.approx(model.predict(single), rel=1e-4)


class Recommender:
    def predict(self, user, k=5):
        return [f"{user}-{i}" for i in range(k)]


@pytest.mark.parametrize(
    ("arguments", "value"), [(Arguments.KEYWORDS, {"user": "u", "k": 2}), (Arguments.POSITIONAL, ("u", 2))]
)
def test_arguments_are_spread(arguments, value):
    assert invoke(Recommender(), PythonCall(method="predict", arguments=arguments), value) == [
        "u-0",
        "u-1",
    ]


def test_importing_it_imports_no_library():
    code = "import scaffold.base.model, sys; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    libraries = {"numpy", "pandas", "torch", "joblib", "pydantic", "rich", "typer", "libcst", "copier"}
    assert "scaffold" in done.stdout.split()
    assert not libraries & set(done.stdout.split())
