"""When `fast_column_transformer.py` is used, and that it gives the results of the ColumnTransformer."""

from __future__ import annotations

import copy
import importlib.util
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer, make_column_selector, make_column_transformer
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline, make_union
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)

from scaffold.base.templates import template_path
from scaffold.introspect import infer_signature

FRAME = pd.DataFrame(
    {
        "age": [31.0, np.nan, 18.5, 44.0, 60.0, 27.0],
        "rooms": [1, 2, 3, 4, 5, 6],
        "town": ["Ely", "Bath", "Ely", "York", "Bath", "Ely"],
        "text": ["a b", "b c", "c d", "a a", "d b", "c"],
        "far": [True, False, True, True, False, False],
    }
)
UNKNOWN: list[dict[str, Any]] = [
    {"town": "Hull", "text": "e"},
    {"rooms": 9, "age": 3.5},
    {"town": [None, np.nan, "", "ely", "Ely ", "York"]},
    {"age": np.nan, "rooms": [2**53 + 1, -1, 0, 1, 2, 3]},
    {"rooms": [1.0, np.nan, 2.5, 1e300, 0, -0.0]},
    {"rooms": pd.array([1, None, 3, 4, 5, 6], dtype="Int64")},
    {"town": pd.Categorical(["Ely", "Bath", "Ely", None, "Hull", "York"])},
    {"age": pd.array([1.0, None, 3, 4, 5, 6], dtype="Float64")},
    {"town": pd.array(["Ely", None, "", "Hull", "York", "Bath"], dtype="string")},
    {"far": 1, "rooms": True},
]
ANSWERS = np.array([0, 1, 0, 1, 1, 0])
NUMBERS = make_pipeline(SimpleImputer(), StandardScaler())
KINDS = {
    "named columns, the rest dropped": make_column_transformer(
        (NUMBERS, ["age", "rooms"]), (OneHotEncoder(), ["town"])
    ),
    "the rest passed on": make_column_transformer(
        (SimpleImputer(), ["age"]), ("drop", ["text", "town"]), remainder="passthrough"
    ),
    "passed on by name, in another order": make_column_transformer(
        ("passthrough", ["rooms"]), (OneHotEncoder(), ["town"]), (SimpleImputer(), ["age"])
    ),
    "selected by dtype": make_column_transformer(
        (NUMBERS, make_column_selector(dtype_include="number")),
        (OrdinalEncoder(), make_column_selector(dtype_include=bool)),
    ),
    "a selector that finds nothing": make_column_transformer(
        (NUMBERS, ["age"]), (OneHotEncoder(), make_column_selector(pattern="^none"))
    ),
    "one column for two steps": make_column_transformer(
        (NUMBERS, ["age"]), (SimpleImputer(strategy="median"), ["age", "rooms"])
    ),
    "an estimator for the rest": make_column_transformer(
        ("drop", ["town", "text", "far"]), remainder=NUMBERS
    ),
    "nested": make_column_transformer(
        (make_union(NUMBERS, make_pipeline(SimpleImputer(), PCA(1))), ["age", "rooms"]),
        (make_column_transformer((OneHotEncoder(), ["town"])), ["town", "far"]),
    ),
    "functions": make_column_transformer(
        (FunctionTransformer(np.log1p), ["rooms"]), (FunctionTransformer(validate=True), ["rooms"])
    ),
    "frames out of a step": make_column_transformer(
        (OneHotEncoder(sparse_output=False).set_output(transform="pandas"), ["town"]), (NUMBERS, ["age"])
    ),
    "scalers": make_column_transformer(
        (make_pipeline(RobustScaler(), SimpleImputer(), MaxAbsScaler()), ["rooms", "age"]),
        (MinMaxScaler(clip=True), ["rooms"]),
    ),
    "whole numbers": make_column_transformer((SimpleImputer(strategy="most_frequent"), ["rooms"])),
    "numbers and truths": make_column_transformer((NUMBERS, ["rooms", "far"]), (StandardScaler(), ["far"])),
    "where it was missing": make_column_transformer((SimpleImputer(add_indicator=True), ["age", "rooms"])),
    "categories that are numbers": make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["rooms", "town", "age"]),
        (OrdinalEncoder(), ["rooms"]),
        sparse_threshold=0,
    ),
    "categories that are numbers of two kinds": make_column_transformer(
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["rooms", "far"]),
        (OneHotEncoder(drop="first"), ["age", "rooms"]),
    ),
    "rare categories": make_column_transformer((OneHotEncoder(min_frequency=2), ["town", "text"])),
    "the most frequent category": make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder()), ["text", "town", "rooms"]),
        (make_pipeline(OrdinalEncoder(encoded_missing_value=-1), StandardScaler()), ["age", "town"]),
        sparse_threshold=0,
    ),
    "frames within a step": make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()).set_output(transform="pandas"), ["age", "rooms"])
    ),
    "columns in an index": make_column_transformer((NUMBERS, FRAME.columns[:2])),
    "parallel": make_column_transformer((NUMBERS, ["age"]), ("passthrough", ["far"]), n_jobs=2),
}
LEFT_ALONE = {
    "columns by place": make_column_transformer((NUMBERS, [0, 1])),
    "a slice": make_column_transformer((NUMBERS, slice("age", "rooms"))),
    "a mask": make_column_transformer((NUMBERS, [True, True, False, False, False])),
    "one column as a Series": make_column_transformer((CountVectorizer(token_pattern=r"\w"), "text")),
    "a sparse result": make_column_transformer((OneHotEncoder(), ["town"]), sparse_threshold=1.0),
    "weights": make_column_transformer((NUMBERS, ["age"])).set_params(transformer_weights={"pipeline": 2.0}),
    "a frame out of it": make_column_transformer((NUMBERS, ["age"])).set_output(transform="pandas"),
    "nothing": make_column_transformer(("drop", ["age"])),
}


