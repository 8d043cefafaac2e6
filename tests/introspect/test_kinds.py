"""Every kind of sample: the requests made from its records give the sample again."""

from __future__ import annotations

import collections
import datetime as dt
import decimal
import types
import uuid
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
import torch
from PIL import Image

from scaffold.introspect._rows import count_rows, take_record
from tests.introspect.conftest import Serve, difference

UTC = dt.timezone.utc


class Batch:
    """A model that takes many records and predicts each."""

    def predict(self, X: Any) -> Any:
        return np.zeros(count_rows(X) or 0)


class Single:
    """A model that takes one record."""

    def predict(self, record: Any) -> float:
        return 1.0


def column(values: Any, dtype: Any = None) -> pd.DataFrame:
    return pd.DataFrame({"a": pd.Series(values, dtype=dtype)})


def moments(*, zone: Any = None, unit: Any = "us") -> pd.DataFrame:
    values = pd.DatetimeIndex(["2020-01-01 00:00:00", "2020-07-02 03:04:05", None]).as_unit(unit)
    return pd.DataFrame({"a": values.tz_localize(zone)})


PANDAS = {
    "int8": column([1, 2, 3], "int8"),
    "uint64": column([0, 1, 2**64 - 1], "uint64"),
    "float16 with nan": column([1, 0.5, np.nan], "float16"),
    "float32": column([0.1, 0.2, 0.3], "float32"),
    "bool": column([True, False, True]),
    "str with missing": column(["x", "y", None], "str"),
    "object of text and None": column(["x", "y", None], object),
    "object of text and nan": column(["x", "y", np.nan], object),
    "object of bool and None": column([True, None, False], object),
    "object of int and None": column([1, 2, None], object),
    "object of dates": column([dt.date(2020, 1, 1), None, dt.date(2021, 1, 1)], object),
    "object of times": column([dt.time(1, 2), dt.time(3), dt.time(4)], object),
    "object of decimals": column([decimal.Decimal("1.10"), decimal.Decimal(2), decimal.Decimal(3)], object),
    "object of uuids": column([uuid.UUID(int=i) for i in range(3)], object),
    "object of bytes": column([b"x", b"yy", b"z"], object),
    "object of lists": column([[1.5, 2], [3.5], []], object),
    "object of dicts": column([{"x": 1}, {"x": 2}, {"x": None}], object),
    "nullable integer": column([1, None, 3], "Int64"),
    "nullable boolean": column([True, None, False], "boolean"),
    "nullable string": column(["a", None, "b"], "string"),
    "nullable float32": column([1.5, None, 2], "Float32"),
    "category": column(pd.Categorical(["x", "y", None], categories=["z", "y", "x"])),
    "ordered category of numbers": column(pd.Categorical([1, 2, None], categories=[1, 2, 3], ordered=True)),
    "category of object": column(
        pd.Categorical(["p"] * 3, dtype=pd.CategoricalDtype(pd.Index(["p", "q"], dtype=object)))
    ),
    "category of bool": column(pd.Categorical([True, False, True])),
    "category of float": column(pd.Categorical([1.5, 2.5, 1.5])),
    "category of objects that are dates": column(
        pd.Categorical(
            [dt.date(2020, 1, 1), None, dt.date(2019, 1, 1)], [dt.date(2020, 1, 1), dt.date(2019, 1, 1)]
        )
    ),
    "category of dates": column(pd.Categorical(pd.to_datetime(["2020-01-01", "2021-01-01", "2020-01-01"]))),
    "category of integers": column(pd.Categorical([1, 2, None])),
    "category of intervals with a missing one": column(pd.cut([1, 5, np.nan], [0, 3, 6])),
    "category of intervals": column(pd.cut([1, 5, 9], [0, 3, 6, 10])),
    "datetime": moments(),
    "datetime in nanoseconds": moments(unit="ns"),
    "datetime in seconds": moments(unit="s"),
    "datetime in a zone": moments(zone="Europe/Oslo"),
    "datetime in UTC": moments(zone="UTC"),
    "datetime at an offset": moments(zone=dt.timezone(dt.timedelta(hours=2))),
    "timedelta": column(pd.to_timedelta(["1 days", "2h", None])),
    "period of months": column(pd.PeriodIndex(["2020-01", "2021-02", None], freq="M")),
    "Arrow integer": column([1, None, 3], "int64[pyarrow]"),
    "Arrow string": column(["a", None, "b"], pd.ArrowDtype(pa.string())),
    "Arrow timestamp": column(
        [dt.datetime(2020, 1, 1), None, dt.datetime(2021, 1, 1)], pd.ArrowDtype(pa.timestamp("us"))
    ),
    "Arrow decimal": column(
        [decimal.Decimal("1.20"), None, decimal.Decimal("2.30")], pd.ArrowDtype(pa.decimal128(10, 2))
    ),
    "sparse": column(pd.arrays.SparseArray([0.0, 0.0, 1.5])),
    "numbers as names": pd.DataFrame(np.arange(6.0).reshape(3, 2)),
    "pairs as names": pd.DataFrame(
        np.arange(6.0).reshape(3, 2), columns=pd.MultiIndex.from_tuples([("a", "x"), ("b", "y")])
    ),
    "dates as names": pd.DataFrame(
        np.arange(6.0).reshape(3, 2), columns=pd.to_datetime(["2020-01-01", "2020-01-02"])
    ),
    "wide": pd.DataFrame(np.arange(300.0).reshape(3, 100), columns=[f"c {i}" for i in range(100)]),
    "wide with a name that is empty": pd.DataFrame(
        np.arange(300.0).reshape(3, 100), columns=["", *(f"c{i}" for i in range(1, 100))]
    ),
    "wide with numbers as names": pd.DataFrame(np.arange(300.0).reshape(3, 100)),
    "Series": pd.Series([1.5, 2, 3], name="x"),
    "Series of categories": pd.Series(["a", "b", "a"], dtype="category", name="q"),
}
ARRAYS = {
    "float64": np.arange(12.0).reshape(3, 4),
    "float32 images": np.arange(12, dtype="float32").reshape(3, 2, 2),
    "nan": np.array([[1, np.nan], [2, 3], [4, 5]]),
    "int64": np.arange(6).reshape(3, 2),
    "uint8": np.arange(12, dtype="uint8").reshape(3, 2, 2),
    "bool": np.array([[True], [False], [True]]),
    "one axis": np.arange(3),
    "text": np.array(["a", "bb", "c"]),
    "object of text and None": np.array(["a", "bb", None], dtype=object),
    "object of rows of text": np.array([["a", "bb"], ["c", "d"], ["c", "d"]], dtype=object),
    "datetime64": np.array(["2020-01-01", "2020-01-02", "NaT"], dtype="datetime64[s]"),
    "timedelta64": np.array([1, 2, 3], dtype="timedelta64[h]"),
    "rank 4": np.zeros((3, 2, 3, 4), "float32"),
    "structured": np.array(
        [(1, "a", 1.5, [1, 2]), (2, "b", np.nan, [3, 4]), (3, "c", 2, [5, 6])],
        dtype=[("x", "i4"), ("y z", "U5"), ("w", "f4"), ("v", "i2", (2,))],
    ),
    "masked": np.ma.array([[1.5, 2], [3, 4], [5, 6]], mask=[[False, True], [False, False], [True, True]]),
    "masked integers of one axis": np.ma.array([2**62 + 1, 2, 3], mask=[False, True, False]),
    "masked images of bools": np.ma.array(
        np.arange(12).reshape(3, 2, 2) % 5 > 1, mask=[np.eye(2, dtype=bool)] * 3
    ),
    "masked texts": np.ma.array(["a", "bb", "c"], mask=[False, True, False]),
    "masked dates": np.ma.array(["2020-01-01"] * 3, mask=[False, True, False], dtype="datetime64[s]"),
    "masked spans in nanoseconds": np.ma.array([1, 2, 3], mask=[False, True, False], dtype="timedelta64[ns]"),
    "masked where nothing is": np.ma.array([[1.5, np.nan], [3, 4], [5, 6]]),
    "csr_matrix": sp.csr_matrix(np.eye(3)),
    "csc_array of float32": sp.csc_array(np.eye(3, dtype="float32")),
    "torch": torch.arange(12.0).reshape(3, 2, 2),
    "torch int64": torch.arange(6).reshape(3, 2),
    "torch with nan": torch.tensor([[1, float("nan")], [1, 2], [3, 4]]),
    "torch bfloat16": torch.ones(3, 2, dtype=torch.bfloat16),
}
POLARS = {
    "plain": pl.DataFrame(
        {"a": [1, 2, None], "b": ["x", "y", None], "c": [1.5, 2.5, 3], "f": [True, None, False]}
    ),
    "dates": pl.DataFrame(
        {"d": [dt.datetime(2020, 1, 1)] * 3, "e": [dt.date(2020, 1, 1)] * 3, "i": [dt.time(1)] * 3}
    ),
    "a zone": pl.DataFrame({"a": [dt.datetime(2020, 1, 1, tzinfo=ZoneInfo("Europe/Oslo"))] * 3}),
    "durations": pl.DataFrame({"h": [dt.timedelta(hours=1)] * 3}),
    "lists": pl.DataFrame({"g": [[1, 2], [3], []]}),
    "structs": pl.DataFrame({"a": [{"x": 1, "y": "q"}] * 3}),
    "arrays": pl.DataFrame({"a": pl.Series([[1.0, 2.0]] * 3, dtype=pl.Array(pl.Float32, 2))}),
    "decimals": pl.DataFrame({"a": [decimal.Decimal("1.20")] * 3}),
    "categories": pl.DataFrame({"a": pl.Series(["x", "y", "x"], dtype=pl.Categorical)}),
    "enums": pl.DataFrame({"a": pl.Series(["x", "y", "x"], dtype=pl.Enum(["x", "y", "z"]))}),
    "small integers": pl.DataFrame({"c": pl.Series([1, 2, 3], dtype=pl.UInt8)}),
    "Series": pl.Series("s", [1, 2, 3]),
}
ARROW = {
    "plain": pa.table({"a": [1, 2, 3], "b": ["x", None, "y"], "c": [1.5, 2, 3]}),
    "timestamps": pa.table({"d": pa.array([dt.datetime(2020, 1, 1)] * 3, pa.timestamp("ms"))}),
    "dictionaries": pa.table({"a": pa.array(["x", "y", "x"]).dictionary_encode()}),
}
LISTS = {
    "lists of numbers": [[1.0, 2.0], [3.0, 4.0], [1.0, 2.0]],
    "lists of any length": [[1.0], [1.0, 2.0], []],
    "texts": ["a", "b", "c"],
    "numbers": [1, 2, 3],
    "dicts with differing keys": [{"a": 1.5, "b": None}, {"a": 2.5}, {"b": "x", "a": 1.0}],
    "nested dicts": [{"a": {"b": [{"c": np.float32(1.5)}]}}] * 3,
    "tuples": [(1, "a"), (2, "b"), (3, "c")],
    "images": [Image.new("RGB", (3, 3), (i, 0, 0)) for i in range(3)],
    "bytes": [b"x", b"yy", b"z"],
    "decimals": [decimal.Decimal("1.10")] * 3,
    "dates": [dt.date(2020, 1, 1)] * 3,
    "moments": [dt.datetime(2020, 1, 1, tzinfo=UTC)] * 3,
    "sets": [{1, 2}, {3}, set()],
    "texts and numbers": [1, "a", 2.5],
    "a dict of frames": {
        "a": pd.DataFrame({"x": [1, 2, 3], "c": pd.Categorical(["u", "v", "u"])}),
        "b": pd.DataFrame({"x": ["p", "q", None]}),
        "c": pd.Series([1.5, 2.5, 3.5], name="z"),
    },
    "a dict of arrays": {"a": np.arange(6.0).reshape(3, 2), "b": np.arange(3)},
}
ONE = {
    "a dict of everything plain": {
        "int": 1,
        "text": "x",
        "list": [1, 2],
        "dict": {"null": None, "float": 1.5},
        "tuple": (1, "x"),
        "datetime": dt.datetime(2020, 1, 1, 3),
        "date": dt.date(2020, 1, 1),
        "decimal": decimal.Decimal("1.50"),
        "uuid": uuid.UUID(int=7),
        "span": dt.timedelta(hours=1, microseconds=5),
        "time": dt.time(1, 2, 3),
        "set": {1, 2},
        "bytes": b"abc",
        "frozenset": frozenset([1]),
        "deque": collections.deque([1, 2]),
    },
    "a dict of numpy and pandas": {
        "a": np.int64(3),
        "b": np.float32(1.5),
        "c": np.arange(3.0),
        "d": {"e": np.array(["x", "y"])},
        "t": np.datetime64("2020-01-01"),
        "ts": pd.Timestamp("2020-01-01", tz="Europe/Oslo"),
        "flag": np.bool_(True),
        "span": pd.Timedelta("1h"),
    },
    "a dict with names of all sorts": {"class": 1, "a b": 2, 0: 3, "model_config": {"x": [{"self": 1}]}},
    "moments in zones": {
        "oslo": dt.datetime(2020, 1, 1, tzinfo=ZoneInfo("Europe/Oslo")),
        "utc": dt.datetime(2020, 1, 1, tzinfo=UTC),
        "fixed": dt.datetime(2020, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=2))),
    },
    "items that differ in their fields": {
        "items": [{"a": 1}, {"a": 2, "b": np.float64(3)}, {"a": 1, "c": None}]
    },
    "numbers as keys": {1: 2.0, 3: 4.0},
    "an empty dict": {},
    "a large integer": {"n": 2**70},
    "a nan": {"a": float("nan")},
    "a tensor in a dict": {"t": torch.zeros(2, 2)},
    "an image": Image.new("L", (4, 4)),
    "an image in a dict": {"i": Image.new("RGB", (2, 2))},
    "bytes": b"xx",
    "a text": "hi",
    "a float": 3.5,
    "an int": 3,
    "a bool": True,
    "None": None,
    "a date": dt.date(2020, 1, 1),
    "a numpy scalar": np.float32(1.5),
    "a Timestamp": pd.Timestamp("2020-01-01"),
    "a Series in a dict": {"h": pd.Series([1.5, 2.5]), "t": pd.Series(["a", None])},
    "frames in a dict": {
        "a": pd.DataFrame({"x": [1, 2], "c": pd.Categorical(["u", "v"])}),
        "b": pd.DataFrame({"c": pd.Categorical(["v", "w"])}),
        "p": pl.DataFrame({"x": [1.5, None]}),
    },
    "a whole frame": pd.DataFrame({"x": [1, 2], "when": moments().a[:2]}),
    "a whole Series": pd.Series([1.5, 2.5]),
    "a structured array in a dict": {"s": np.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")]), "n": 1},
    "one row of a frame": pd.DataFrame({"a": [1], "b": ["x"]}).iloc[0],
}


