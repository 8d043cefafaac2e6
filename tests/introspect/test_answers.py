"""A prediction of another type than in the sample is sent unchanged."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import decimal
import importlib
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from fastapi.testclient import TestClient
from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

from scaffold.base import model as base_model
from scaffold.introspect import infer_signature
from tests.introspect.conftest import Service
from tests.serving._toy import write_project

SCORE = '''"""The model: one that the test hands over."""

from app.convert import from_model, to_model

BATCHED = True
ask = None


def load():
    """Nothing to load."""


def run(records):
    """Score the records."""
    if BATCHED:
        return from_model(ask(to_model(records)))
    return [from_model(ask(to_model(record))) for record in records]
'''

App = Callable[[Any, Any], contextlib.AbstractContextManager[TestClient]]


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forget_app: Callable[[], None]) -> App:
    """Return a function that starts the whole app around a model, in this process."""

    @contextlib.contextmanager
    def start(model: Any, sample: Any) -> Iterator[TestClient]:
        found = infer_signature(model, sample)
        write_project(tmp_path)
        Service(tmp_path, model, found)
        (tmp_path / "app/score.py").write_text(SCORE)
        forget_app()
        monkeypatch.syspath_prepend(str(tmp_path))
        score: Any = importlib.import_module("app.score")
        score.BATCHED = found.signature.call.batched
        score.ask = lambda given: base_model.invoke(model, found.signature.call, given)
        try:
            with TestClient(importlib.import_module("app.main").app) as client:
                yield client
        finally:
            for value in vars(sys.modules["app.serving.metrics"]).values():
                if isinstance(value, MetricWrapperBase):
                    with contextlib.suppress(KeyError):  # one with labels belongs to another
                        REGISTRY.unregister(value)

    return start


@dataclasses.dataclass
class Verdict:
    label: Any
    score: Any = 0.5


PAIRS: dict[str, tuple[Any, Any, Any]] = {
    "a text, then a number": ({"a": "x"}, {"a": 3}, {"a": 3}),
    "an integer, then a fraction": ({"a": 1}, {"a": 1.5}, {"a": 1.5}),
    "an integer, then true": ({"a": 1}, {"a": True}, {"a": True}),
    "an integer, then digits": ({"a": 1}, {"a": "1"}, {"a": "1"}),
    "a fraction, then a large integer": ({"a": 0.5}, {"a": 2**70}, {"a": 2**70}),
    "a number, then one of numpy": ({"a": 1}, {"a": np.int64(2)}, {"a": 2}),
    "a number, then an array": ({"a": 1}, {"a": np.eye(2)}, {"a": [[1.0, 0.0], [0.0, 1.0]]}),
    "a text, then infinity": ({"a": "x"}, {"a": float("inf")}, {"a": None}),
    "a list, then a longer one of texts": ({"a": [1, 2]}, {"a": ["x"] * 3}, {"a": ["x"] * 3}),
    "a tuple, then a longer one": ({"a": (1, "x")}, {"a": (1, 2, 3)}, {"a": [1, 2, 3]}),
    "a key, then none": ({"a": 1, "b": 2}, {"b": 2}, {"b": 2}),
    "a key, then two": ({"a": 1}, {"a": 1, "b c": [1]}, {"a": 1, "b c": [1]}),
    "a key of another name": (
        {"a b": 1, "class": 2},
        {"a b": "x", "class": None},
        {"a b": "x", "class": None},
    ),
    "an object within, then a list": ({"a": {"b": 1}}, {"a": [{"b": "x"}]}, {"a": [{"b": "x"}]}),
    "an object within, then more in it": ({"a": {"b": 1}}, {"a": {"c": {"d": 1}}}, {"a": {"c": {"d": 1}}}),
    "an object, then a label": ({"a": 1}, "unknown", {"prediction": "unknown"}),
    "an object, then nothing": ({"a": 1}, None, {"prediction": None}),
    "a label, then an object": (3, {"why": "too old"}, {"why": "too old"}),
    "a number, then a text": (3, "x", {"prediction": "x"}),
    "a date, then a text": (dt.date(2020, 1, 1), "never", {"prediction": "never"}),
    "a Decimal, then a fraction": (decimal.Decimal("1.5"), 0.5, {"prediction": 0.5}),
    "None, then a list": (None, [1, {"a": 2}], {"prediction": [1, {"a": 2}]}),
    "a dataclass, then another label": (
        Verdict("a"),
        Verdict(np.float32(0.5), None),
        {"label": 0.5, "score": None},
    ),
    "a row, then two": (
        pd.DataFrame({"a": [1]}),
        pd.DataFrame({"a": ["x", None]}),
        {"prediction": [{"a": "x"}, {"a": None}]},
    ),
    "a Timestamp, then NaT": ({"a": pd.Timestamp("2020-01-01")}, {"a": pd.NaT}, {"a": None}),
}


@pytest.mark.parametrize(("first", "later", "wanted"), PAIRS.values(), ids=PAIRS)
def test_the_answer_to_one_record_goes_out_as_it_is(app: App, first: Any, later: Any, wanted: Any) -> None:
    def score(record: dict[str, float]) -> Any:
        return first if record["x"] == 1.5 else later

    with app(score, {"x": 1.5}) as client:
        assert client.post("/score", json={"x": 1.5}).status_code == 200
        answer = client.post("/score", json={"x": 2})
        assert (answer.status_code, answer.json()) == (200, wanted)
        assert client.post("/score/batch", json=[{"x": 3}] * 2).json() == [wanted] * 2


def where(first: Any, later: Any) -> Callable[[Any], Any]:
    """A model that returns `first` for small numbers; all rows of a call get the same prediction."""
    return lambda X: first(len(X)) if X[:, 0].max() < 10 else later(len(X))


BATCHES: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "integer labels, then texts": (
        where(lambda n: np.zeros(n, "int64"), lambda n: np.array(["x"] * n)),
        {"prediction": "x"},
    ),
    "integers, then NaN": (
        where(lambda n: np.zeros(n, "int64"), lambda n: np.full(n, np.nan)),
        {"prediction": None},
    ),
    "rows, then longer ones": (
        where(lambda n: np.zeros((n, 2)), lambda n: np.ones((n, 3), bool)),
        {"prediction": [True] * 3},
    ),
    "objects, then others": (
        where(lambda n: np.array(["a"] * n, object), lambda n: np.array([dt.date(2020, 1, 1)] * n, object)),
        {"prediction": "2020-01-01"},
    ),
    "a list of labels, then of others": (where(lambda n: [1] * n, lambda n: ["x"] * n), {"prediction": "x"}),
    "a list of dicts with a key that pydantic uses itself": (
        where(lambda n: [{"cls": 1, "class": 2}] * n, lambda n: [{"class": 2, "cls": "x"}] * n),
        {"cls": "x", "class": 2},
    ),
    "a list of dicts, then of others": (
        where(lambda n: [{"a": 1}] * n, lambda n: [{"b": np.float32(0.5)}] * n),
        {"b": 0.5},
    ),
    "a tensor, then one of bools": (
        where(torch.zeros, lambda n: torch.ones(n, dtype=torch.bool)),
        {"prediction": True},
    ),
    "a Series, then one of texts": (
        where(lambda n: pd.Series([1] * n), lambda n: pd.Series(["x"] * n)),
        {"prediction": "x"},
    ),
    "a Series of dates, then of missing ones": (
        where(lambda n: pd.Series(pd.to_datetime(["2020-01-01"] * n)), lambda n: pd.Series([pd.NaT] * n)),
        {"prediction": None},
    ),
    "a frame, then other columns": (
        where(
            lambda n: pd.DataFrame({"a": [1] * n, "b": "x"}),
            lambda n: pd.DataFrame({"a": pd.array([None] * n, "Int64"), "c": pd.NaT}),
        ),
        {"a": None, "c": None},
    ),
    "a polars frame, then other columns": (
        where(
            lambda n: pl.DataFrame({"a": [1] * n}), lambda n: pl.DataFrame({"a": ["x"] * n, "b": [None] * n})
        ),
        {"a": "x", "b": None},
    ),
    "a dict of arrays, then of others": (
        where(
            lambda n: {"a": np.zeros(n), "b": np.zeros((n, 2))},
            lambda n: {"a": np.array(["x"] * n), "c": np.zeros(n, "uint8")},
        ),
        {"a": "x", "c": 0},
    ),
}


@pytest.mark.parametrize(("model", "wanted"), BATCHES.values(), ids=BATCHES)
def test_answers_to_a_batch_go_out_as_they_are(app: App, model: Callable[[Any], Any], wanted: Any) -> None:
    with app(model, np.array([[1.0], [2.0], [3.0]])) as client:
        assert client.post("/score", json={"data": [2]}).status_code == 200
        answer = client.post("/score", json={"data": [20]})
        assert (answer.status_code, answer.json()) == (200, wanted)
        assert client.post("/score/batch", json=[{"data": [20]}] * 2).json() == [wanted] * 2


def test_the_api_page_says_what_the_sample_showed(app: App) -> None:
    with app(lambda record: {"label": "a", "parts": [{"weight": 0.5}]}, {"x": 1.5}) as client:
        schemas = client.get("/openapi.json").json()["components"]["schemas"]
    assert schemas["ModelOutput"]["properties"]["label"] == {
        "anyOf": [{"type": "string"}, {"type": "null"}],
        "title": "Label",
    }
    assert schemas["ModelOutput"]["required"] == ["label", "parts"]
    assert schemas["Part"]["properties"]["weight"]["anyOf"][0] == {"type": "number"}


def test_a_class_of_the_user_may_return_another_type(app: App, records: types.ModuleType) -> None:
    def score(record: dict[str, float]) -> Any:
        return records.Point(1, "a") if record["x"] == 1.5 else [records.Point("x", None), records.Colour.RED]

    with app(score, {"x": 1.5}) as client:
        assert client.post("/score", json={"x": 1.5}).json() == {"x": 1, "label": "a"}
        later = client.post("/score", json={"x": 2})
        assert later.json() == {"prediction": [{"x": "x", "label": None}, "red"]}


def test_a_decimal_is_read_as_it_is_written(app: App) -> None:
    with app(
        lambda record: {"price": str(record["price"])}, {"price": decimal.Decimal("1.50"), "n": 1}
    ) as client:
        head = {"content-type": "application/json"}
        for sent in ("0.1234567890123456789012345", "12345678901234567890.10", "1.10", "3", "1e-30", "-0.5"):
            for body in (f'{{"price": {sent}, "n": 1.0}}', f'{{"price": "{sent}", "n": 1}}'):
                answer = client.post("/score", content=body, headers=head)
                assert answer.status_code == 200, (body, answer.text)
                assert decimal.Decimal(answer.json()["price"]) == decimal.Decimal(sent), body
        for wrong in ("true", "null", "[1.5]"):
            body = f'{{"price": {wrong}, "n": 1}}'
            assert client.post("/score", content=body, headers=head).status_code == 422
        # Two integers that are the same float are distinguished.
        twins = ['{"price": 0.1, "n": 1}', '{"price": 0.10000000000000000001, "n": 1}']
        answers = client.post("/score/batch", content=f"[{','.join(twins)}]", headers=head).json()
        assert [answer["price"] for answer in answers] == ["0.1", "0.10000000000000000001"]
