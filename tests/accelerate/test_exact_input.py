"""What the last step gets: the same zeros, integers and bits as in the model."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import catboost
import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost
from sklearn import svm
from sklearn.compose import make_column_transformer
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeClassifier, SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)

from scaffold.introspect.fast._columns import gives_sparse
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


@pytest.mark.parametrize("way", WAYS)
def test_lightgbm_reads_integers_beside_truth_values_in_64_bits(way: Accelerate, tmp_path: Path) -> None:
    numbers = np.random.default_rng(0)
    frame = pd.DataFrame({"cents": numbers.integers(2**25, 2**27, 400), "is_new": numbers.random(400) < 0.5})
    model = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1)
    model.fit(frame, (frame["cents"] // 2**24 + frame["is_new"]) % 2)
    borders = model.booster_.trees_to_dataframe().query("split_feature == 'cents'")["threshold"]
    near = [int(border) + step for border in borders for step in (-1, 0, 1)]
    rows = pd.DataFrame({"cents": near, "is_new": True})
    assert _differing(model, frame.head(20), rows, "predict_proba", tmp_path, way) == 0


@pytest.mark.parametrize("has_float", [False, True])
def test_integers_that_steps_leave_as_they_are_reach_lightgbm_beside_floats_only(
    has_float: bool, tmp_path: Path
) -> None:
    frame, target = _passengers()
    frame = frame.assign(size=frame["age"] * 0.5 if has_float else frame["age"] % 3)[["age", "size"]]
    columns = make_column_transformer(("passthrough", ["age", "size"]))
    model = make_pipeline(columns, lightgbm.LGBMClassifier(n_estimators=3, verbose=-1)).fit(frame, target)
    found = compile_model(model, frame.head(20), "predict", tmp_path)
    assert isinstance(found, Compiled if has_float else NoFastPlan)


def test_lightgbm_that_stops_early_in_predictions_is_called_as_it_is(tmp_path: Path) -> None:
    frame, target = _passengers()
    model = lightgbm.LGBMClassifier(n_estimators=3, verbose=-1, pred_early_stop=True)
    found = compile_model(model.fit(frame[["age"]], target), frame[["age"]].head(20), "predict", tmp_path)
    assert found == NoFastPlan(reason="LGBMClassifier with pred_early_stop has no compiled form")


@pytest.mark.parametrize("size", [1, 7, 64])
def test_sums_have_the_bits_of_the_model(size: int, tmp_path: Path) -> None:
    numbers = np.random.default_rng(0)
    values = np.abs(numbers.normal(size=(200, 13))) + 0.1
    logarithms = make_pipeline(FunctionTransformer(np.log1p), LinearRegression()).fit(values, values[:, 0])
    towns = pd.DataFrame(numbers.choice(list("abcdefgh"), (200, 9)), columns=list("pqrstuvwx"))
    sparse = make_pipeline(OneHotEncoder(), Ridge()).fit(towns, values[:, 0])
    assert gives_sparse(sparse[:-1])
    pairs: list[tuple[Any, Any]] = [(logarithms, values), (sparse, towns)]
    for model, data in pairs:
        compiled = compile_model(model, data[:20], "predict", tmp_path)
        assert isinstance(compiled, Compiled)
        own, usual = compiled.compare.Both().fast, model
        for start in range(0, 192, size):
            part = data[start : start + size]
            columns = {name: part[name].to_numpy() for name in part} if data is towns else part
            assert own.predict(columns).tolist() == usual.predict(part).tolist()


def test_probabilities_of_xgboost_have_its_bits(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0)
    values = numbers.normal(size=(2000, 3)).astype(np.float32)
    for classes in (2, 3):
        target = numbers.integers(0, classes, 2000)
        model = xgboost.XGBClassifier(n_estimators=30, max_depth=8, n_jobs=1).fit(values, target)
        compiled = compile_model(model, values[:20], "predict_proba", tmp_path)
        assert isinstance(compiled, Compiled)
        equal = compiled.fast.predict_proba(values) == model.predict_proba(values)
        assert equal.mean() > 0.99


def test_probabilities_of_zero_are_zero_as_in_the_model(tmp_path: Path) -> None:
    """e to the power of 712 is no float: scipy returns 0 for the probability, not 1 / e^712."""
    values = np.random.default_rng(0).normal(size=(90, 2))
    model = SGDClassifier(loss="log_loss").fit(values, np.arange(90) % 3)
    model.coef_[:] = np.array([[-712.0, 0], [-740.0, 0], [-730.0, 0]])
    model.intercept_[:] = 0
    compiled = compile_model(model, values[:20], "predict_proba", tmp_path)
    assert isinstance(compiled, Compiled)
    rows = np.array([[1.0, 0.0], [0.99, 0.0]])
    assert compiled.fast.predict_proba(rows).tolist() == model.predict_proba(rows).tolist()


@pytest.mark.parametrize("inside", [False, True])
def test_a_normalizer_of_sparse_rows_is_not_compiled(inside: bool, tmp_path: Path) -> None:
    """scikit-learn divides a sparse row by its length also where that is nearly 0."""
    frame, target = _passengers()
    encoder, scaler = OneHotEncoder(handle_unknown="ignore"), MinMaxScaler()
    if inside:
        columns = make_column_transformer((make_pipeline(encoder, Normalizer()), ["town"]), (scaler, ["age"]))
        model = make_pipeline(columns, LogisticRegression())
    else:
        columns = make_column_transformer((encoder, ["town"]), (scaler, ["age"]))
        model = make_pipeline(columns, Normalizer(), LogisticRegression())
    found = compile_model(model.fit(frame, target), frame.head(20), "predict", tmp_path)
    assert found == NoFastPlan(reason="Normalizer with sparse input has no compiled form")