def fitted(columns: Any) -> Any:
    """A pipeline that begins with `columns`."""
    return make_pipeline(columns, LogisticRegression()).fit(FRAME, ANSWERS)


@pytest.fixture(scope="module")
def module() -> ModuleType:
    """Return the module `fast_column_transformer.py`."""
    spec = importlib.util.spec_from_file_location(
        "columns", template_path("service") / "fast_column_transformer.py"
    )
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_the_replacement_of_the_columntransformer_is_exact(kind: str, module: ModuleType) -> None:
    model = fitted(copy.deepcopy(KINDS[kind]))
    assert infer_signature(model, FRAME, model.predict(FRAME)).signature.call.shortened
    short = copy.deepcopy(model)
    module.speed_up(short)
    for rows in (FRAME, FRAME[:1], FRAME[::-1], FRAME.assign(more=1)[[*FRAME.columns[::-1], "more"]]):
        wanted, found = model[0].transform(rows), short[0].transform(rows)
        assert type(found) is np.ndarray
        assert found.dtype == wanted.dtype
        assert found.flags.c_contiguous == wanted.flags.c_contiguous  # BLAS may round otherwise
        assert found.tolist() == wanted.tolist() if found.dtype == object else same(found, wanted)
        assert same(short.predict_proba(rows), model.predict_proba(rows))
    for change in UNKNOWN:
        assert outcome(short, FRAME.assign(**change)) == outcome(model, FRAME.assign(**change))


def test_a_pipeline_step_of_length_zero_is_kept(module: ModuleType) -> None:
    model = fitted(ColumnTransformer([("empty", Empty(validate=True), ["rooms"])]))
    short = copy.deepcopy(model)
    module.speed_up(short)
    assert same(short.predict_proba(FRAME), model.predict_proba(FRAME))


@pytest.mark.parametrize("kind", LEFT_ALONE)
def test_another_kind_is_left_alone(kind: str) -> None:
    columns = copy.deepcopy(LEFT_ALONE[kind])
    if kind == "nothing":
        model = Pipeline([("columns", columns), ("last", Zero())]).fit(FRAME, ANSWERS)
    else:
        model = fitted(columns)
    assert not infer_signature(model, FRAME, model.predict(FRAME)).signature.call.shortened


def test_a_pipeline_of_a_kind_of_its_own_is_left_alone() -> None:
    class Own(Pipeline):
        pass

    class OwnColumns(ColumnTransformer):
        pass

    models = [
        Own([("columns", KINDS["the rest passed on"]), ("last", LinearRegression())]),
        make_pipeline(OwnColumns([("age", NUMBERS, ["age"])]), LinearRegression()),
        make_pipeline(FunctionTransformer(), KINDS["the rest passed on"], LinearRegression()),
    ]
    for model in models:
        model.fit(FRAME, ANSWERS)
        assert not infer_signature(model, FRAME, model.predict(FRAME)).signature.call.shortened


def outcome(model: Any, rows: pd.DataFrame) -> bytes | str:
    """Return the predictions of a model for rows, or the error with which it refuses them."""
    try:
        return bytes(model.predict_proba(rows).tobytes())
    except (TypeError, ValueError):
        return "refused"


def same(found: Any, wanted: Any) -> bool:
    """Whether two arrays are equal bit for bit, NaN included."""
    return bool(found.shape == wanted.shape and found.tobytes() == wanted.tobytes())


class Empty(FunctionTransformer):
    """A step whose length is 0."""

    def __len__(self) -> int:
        return 0

    def transform(self, X: Any) -> Any:
        return 2 * np.asarray(X)


class Zero(LinearRegression):
    """Predicts without using its input."""

    def fit(self, X: Any, y: Any) -> Zero:
        self.coef_ = np.zeros(0)
        return self

    def predict(self, X: Any) -> Any:
        return np.zeros(len(X))
