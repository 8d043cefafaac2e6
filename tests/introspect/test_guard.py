"""Attributes of a model that raise are ignored."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from scaffold.errors import CallError
from scaffold.introspect import infer_signature
from scaffold.introspect.hints import _estimators
from scaffold.introspect.hints._boosters import category_levels

FRAME = pd.DataFrame({"a": [1.0, 2.5, 4.0], "b": [3.0, 0.5, 7.0]})


class Raises(Exception):
    """An error class of a user."""


def raising(error: BaseException) -> property:
    def read(_: Any) -> Any:
        raise error

    return property(read)


class Touchy:
    """Every attribute that a hint may read raises."""

    feature_names_in_ = raising(Raises())
    n_features_in_ = raising(NotImplementedError())
    classes_ = raising(KeyError("classes"))
    steps = raising(RecursionError())
    best_estimator_ = raising(SystemExit(3))
    predict_proba = raising(NotImplementedError())
    predict_log_proba = raising(OSError())
    forecast = raising(Raises())

    @functools.cached_property
    def answers(self) -> Any:
        raise AssertionError("a property is not called to see whether it is a method")

    def rate(self, frame: pd.DataFrame) -> Any:
        return frame["a"] * 2


class Delegating:
    """Raises a LookupError for every missing attribute."""

    def __getattr__(self, name: str) -> Any:
        raise LookupError(name)

    def predict(self, frame: pd.DataFrame) -> Any:
        return frame["a"] * 2


class Annotated:
    """Annotations that cannot be evaluated, and a signature that cannot be read."""

    def predict(self, frame: "1 / 0") -> "no_such_name[int]":  # type: ignore # noqa: F821, UP037
        return frame["a"] * 2


@pytest.mark.parametrize("model", [Touchy(), Delegating(), Annotated()], ids=lambda m: type(m).__name__)
def test_a_hint_that_raises_is_ignored(serve: Any, model: Any) -> None:
    service = serve(model, FRAME, FRAME["a"] * 2)
    assert service.score({"a": 3.0, "b": 1.0}) == [{"prediction": 6.0}]


def test_an_attribute_that_raises_is_not_a_method() -> None:
    assert _estimators.standard_methods(Touchy()) == ()
    assert _estimators.other_methods(Touchy()) == ("rate",)
    with pytest.raises(CallError, match="has no method 'forecast'"):
        infer_signature(Touchy(), FRAME, method="forecast")


def test_levels_that_need_another_library_are_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    import xgboost

    model = xgboost.XGBRegressor(n_estimators=2).fit(FRAME, [1.0, 2.0, 3.0])
    assert category_levels(model) == {}

    def without(*_: Any, **__: Any) -> Any:
        raise ImportError("`pyarrow` is required for exporting categories to arrow arrays.")

    monkeypatch.setattr(xgboost.Booster, "get_categories", without)
    assert category_levels(model) == {}
    assert infer_signature(model, FRAME).signature.call.method == "predict"


class Recommender:
    """Takes a sparse matrix and other arguments, as recommenders do."""

    def recommend(self, userid: Any, user_items: Any, n: int = 2) -> Any:
        weight = np.asarray(user_items.sum(axis=1)).ravel()
        ids = np.argsort(-user_items.toarray(), axis=1, kind="stable")[:, :n]
        return ids, (np.asarray(userid) + weight)[:, None] * np.ones(n)


ITEMS = sp.csr_matrix(np.array([[0, 2, 1], [3, 0, 0], [0, 0, 5], [1, 1, 0]], dtype="float32"))


@pytest.mark.parametrize("form", [sp.csr_matrix, sp.csr_array, sp.csc_matrix, sp.coo_matrix])
@pytest.mark.parametrize("named", [True, False], ids=["by keyword", "by position"])
def test_a_sparse_matrix_is_passed_with_other_arguments(serve: Any, form: Any, named: bool) -> None:
    ids, items = np.arange(4), form(ITEMS)
    sample = {"userid": ids, "user_items": items} if named else (ids, items)
    service = serve(Recommender(), sample, Recommender().recommend(ids, items), method="recommend")
    found = service.found
    assert found.recording.requests[1] == {"userid": 1, "user_items": [3.0, 0.0, 0.0]}
    assert service.score(*found.recording.requests) == list(found.recording.answers)
    assert service.score({"userid": 7, "user_items": [0.0, 1.0, 0.0]}) == [
        {"prediction": [[1, 0], [8.0, 8.0]]}
    ]


def test_a_sparse_matrix_of_one_record_is_passed_with_a_number(serve: Any) -> None:
    def predict(user: int, items: Any) -> float:
        return float(items.sum()) + user

    service = serve(predict, (3, ITEMS[0]), 6.0)
    assert service.found.recording.requests == ({"user": 3, "items": [[0.0, 2.0, 1.0]]},)
    assert service.score({"user": 1, "items": [[1.0, 1.0, 0.0]]}) == [{"prediction": 3.0}]
