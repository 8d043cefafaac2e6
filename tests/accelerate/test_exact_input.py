"""What the last step gets: the same zeros, integers and bits as in the model."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import catboost
import numpy as np
import pandas as pd
import pytest
import xgboost
from sklearn import svm
from sklearn.compose import make_column_transformer
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler

from scaffold.spec import Accelerate, NoFastPlan
from tests.accelerate.compiled import Compiled, compile_model, requests_of

WAYS = [Accelerate.NUMPY, Accelerate.ONNX]
BIG = 2**60


def _differing(
    model: Any, sample: pd.DataFrame, rows: pd.DataFrame, method: str, folder: Path, way: Any
) -> int:
    """Return for how many rows, each alone, the compiled model returns something else."""
    compiled = compile_model(model, sample, method, folder, way)
    assert isinstance(compiled, Compiled), compiled
    both, found = compiled.compare.Both(), 0
    for request in requests_of(rows):
        row = [SimpleNamespace(**{f"field_{i}": value for i, value in enumerate(request.values())})]
        found += not compiled.compare.same(both.of_fast(method, row), both.of_model(method, row))
    return found


def _passengers() -> tuple[pd.DataFrame, Any]:
    numbers = np.random.default_rng(0)
    towns = numbers.choice([f"t{i}" for i in range(30)], 600)
    frame = pd.DataFrame({"age": numbers.integers(18, 80, 600), "town": towns})
    return frame, ((frame["age"] > 45) | (frame["age"] == 18)).astype(int)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("between", [(), (SelectKBest(k=8),)], ids=["", "selection"])
def test_xgboost_takes_the_zeros_of_a_sparse_matrix_for_missing(
    way: Accelerate, between: tuple[Any, ...], tmp_path: Path
) -> None:
    frame, target = _passengers()
    columns = make_column_transformer((OneHotEncoder(), ["town"]), (MinMaxScaler(), ["age"]))
    model = make_pipeline(columns, *between, xgboost.XGBClassifier(n_estimators=10)).fit(frame, target)
    assert columns.sparse_output_
    rows = frame[frame["age"] < 22]
    assert _differing(model, frame[frame["age"] > 20].head(20), rows, "predict_proba", tmp_path, way) == 0


def test_a_step_that_may_store_zeros_in_a_sparse_matrix_is_not_compiled_before_xgboost(
    tmp_path: Path,
) -> None:
    frame, target = _passengers()
    encoder = OneHotEncoder(handle_unknown="ignore")
    model = make_pipeline(encoder, MaxAbsScaler(), xgboost.XGBClassifier(n_estimators=3)).fit(frame, target)
    found = compile_model(model, frame.head(20), "predict", tmp_path)
    assert found == NoFastPlan(reason="MaxAbsScaler with sparse input before XGBoost has no compiled form")


@pytest.mark.parametrize("encoder", [OneHotEncoder, OrdinalEncoder])
@pytest.mark.parametrize("indicates", [False, True])
def test_integers_beyond_those_of_floats_stay_themselves_in_an_imputer(
    encoder: type, indicates: bool, tmp_path: Path
) -> None:
    ids = np.repeat([*range(60), *(BIG + np.arange(40) * 3 + 1)], 4)
    frame = pd.DataFrame({"id": ids})
    imputer = SimpleImputer(strategy="most_frequent", add_indicator=indicates)
    model = make_pipeline(imputer, encoder(), LogisticRegression(max_iter=200)).fit(frame, ids % 2)
    rows = frame[ids > BIG].iloc[::4]
    assert _differing(model, frame.head(20), rows, "predict", tmp_path, Accelerate.NUMPY) == 0
    compiled = compile_model(model, frame.head(20), "predict", tmp_path)
    assert isinstance(compiled, Compiled)
    assert compiled.compare.compare(500)["difference"] is None


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("library", ["xgboost", "catboost"])
def test_integers_beside_floats_are_rounded_once(way: Accelerate, library: str, tmp_path: Path) -> None:
    numbers = np.random.default_rng(0)
    ids = BIG + numbers.integers(0, 2**44, 400)
    frame = pd.DataFrame({"id": ids, "size": numbers.normal(size=400)})
    model: Any = {
        "xgboost": xgboost.XGBClassifier(n_estimators=5, tree_method="exact"),
        "catboost": catboost.CatBoostClassifier(n_estimators=5, verbose=0, allow_writing_files=False),
    }[library]
    model.fit(frame, ((ids - BIG) // 2**40 + (frame["size"] > 0)) % 2)
    # Halfway between two floats of 32 bits, and next to that: 64 bits have no such integers.
    halves = {int(np.float32(each)) + 2**36 for each in ids[:100].tolist()}
    rows = pd.DataFrame({"id": [half + step for half in sorted(halves) for step in (-1, 0, 1)], "size": 0.5})
    assert _differing(model, frame.head(20), rows, "predict_proba", tmp_path, way) == 0


@pytest.mark.parametrize(
    "last", [LogisticRegression(), RidgeClassifier()], ids=lambda last: type(last).__name__
)
def test_a_row_alone_is_summed_in_the_order_of_the_model(last: Any, tmp_path: Path) -> None:
    numbers = np.random.default_rng(0)
    frame = pd.DataFrame(numbers.normal(size=(200, 9)), columns=list("abcdefghi"))
    model = make_pipeline(StandardScaler(), last).fit(
        frame, pd.qcut(frame["a"] * 2 + frame["b"] ** 2, 3, labels=False)
    )
    assert not last.coef_.flags.c_contiguous
    compiled = compile_model(model, frame.head(20), "predict", tmp_path)
    assert isinstance(compiled, Compiled)
    rows = model[:-1].transform(frame)
    for row in rows:
        own, usual = compiled.fast.last.decision_function(row[None]), last.decision_function(row[None])
        assert own.tolist() == usual.tolist()


@pytest.mark.parametrize("last", [svm.SVC(), svm.NuSVC(nu=0.1)], ids=lambda last: type(last).__name__)
def test_support_vectors_are_not_compiled_in_32_bits(last: Any, tmp_path: Path) -> None:
    frame, target = _passengers()
    found = compile_model(
        last.fit(frame[["age"]], target), frame[["age"]], "predict", tmp_path, Accelerate.ONNX
    )
    assert found == NoFastPlan(reason=f"{type(last).__name__} has no compiled form")
