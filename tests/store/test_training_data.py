"""Training data is described by its hash and its columns; none of its rows and no rare value is kept."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from scaffold.errors import InvalidTrainingDataError, NoSuchFileError
from scaffold.verbs._training_data import LEAST_ROWS, MOST_VALUES, describe_data

ROWS = 40
FRAME = pd.DataFrame(
    {
        "name": [f"Passenger {number}" for number in range(ROWS)],
        "sex": ["male"] * 20 + ["female"] * 19 + [None],
        "port": ["Southampton"] * 31 + ["Queenstown"] * (LEAST_ROWS - 1),
        "age": [float(number) for number in range(ROWS - 1)] + [None],
    }
)
COLUMNS = {
    "name": {"missing": 0, "values": {}, "others": {"values": ROWS, "rows": ROWS}},
    "sex": {"missing": 1, "values": {"male": 20, "female": 19}, "others": {"values": 0, "rows": 0}},
    "port": {"missing": 0, "values": {"Southampton": 31}, "others": {"values": 1, "rows": LEAST_ROWS - 1}},
    "age": {"missing": 1},
}


def columns_of(described: Any) -> dict[str, Any]:
    """The columns by name, without their types, which differ by library."""
    return {
        each["name"]: {key: value for key, value in each.items() if key not in ("name", "dtype")}
        for each in described["columns"]
    }


@pytest.mark.parametrize(
    "data",
    [
        FRAME,
        FRAME.astype({"sex": "category", "name": object}),
        pl.from_pandas(FRAME),
        pl.from_pandas(FRAME).with_columns(pl.col("sex").cast(pl.Categorical)),
        pa.Table.from_pandas(FRAME),
        pa.Table.from_pandas(FRAME.astype({"sex": "category"})),
    ],
    ids=["pandas", "categories", "polars", "polars-categories", "arrow", "arrow-dictionary"],
)
def test_a_frame_of_any_library_is_described_alike(data: Any) -> None:
    described = describe_data(data)
    assert described["rows"] == ROWS
    assert columns_of(described) == COLUMNS
    assert describe_data(data)["sha256"] == described["sha256"]
    text = json.dumps(described)
    assert "Passenger" not in text
    assert "Queenstown" not in text


def test_the_hash_is_of_the_values_and_of_the_names_and_types() -> None:
    others = [FRAME.rename(columns={"age": "years"}), FRAME.iloc[::-1], FRAME.fillna({"age": 1.0})]
    hashes = {describe_data(each)["sha256"] for each in (FRAME, *others)}
    assert len(hashes) == 4
    assert describe_data(FRAME.reset_index(drop=True).copy())["sha256"] in hashes
    lists = pd.DataFrame({"words": [["a"], ["b", "c"]]})
    assert describe_data(lists)["sha256"] == describe_data(lists.copy())["sha256"]


def test_files_of_data_are_read_and_pickles_are_not(tmp_path: Path) -> None:
    FRAME.to_csv(tmp_path / "train.csv", index=False)
    FRAME.to_parquet(tmp_path / "train.parquet")
    for name in ("train.csv", "train.parquet"):
        assert columns_of(describe_data(tmp_path / name)) == COLUMNS
    (tmp_path / "train.pkl").write_bytes(pickle.dumps(FRAME))
    assert describe_data(str(tmp_path / "train.pkl")).keys() == {"sha256"}
    (tmp_path / "train.json").write_text("[1, 2]")
    assert describe_data(tmp_path / "train.json").keys() == {"sha256"}
    with pytest.raises(NoSuchFileError, match="absent"):
        describe_data(tmp_path / "absent.csv")


def test_an_array_has_a_shape_and_a_frame_may_have_no_columns() -> None:
    described = describe_data(np.zeros((4, 3), dtype=np.float32))
    assert {**described, "sha256": ""} == {"sha256": "", "rows": 4, "dtype": "float32", "shape": [4, 3]}
    assert describe_data(pd.DataFrame(index=range(3)))["rows"] == 3


def test_an_enum_of_polars_does_not_list_its_values() -> None:
    frame = pl.DataFrame({"port": pl.Series(["Queenstown"], dtype=pl.Enum(["Queenstown", "Cherbourg"]))})
    assert "Queenstown" not in json.dumps(describe_data(frame))


def test_of_many_values_the_most_frequent_are_listed() -> None:
    values = [f"v{number}" for number in range(MOST_VALUES + 5) for _ in range(LEAST_ROWS)]
    [column] = columns_of(describe_data(pd.DataFrame({"v": values}))).values()
    assert len(column["values"]) == MOST_VALUES
    assert column["others"] == {"values": 5, "rows": 5 * LEAST_ROWS}


def test_what_is_no_data_is_refused() -> None:
    with pytest.raises(InvalidTrainingDataError, match="The training data is a list"):
        describe_data([1, 2])
