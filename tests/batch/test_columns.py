"""By columns, `batch/` takes what `schemas.py` takes and builds what `convert.py` builds."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from scaffold.introspect import infer_signature
from scaffold.render._source import render_columns
from tests.batch._models import add_up, describe, shares, weigh
from tests.batch._project import make_project, python

FRAME = pd.DataFrame(
    {
        "small": np.array([1, -2, 3], dtype="int8"),
        "large": np.array([1, 2, 2**63], dtype="uint64"),
        "count": np.array([1, 2, 3], dtype="int64"),
        "short": np.array([0.5, 1.5, 2.5], dtype="float32"),
        "ratio": [0.5, np.nan, 1.5],
        "flag": [True, False, True],
        "name": pd.array(["a", None, "c"], dtype="str"),
        "plain": pd.Series(["a", "b", None], dtype=object),
        "level": pd.Categorical(["low", "high", None], categories=["low", "high"]),
        "step": pd.Categorical([1, 2, 1], categories=[1, 2, 3]),
        "whole": pd.array([1, None, 3], dtype="Int64"),
        "truth": pd.array([True, None, False], dtype="boolean"),
        "text": pd.array(["x", None, "z"], dtype="string"),
        "with space": [1.0, 2.0, 3.0],
    }
)
SAME = """
import random, json, sys
import numpy as np, pandas as pd, pyarrow as pa
from app import convert
from batch import columns
from batch.checks import Unfit
from batch.answers import FIELDS
from batch.record import Refused, read_record
from batch.rows import score_rows
from batch.scoring import load, score_batch
load()
requests = json.load(open("tests/recorded.json"))["requests"]
odd = [None, float("nan"), float("inf"), 0, -1, 1, 2.5, 3.0, 300, 2**31, 2**63, 2**64 - 1, -(2**63), 1e39,
       3.4028235e38, True, False, "", "a", "low", "high", "1", b"a", 5e-324]
generator = random.Random(1)

def compared(rows, kinds):
    batch = pa.RecordBatch.from_pydict({name: pa.array([row[name] for row in rows], kind)
        for name, kind in kinds.items()})
    try:
        inputs = columns.to_model(batch)
    except Unfit:
        score_batch(batch)  # every row is scored or has a reason
        return 0
    by_rows = score_rows(batch)
    assert not by_rows.rejected, (rows, by_rows.rejected)
    wire = [{name: None if isinstance(value, float) and value != value else value
             for name, value in row.items()} for row in batch.to_pylist()]
    records = [read_record(json.dumps(row).encode()) for row in wire]
    assert not any(isinstance(record, Refused) for record in records), records
    expected = convert.to_model(records)
    if isinstance(expected, pd.DataFrame):
        pd.testing.assert_frame_equal(inputs, expected)
        for name in expected:
            assert [*map(type, inputs[name])] == [*map(type, expected[name])], name
    else:
        assert inputs.dtype == expected.dtype and np.array_equal(inputs, expected, equal_nan=True)
    found = score_batch(batch)
    assert found.answers.equals(by_rows.answers), (found.answers, by_rows.answers)
    return 1

kinds = dict(FIELDS)
assert compared(requests, kinds) == 1
fitting = 0
if sys.argv[1:] != ["odd"]:
    sys.exit()
for name in kinds:
    for value in odd:
        rows = [dict(row) for row in requests]
        generator.choice(rows)[name] = value
        for kind in (pa.int8(), pa.int64(), pa.uint64(), pa.float32(), pa.float64(), pa.bool_(), pa.string(),
                     pa.large_string(), pa.dictionary(pa.int32(), pa.string()), pa.binary(), pa.null()):
            try:
                pa.array([row[name] for row in rows], kind)
            except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
                continue
            fitting += compared(rows, {**kinds, name: kind})
print(fitting)
"""


@pytest.fixture(scope="module")
def every_dtype(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_project(tmp_path_factory.mktemp("columns") / "weigh", weigh, FRAME)


def test_a_frame_of_every_dtype_is_built_alike(every_dtype: Path) -> None:
    python(every_dtype, SAME)


@pytest.mark.slow
def test_a_frame_of_every_dtype_takes_the_same_values(every_dtype: Path) -> None:
    assert int(python(every_dtype, SAME, "odd")) > 200


@pytest.mark.slow
def test_an_array_of_float32_is_built_alike_and_takes_the_same_values(tmp_path: Path) -> None:
    sample = np.arange(12, dtype="float32").reshape(4, 3)
    root = make_project(tmp_path / "sums", AddUp(), sample)
    assert int(python(root, SAME, "odd")) > 50


class AddUp:
    """An estimator whose features have names."""

    feature_names_in_ = np.array(["a", "b", "c"], dtype=object)
    n_features_in_ = 3

    def predict(self, values: Any) -> Any:
        return add_up(values)


@pytest.mark.slow
@pytest.mark.parametrize("model", [shares, describe])
def test_answers_of_several_values_are_the_same_columns(model: Any, tmp_path: Path) -> None:
    sample = pd.DataFrame({"number": [1, 2, 3], "name": ["a", "b", "c"], "ratio": [0.5, 0.1, 1.5]})
    root = make_project(tmp_path / "several", model, sample)
    assert int(python(root, SAME, "odd")) > 20


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(pd.to_datetime(["2024-01-01", "2024-01-02"])),
        pd.Series([dt.date(2024, 1, 1), dt.date(2024, 1, 2)], dtype=object),
        pd.Series([[1, 2], [3]], dtype=object),
    ],
)
def test_what_only_pydantic_can_check_has_no_columns(column: Any) -> None:
    signature = infer_signature(len_of, pd.DataFrame({"a": [1, 2], "column": column}), None).signature
    assert render_columns(signature) is None


def len_of(frame: pd.DataFrame) -> Any:
    return np.arange(len(frame)) * 0.5