def named(*groups: tuple[str, dict[str, Any]]) -> list[Any]:
    return [
        pytest.param(sample, id=f"{group}: {name}")
        for group, samples in groups
        for name, sample in samples.items()
    ]


@pytest.mark.parametrize(
    "sample",
    named(("pandas", PANDAS), ("array", ARRAYS), ("polars", POLARS), ("arrow", ARROW), ("list of", LISTS)),
)
def test_a_batch_of_its_requests_is_the_sample_again(serve: Serve, sample: Any) -> None:
    service = serve(Batch(), sample)
    assert service.found.signature.call.batched
    assert difference(service.given(), sample) is None
    assert service.score(*service.found.recording.requests) == [{"prediction": 0.0}] * 3


@pytest.mark.parametrize("sample", named(("pandas", PANDAS), ("array", ARRAYS), ("polars", POLARS)))
def test_each_request_alone_is_a_sample_of_one_row(serve: Serve, sample: Any) -> None:
    service = serve(Batch(), sample)
    for body in service.found.recording.requests:
        one = service.convert.to_model([service.check(body)])
        assert count_rows(one) == 1
        if isinstance(sample, pd.DataFrame):
            assert list(one.dtypes) == list(sample.dtypes)


@pytest.mark.parametrize("sample", named(("one", ONE)))
def test_a_single_record_reaches_the_model_unchanged(serve: Serve, sample: Any) -> None:
    service = serve(Single(), sample)
    [given] = service.given()
    assert difference(given, sample) is None
    assert service.score(*service.found.recording.requests) == [{"prediction": 1.0}]


def test_the_model_gets_the_types_of_the_user(serve: Serve, records: types.ModuleType) -> None:
    flat = records.Flat(1.5, 2, "North")
    for sample in (
        flat,
        records.House([flat], records.Colour.RED),
        records.Order(id=1, lines=[records.Line(sku="x", count=2)]),
        records.Point(1, "a"),
        records.Colour.BLUE,
        {"flat": flat, "more": [flat], "colour": records.Colour.RED},
    ):
        service = serve(Single(), sample)
        assert service.given() == [sample]
        assert type(service.given()[0]) is type(sample)


def test_a_frame_read_row_by_row_is_a_dict_for_each(serve: Serve) -> None:
    sample = pd.DataFrame({"a": [1, 2], "b": ["x", None]})

    def score(row: dict[str, Any]) -> float:
        if not isinstance(row, dict):
            raise TypeError("a dict is wanted")
        return row["a"] * 2.0

    service = serve(score, sample, [2.0, 4.0])
    assert difference(service.given(), [take_record(sample, i) for i in range(2)]) is None
    assert service.score({"a": 3, "b": None}) == [{"prediction": 6.0}]
