"""Every kind of prediction: the service sends what was recorded."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
import torch
from PIL import Image

from scaffold.errors import UnsupportedSampleError
from tests.introspect.conftest import Serve

NAN, INF = float("nan"), float("inf")
X = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])


def every(value: Any) -> Callable[[Any], Any]:
    return lambda rows: [value] * len(rows)


# A model over rows, and its answer to the second row.
BATCHES: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "integer labels": (lambda X: X[:, 0].astype(int), {"prediction": 2}),
    "text labels": (lambda X: np.array(["a", "b", "c"])[X[:, 0].astype(int) // 2], {"prediction": "b"}),
    "bools": (lambda X: X[:, 0] > 1, {"prediction": True}),
    "nan and infinity": (lambda X: np.where(X[:, 0] > 1, NAN, INF), {"prediction": None}),
    "float32 rows": (lambda X: X.astype("float32"), {"prediction": [2.0, 3.0]}),
    "rank 3": (lambda X: X[:, :, None], {"prediction": [[2.0], [3.0]]}),
    "one column": (lambda X: X[:, :1], {"prediction": [2.0]}),
    "Series": (lambda X: pd.Series(X[:, 0]), {"prediction": 2.0}),
    "Series of text with its own index": (
        lambda X: pd.Series("a", index=[f"r{v}" for v in X[:, 0]]),
        {"prediction": "a"},
    ),
    "Series of categories": (lambda X: pd.Series(["a"] * len(X), dtype="category"), {"prediction": "a"}),
    "Series of NA": (lambda X: pd.Series([None] * len(X), dtype="Int64"), {"prediction": None}),
    "Series of dates": (
        lambda X: pd.Series(pd.to_datetime(["2020-01-01"] * len(X))),
        {"prediction": "2020-01-01T00:00:00"},
    ),
    "Series of periods": (
        lambda X: pd.Series(pd.PeriodIndex(["2020-01"] * len(X), freq="M")),
        {"prediction": "2020-01"},
    ),
    "Index": (lambda X: pd.Index(["a"] * len(X)), {"prediction": "a"}),
    "Categorical": (lambda X: pd.Categorical(["a"] * len(X)), {"prediction": "a"}),
    "frame": (
        lambda X: pd.DataFrame({"mean value": X[:, 0], "lo": X[:, 1].astype(int), "class": "x", "nan": NAN}),
        {"mean value": 2.0, "lo": 3, "class": "x", "nan": None},
    ),
    "frame with numbers as names": (lambda X: pd.DataFrame(X), {"0": 2.0, "1": 3.0}),
    "polars frame": (lambda X: pl.DataFrame({"a": X[:, 0], "b": ["x"] * len(X)}), {"a": 2.0, "b": "x"}),
    "polars Series": (lambda X: pl.Series(X[:, 0]), {"prediction": 2.0}),
    "Arrow table": (lambda X: pa.table({"a": X[:, 0]}), {"a": 2.0}),
    "list": (lambda X: X[:, 0].tolist(), {"prediction": 2.0}),
    "list of arrays": (lambda X: [*X], {"prediction": [2.0, 3.0]}),
    "list of numpy scalars": (lambda X: [np.float32(v) for v in X[:, 0]], {"prediction": 2.0}),
    "list of dicts": (
        lambda X: [{"label": "a", "p": np.float64(x), "v": [1, NAN]} for x in X[:, 0]],
        {"label": "a", "p": 2.0, "v": [1, None]},
    ),
    "dicts with differing keys": (
        lambda X: [{"a": 1} if x > 2 else {"a": 1, "b": 2} for x in X[:, 0]],
        {"a": 1, "b": 2},
    ),
    "dicts with numbers as keys": (every({1: 0.5, 2: 0.5}), {"1": 0.5, "2": 0.5}),
    "infinity in a dict": (every({"p": INF, "q": -INF}), {"p": None, "q": None}),
    "None": (every(None), {"prediction": None}),
    "None in some": (lambda X: [None if x > 1 else 1.5 for x in X[:, 0]], {"prediction": None}),
    "integers among floats": (lambda X: [1 if x > 1 else 1.5 for x in X[:, 0]], {"prediction": 1}),
    "tuples": (every(("a", 0.5)), {"prediction": ["a", 0.5]}),
    "decimals": (every(decimal.Decimal("1.5")), {"prediction": "1.5"}),
    "dates": (every(dt.date(2020, 1, 1)), {"prediction": "2020-01-01"}),
    "bytes": (every(b"abc"), {"prediction": "YWJj"}),
    "tensor": (lambda X: torch.tensor(X), {"prediction": [2.0, 3.0]}),
    "sparse": (lambda X: sp.csr_matrix(X), {"prediction": [2.0, 3.0]}),
    "structured": (
        lambda X: np.array([(1, "a")] * len(X), dtype=[("id", "i4"), ("n", "U3")]),
        {"id": 1, "n": "a"},
    ),
    "intervals": (
        lambda X: pd.Series(pd.IntervalIndex.from_arrays(X[:, 0], X[:, 1])),
        {"prediction": "(2.0, 3.0]"},
    ),
    "masked": (lambda X: np.ma.array(X[:, 0], mask=X[:, 0] == 2), {"prediction": None}),
    "long doubles": (lambda X: X.astype("longdouble"), {"prediction": [2.0, 3.0]}),
    "spans": (
        lambda X: pd.Series(pd.to_timedelta(X[:, 0], unit="h")),
        {"prediction": "PT2H"},
    ),
    "moments in UTC": (
        lambda X: pd.Series(pd.to_datetime(["2020-01-01"] * len(X), utc=True)),
        {"prediction": "2020-01-01T00:00:00Z"},
    ),
    "moments in nanoseconds": (
        lambda X: X[:, 0].astype("int64").astype("datetime64[ns]"),
        {"prediction": "1970-01-01T00:00:00.000000002"},
    ),
    "None and NaN among integers": (
        lambda X: [1 if x == 0 else None if x == 2 else NAN for x in X[:, 0]],
        {"prediction": None},
    ),
    "dict of arrays": (lambda X: {"label": X[:, 0].astype(int), "p": X}, {"label": 2, "p": [2.0, 3.0]}),
    "tuple of arrays": (lambda X: (X, X[:, 0]), {"prediction": [[2.0, 3.0], 2.0]}),
    "deep": (
        every({"a": {"b": [np.int64(1), {"c": np.array([1.5, NAN])}]}}),
        {"a": {"b": [1, {"c": [1.5, None]}]}},
    ),
    "datetime64": (
        lambda X: np.array(["2020-01-01"] * len(X), dtype="datetime64[s]"),
        {"prediction": "2020-01-01T00:00:00"},
    ),
}


@pytest.mark.parametrize(("model", "wanted"), BATCHES.values(), ids=BATCHES)
def test_answers_to_a_batch(serve: Serve, model: Callable[[Any], Any], wanted: Any) -> None:
    service = serve(model, X)
    assert service.found.recording.answers[1] == wanted
    assert service.score(*service.found.recording.requests) == list(service.found.recording.answers)


ALONE: dict[str, tuple[Any, Any]] = {
    "dict of numpy": (
        {"days": np.float64(3), "boxes": np.int64(2), "skus": np.array(["a"])},
        {"days": 3.0, "boxes": 2, "skus": ["a"]},
    ),
    "array": (np.array([1.0, NAN]), {"prediction": [1.0, None]}),
    "frame of one row": (pd.DataFrame({"a": [1], "b": ["x"]}), {"a": 1, "b": "x"}),
    "frame of several rows": (pd.DataFrame({"a": [1, 2]}), {"prediction": [{"a": 1}, {"a": 2}]}),
    "Series of named values": (pd.Series({"a": 1.5, "b": 2.5}), {"a": 1.5, "b": 2.5}),
    "Series of values": (pd.Series([1.5, 2.5]), {"prediction": [1.5, 2.5]}),
    "None and NaN among integers": ({"a": [1, None, NAN]}, {"a": [1, None, None]}),
    "frames in a dict": (
        {"a": pd.DataFrame({"x": [1, 2]}), "b": pl.DataFrame({"y": ["q"]})},
        {"a": [{"x": 1}, {"x": 2}], "b": [{"y": "q"}]},
    ),
    "Series in a dict": (
        {"a": pd.Series([1, 2]), "b": pd.Series({"x": 1}), "c": pd.Series([pd.NaT])},
        {"a": [1, 2], "b": {"x": 1}, "c": [None]},
    ),
    "structured array": (
        np.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")]),
        {"prediction": [{"a": 1, "b": 2.5}]},
    ),
    "row of a structured array": (
        np.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")])[0],
        {"a": 1, "b": 2.5},
    ),
    "sets of texts": ({"a": {"x", "y", "z"}}, {"a": ["x", "y", "z"]}),
    "a range and a deque": ({"a": range(2), "b": collections.deque("x")}, {"a": [0, 1], "b": ["x"]}),
    "spans and moments": (
        {"a": dt.timedelta(hours=1), "b": dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc)},
        {"a": "PT1H", "b": "2020-01-01T00:00:00Z"},
    ),
    "sparse": (sp.csr_matrix(np.eye(2)), {"prediction": [[1.0, 0.0], [0.0, 1.0]]}),
    "None": (None, {"prediction": None}),
    "set": ({1}, {"prediction": [1]}),
    "empty dict": ({}, {}),
    "empty list": ([], {"prediction": []}),
}


@pytest.mark.parametrize(("answer", "wanted"), ALONE.values(), ids=ALONE)
def test_the_answer_to_one_record(serve: Serve, answer: Any, wanted: Any) -> None:
    service = serve(lambda record: answer, {"a": 1.0})
    assert list(service.found.recording.answers) == [wanted]
    assert service.score({"a": 2.0}) == [wanted]


def test_objects_go_back_as_objects(serve: Serve, records: types.ModuleType) -> None:
    answers = [
        (records.Flat(1.5, 2), {"area": 1.5, "rooms": 2, "district": None}),
        (records.Order(id=1), {"id": 1, "when": None, "lines": []}),
        (records.Point(1, "a"), {"x": 1, "label": "a"}),
        (records.Colour.RED, {"prediction": "red"}),
        ([records.Point(1, "a")] * 2, {"prediction": [{"x": 1, "label": "a"}] * 2}),
        ({"best": records.Flat(1.5, 2)}, {"best": {"area": 1.5, "rooms": 2, "district": None}}),
    ]
    for answer, wanted in answers:
        service = serve(lambda record, answer=answer: answer, {"a": 1.0})
        assert list(service.found.recording.answers) == [wanted]
        assert service.score({"a": 2.0}) == [wanted]


def test_an_image_goes_back_as_a_file(serve: Serve) -> None:
    service = serve(lambda record: Image.new("RGB", (2, 2)), {"a": 1.0})
    [answer] = service.score({"a": 2.0})
    assert answer["prediction"].startswith("iVBORw0KGgo")


def test_an_answer_may_have_fields_that_the_sample_did_not_show(serve: Serve) -> None:
    service = serve(
        lambda record: {"score": 1} if record["a"] < 2 else {"score": 1.5, "why": "large"}, {"a": 1.0}
    )
    assert service.score({"a": 1.0}, {"a": 3.0}) == [{"score": 1}, {"score": 1.5, "why": "large"}]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"a": 1.5, "why": "x"}, {"a": None, "why": None}),
        ({"in": {"a": 1.5}}, {"in": {"a": None}}),
        ({"in": [{"a": 1}, {"a": 2, "b": "x"}]}, {"in": [{"a": None, "b": None}]}),
        (1.5, None),
        ("x", None),
        ([1], None),
    ],
)
def test_code_may_answer_none_where_the_sample_did_not(serve: Serve, first: Any, second: Any) -> None:
    one = serve(lambda record: first if record["a"] < 2 else second, {"a": 1.0})
    many = serve(lambda rows: [first if row["a"] < 2 else second for row in rows], [{"a": 1.0}, {"a": 1.5}])
    wanted = [answer if isinstance(answer, dict) else {"prediction": answer} for answer in (first, second)]
    for service in (one, many):
        assert service.score({"a": 1.0}, {"a": 3.0}) == wanted


def test_a_missing_text_of_pandas_is_null_in_an_answer(serve: Serve) -> None:
    frame = pd.DataFrame({"who": ["a", None, "c"]})
    service = serve(lambda X: [{"who": who} for who in X["who"]], frame)
    assert service.score({"who": None}, {"who": "b"}) == [{"who": None}, {"who": "b"}]


def test_an_array_of_numbers_is_never_null_in_the_schema(serve: Serve) -> None:
    service = serve(lambda X: X[:, 0], X)
    assert "    prediction: SkipValidation[float]\n" in service.sources["app/schemas.py"]


def test_the_classes_of_the_model_are_in_a_comment_on_the_prediction(serve: Serve) -> None:
    @dataclasses.dataclass
    class Classifier:
        classes_: Any

        def predict_proba(self, X: Any) -> Any:
            return np.full((len(X), 2), 0.5)

    service = serve(Classifier(np.array(["no", "yes"])), X)
    assert "One for each of the model's classes: no, yes." in service.sources["app/schemas.py"]


def test_a_value_without_json_form_is_named_with_its_path(serve: Serve) -> None:
    with pytest.raises(UnsupportedSampleError, match=r"\$\[0\]\.z\[0\]: complex is not JSON"):
        serve(lambda record: {"z": [1j]}, {"a": 1.0})
