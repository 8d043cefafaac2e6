"""What MLflow is told of a sample: its signature and its rows."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from scaffold.verbs import _describe_samples

DAY = dt.datetime(2026, 1, 2, 3, 4)
COLUMNS: dict[str, list[Any]] = {
    "age": [20.5, None],
    "calls": [1, 5],
    "plan": ["a", "b"],
    "paid": [True, False],
    "since": [DAY, None],
}
SIGNATURE = [
    ("age", "double", False),
    ("calls", "long", True),
    ("plan", "string", True),
    ("paid", "boolean", True),
    ("since", "datetime", False),
]
ROWS = [[20.5, 1, "a", True, "2026-01-02T03:04:00"], [None, 5, "b", False, None]]


def describe(sample: Any) -> Any:
    return _describe_samples.describe(sample)


def rows_of(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table, rows_of])
def test_a_table_has_typed_columns_and_its_rows(make: Any) -> None:
    found = describe(make(COLUMNS))
    assert [(each["name"], each["type"], each["required"]) for each in found["signature"]] == SIGNATURE
    assert found["example"] == {"columns": [*COLUMNS], "data": ROWS}
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize(
    "sample", [np.ones((2, 3), "float32"), np.array([1, 2]), [[1.5, 2.0]], [1, 2], pd.Series([1.5])]
)
def test_numbers_have_a_dtype_and_a_shape(sample: Any) -> None:
    found = describe(sample)
    array = np.asarray(sample)
    assert found == {
        "signature": [
            {"type": "tensor", "tensor-spec": {"dtype": str(array.dtype), "shape": [-1, *array.shape[1:]]}}
        ],
        "example": array.tolist(),
    }


def test_numbers_that_are_missing_are_no_example() -> None:
    found = describe(np.array([1.0, np.nan]))
    assert list(found) == ["signature"]


def test_no_more_than_500_rows_are_shown() -> None:
    found = describe(pd.DataFrame({"a": range(600)}))
    assert len(found["example"]["data"]) == 500


@pytest.mark.parametrize(
    "sample",
    [
        "a text",
        ["a", "b"],
        [],
        {"a": 1},
        None,
        pd.DataFrame({"a": [1, "b"]}),
        pd.DataFrame({"a": [[1], [2]]}),
        np.array(["a"]),
        np.float64(1.0),
        [[1], [2, 3]],
    ],
)
def test_what_mlflow_has_no_words_for_is_left_out(sample: Any) -> None:
    assert describe(sample) is None
