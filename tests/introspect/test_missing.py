"""If a field may be null, rows with and without missing values are predicted together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from scaffold.introspect import infer_signature
from scaffold.introspect._missing import missing_places, with_nulls
from scaffold.introspect.call._calls import find_call
from scaffold.introspect.call._made_up import with_made_up
from scaffold.spec import Overrides
from tests.introspect.conftest import Serve

FRAME = pd.DataFrame(
    {
        "shop": ["north", "south", "east", "west"] * 5,
        "spent": [3.25 * k % 19 + k / 8 for k in range(20)],
        "visits": [k % 7 for k in range(20)],
    }
)
MISSING = FRAME.assign(spent=FRAME["spent"].where(~FRAME.index.isin([3, 11])))
RARE = pd.concat([FRAME] * 20, ignore_index=True).assign(spent=lambda f: f["spent"].mask(f.index == 37))


def filled_with_the_mean(X: pd.DataFrame) -> Any:
    return (X.fillna(X.mean(numeric_only=True))[["spent", "visits"]].sum(axis=1, skipna=False)).to_numpy()


def filled_with_zero(X: pd.DataFrame) -> Any:
    return X.fillna({"spent": 0, "visits": 0})[["spent", "visits"]].sum(axis=1).to_numpy()


def raising_on_what_is_left(X: pd.DataFrame) -> Any:
    answer = filled_with_the_mean(X)
    if np.isnan(answer).any():
        raise ValueError("Input contains NaN")
    return answer


def raising_on_nulls(X: pd.DataFrame) -> Any:
    if X.isna().to_numpy().any():
        raise ValueError("Input contains NaN")
    return X["spent"].to_numpy()


@pytest.mark.parametrize("nullable", [("spent",), ("visits",), ("shop", "spent", "visits")])
@pytest.mark.parametrize("rows", [1, 20])
@pytest.mark.parametrize("model", [filled_with_the_mean, raising_on_what_is_left])
def test_nullable_fields_are_tested_with_nulls_in_batches(
    model: Callable[[Any], Any], rows: int, nullable: tuple[str, ...]
) -> None:
    sample = FRAME.head(rows)
    assert infer_signature(model, sample).signature.call.batched
    overrides = Overrides(nullable=nullable)
    assert not infer_signature(model, sample, overrides=overrides).signature.call.batched
    assert infer_signature(filled_with_zero, sample, overrides=overrides).signature.call.batched


def test_a_row_that_is_predicted_only_in_a_batch_is_named() -> None:
    found = find_call(raising_on_what_is_left, FRAME, nullable=("spent",))
    assert found.call.evidence.endswith(
        "; one record at a time: beside other rows a made-up row gets an answer, "
        "alone the model raises ValueError: Input contains NaN"
    )


def test_a_model_that_always_refuses_nulls_is_batched() -> None:
    assert find_call(raising_on_nulls, FRAME, nullable=("spent",)).call.batched


@pytest.mark.parametrize("sample", [MISSING, RARE], ids=["two of twenty", "one of four hundred"])
def test_rows_with_missing_values_are_tested_in_batches(sample: pd.DataFrame) -> None:
    assert not find_call(filled_with_the_mean, sample).call.batched
    assert find_call(filled_with_zero, sample).call.batched


def of_dicts(records: list[dict[str, Any]]) -> list[float]:
    seen = [record["spent"] for record in records if record["spent"] is not None]
    mean = sum(seen) / max(1, len(seen))
    return [mean if record["spent"] is None else record["spent"] for record in records]


def of_polars(X: pl.DataFrame) -> Any:
    return X["spent"].fill_null(X["spent"].mean() or 0.0).to_numpy()


@pytest.mark.parametrize(
    ("model", "sample"),
    [(of_dicts, FRAME.to_dict("records")), (of_polars, pl.from_pandas(FRAME))],
    ids=["dicts", "polars"],
)
def test_nulls_are_tested_in_every_container(model: Callable[[Any], Any], sample: Any) -> None:
    assert find_call(model, sample).call.batched
    assert not find_call(model, sample, nullable=("spent",)).call.batched


VALUES = MISSING[["visits", "spent"]].astype("float64").to_numpy()
CONTAINERS: dict[str, Any] = {
    "frame": MISSING[["visits", "spent"]],
    "polars": pl.from_pandas(MISSING[["visits", "spent"]], nan_to_null=True),
    "array": VALUES,
    "dicts": [{"visits": a, "spent": None if np.isnan(b) else b} for a, b in VALUES.tolist()],
    "lists": [[a, None if np.isnan(b) else b] for a, b in VALUES.tolist()],
    "arguments": {"visits": VALUES[:, 0], "spent": VALUES[:, 1]},
}


@pytest.mark.parametrize("kind", CONTAINERS)
def test_made_up_rows_have_the_missing_values_of_the_sample(kind: str) -> None:
    sample = CONTAINERS[kind]
    assert missing_places(sample) == {0.5: [3, 11]}
    made, count = with_made_up(sample, [0, 1], 12)
    [rows] = missing_places(made).values()
    assert 2 <= len(rows) < count


def test_a_null_has_the_dtype_that_the_service_gives_it() -> None:
    rows = with_nulls(FRAME.assign(on=True), [1, 2, 3], ["shop", "visits", "on", "unknown"])
    assert str(rows["visits"].dtype) == "float64"
    assert str(rows["on"].dtype) == "object"
    assert rows.iloc[2][["shop", "visits", "on"]].isna().all()
    assert not rows.iloc[[0, *range(4, 20)]].isna().to_numpy().any()


def by_text(X: pd.DataFrame) -> list[str]:
    return [f"{number} {on}" for number, on in zip(X["id"], X["on"], strict=True)]


@pytest.mark.parametrize("dtype", ["int64", "int8", "uint32"])
def test_a_column_without_a_null_keeps_its_dtype_though_it_may_have_one(serve: Serve, dtype: str) -> None:
    sample = pd.DataFrame({"id": pd.Series([1, 2, 3], dtype=dtype), "on": [True, False, True]})
    service = serve(by_text, sample, overrides=Overrides(nullable=("id", "on")))
    assert not service.found.signature.call.batched
    assert service.score({"id": 2, "on": True}, {"id": 2, "on": None}, {"id": None, "on": False}) == [
        {"prediction": "2 True"},
        {"prediction": "2 None"},
        {"prediction": "nan False"},
    ]


def test_a_wide_frame_of_whole_numbers_takes_nulls(serve: Serve) -> None:
    sample = pd.DataFrame(np.arange(600).reshape(4, 150), columns=[f"x{i}" for i in range(150)])
    service = serve(lambda X: X.sum(axis=1), sample, overrides=Overrides(nullable=("x0",)))
    body = dict.fromkeys(sample.columns, 1)
    assert service.score({**body, "x0": None}, body) == [{"prediction": 149}, {"prediction": 150}]


@pytest.mark.parametrize("kind", ["polars", "arrow"])
def test_a_column_that_holds_nulls_keeps_its_dtype(serve: Serve, kind: str) -> None:
    frame = pl.DataFrame({"id": [1, 2, 3], "on": [True, False, True]})

    def first(X: Any) -> list[str]:
        return [f"{number} {on}" for number, on in zip(X["id"].to_list(), X["on"].to_list(), strict=True)]

    sample = frame if kind == "polars" else frame.to_arrow()
    model = first if kind == "polars" else lambda X: first(pl.from_arrow(X))
    service = serve(model, sample, overrides=Overrides(nullable=("id", "on")))
    assert service.score({"id": None, "on": True}, {"id": 2, "on": None}) == [
        {"prediction": "None True"},
        {"prediction": "2 None"},
    ]
