"""`model/baseline.json`: what it says of a sample or of training data, and what it never says."""

import dataclasses
import json
import math
import random
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

import scaffold
from scaffold.base.baseline import columns_of, summarize_columns
from scaffold.base.layout import RECORD
from scaffold.errors import (
    BaselineFieldsError,
    BaselineFormatError,
    BaselineNotFoundError,
    BaselineWithoutModelError,
    SampleRefusedError,
)
from scaffold.spec import Baseline, CategoryBaseline, FieldBaseline, JSONValue, NumberBaseline, Recording
from scaffold.verbs._baseline import _notes_on_few, with_former_fields

FEWEST = 5
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**70), 2**70)
LABELS = st.sampled_from(["a", "b", "", "other", "é", "x" * 200]) | st.text(max_size=3) | st.booleans()


def summary(values: Any, **options: Any) -> FieldBaseline | None:
    found = summarize_columns({"x": values}, **options)
    return found[0] if found else None


@given(st.lists(NUMBERS | st.none(), max_size=120))
def test_each_bin_of_a_number_has_five_rows_and_the_range_holds_all(values: list[Any]) -> None:
    found = summary(values)
    numbers = [float(value) for value in values if value is not None]
    if found is None:
        assert len(numbers) < 2 * FEWEST
        return
    assert isinstance(found, NumberBaseline)
    assert found.missing == pytest.approx(1 - len(numbers) / len(values), abs=1e-6)
    assert found.min <= min(numbers)
    assert max(numbers) <= found.max
    bins = np.searchsorted(found.edges, numbers, side="left")
    counts = np.bincount(bins, minlength=len(found.edges) + 1)
    assert min(counts) >= FEWEST
    assert found.shares == pytest.approx(counts / len(numbers), abs=1e-6)
    assert list(found.edges) == sorted(set(found.edges))
    assert len(found.edges) <= 9


@given(st.lists(LABELS | st.none(), max_size=120))
def test_each_label_that_is_named_has_five_rows(values: list[Any]) -> None:
    found = summary(values)
    if found is None:
        return
    assert isinstance(found, CategoryBaseline)
    present = [
        value if isinstance(value, str) else json.dumps(value) for value in values if value is not None
    ]
    for label, share in found.shares:
        assert present.count(label) >= FEWEST
        assert share == pytest.approx(present.count(label) / len(present), abs=1e-6)
        assert len(label) <= 80
    assert math.isclose(sum(share for _, share in found.shares) + found.other, 1, abs_tol=1e-4)


def test_the_quantiles_of_many_numbers_split_them_evenly() -> None:
    chance = random.Random(7)
    for scale in (
        lambda: chance.gauss(0, 1),
        lambda: chance.paretovariate(0.5),
        lambda: 1.7e9 + chance.random(),
    ):
        numbers = [scale() for _ in range(5000)]
        found = summary(numbers)
        assert isinstance(found, NumberBaseline)
        assert len(found.edges) == 9
        assert found.shares == pytest.approx([0.1] * 10, abs=0.01)
        assert not set(found.edges) & set(numbers)


def test_free_text_dates_and_mixed_values_are_left_out() -> None:
    names = [f"person {number}" for number in range(200)]
    assert summary(names) is None
    assert summary([*names[:120], *["a"] * 80]) is None
    assert summary(["2026-01-01", 3] * 50) is None
    assert summary([[1, 2]] * 50) is None


def test_fields_are_named_as_in_requests() -> None:
    rows: list[Any] = [
        {"a": {"b": 1, "c": "x"}, "data": [1, 2.5], "ragged": [1] * (1 + n % 2), "deep": [[1]]}
        for n in range(20)
    ]
    assert [*columns_of(rows)] == ["a.b", "a.c", "data.0", "data.1"]


def test_the_numbers_of_classes_are_labels() -> None:
    found = summary([0, 1] * 20, labels={"x"})
    assert isinstance(found, CategoryBaseline)
    assert found.shares == (("0", 0.5), ("1", 0.5))


def frame(rows: int, seed: int = 3) -> pd.DataFrame:
    chance = np.random.default_rng(seed)
    return pd.DataFrame({"age": chance.normal(40, 9, rows).round(1), "visits": chance.integers(0, 9, rows)})


def fitted() -> LogisticRegression:
    rows = frame(400)
    return LogisticRegression().fit(rows, rows["age"] > 40)


def read_baseline(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((root / "model/baseline.json").read_text())
    return found


@pytest.mark.slow
def test_updates_make_it_again_add_it_and_take_it_away(tmp_path: Path) -> None:
    root, training = tmp_path / "service", tmp_path / "training.parquet"
    model, sample = fitted(), frame(60)
    scaffold.new(model, sample, target=root, verify=False)
    assert not (root / "model/baseline.json").exists()

    scaffold.update(root, answers={"drift": True}, verify=False)
    first = read_baseline(root)
    assert first["rows"] == 60
    assert first["made_from"] == "the sample"
    assert [field["name"] for field in first["fields"]] == ["age", "visits"]
    assert first["predictions"][0]["shares"].keys() == {"true", "false"}

    frame(5000, seed=8).assign(label="no field").to_parquet(training)
    with pytest.raises(BaselineWithoutModelError, match="A new baseline needs the model"):
        scaffold.update(root, baseline=training, verify=False)
    scaffold.update(root, model, sample, baseline=training, verify=False)
    second = read_baseline(root)
    assert second["rows"] == second["predicted_rows"] == 5000
    assert second["made_from"] == second["predictions_from"] == "training.parquet"

    frame(900, seed=9).to_parquet(training)
    scaffold.update(root, model, frame(61), verify=False)
    assert read_baseline(root)["rows"] == 900
    fields = read_baseline(root)["fields"]

    training.unlink()
    events: list[object] = []
    scaffold.update(root, fitted(), frame(62).round(0), verify=False, on_event=events.append)
    kept = read_baseline(root)
    assert (kept["rows"], kept["made_from"]) == (900, "training.parquet")
    assert (kept["predicted_rows"], kept["predictions_from"]) == (62, "the sample")
    assert kept["fields"] == fields
    [note] = [str(event) for event in events if "is absent" in str(event)]
    assert "keeps the fields of the former model" in note

    assert str(training) in (root / RECORD).read_text()  # the next update takes it if it is there

    scaffold.update(root, answers={"drift": False}, verify=False)
    assert not (root / "model/baseline.json").exists()


def test_training_data_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    other, text = tmp_path / "other.csv", tmp_path / "notes.txt"
    other.write_text("Age,Visits\n1,2\n")
    text.write_text("no table")
    for path, error in ((other, BaselineFieldsError), (text, BaselineFormatError)):
        with pytest.raises(error) as caught:
            scaffold.new(fitted(), frame(60), target=tmp_path / "service", baseline=path, verify=False)
        assert path.name in str(caught.value)
        assert not (tmp_path / "service").exists()


def test_training_data_that_are_absent_are_named(tmp_path: Path) -> None:
    absent = tmp_path / "absent.parquet"
    with pytest.raises(BaselineNotFoundError, match=f"There is no file {absent}") as caught:
        scaffold.new(fitted(), frame(60), target=tmp_path / "service", baseline=absent, verify=False)
    assert "training.parquet" in str(caught.value)
    assert not (tmp_path / "service").exists()


def test_a_field_that_the_new_model_has_otherwise_is_not_kept() -> None:
    def baseline(made_from: str, **columns: list[Any]) -> Baseline:
        fields = summarize_columns(columns)
        return Baseline(
            rows=20,
            made_from=made_from,
            fields=fields,
            predictions=(),
            predictions_from=made_from,
            predicted_rows=20,
        )

    former = baseline("training.csv", same=[1, 2] * 10, text=[1, 2] * 10, gone=[1, 2] * 10)
    made = baseline("the sample", text=["a", "b"] * 10)
    row: JSONValue = {"same": 3, "text": "a"}
    recording = Recording(requests=(row,) * 20, answers=())
    kept = with_former_fields(made, former, recording)
    assert ([field.name for field in kept.fields], kept.made_from) == (["same"], "training.csv")
    assert with_former_fields(made, made, recording) == made


def test_the_guard_that_refuses_the_sample_names_the_baseline() -> None:
    fault = {"type": "out_of_range", "loc": ["body", "age"], "msg": "Input should be from 2 to 66"}
    message = str(SampleRefusedError("row 96", 422, {"detail": [fault]}))
    assert "The baseline has not seen it" in message
    assert "recorded.json" not in message


def test_training_data_without_numbers_and_labels_are_not_called_few() -> None:
    made = Baseline(
        rows=200, made_from="t.csv", fields=(), predictions=(), predictions_from="t.csv", predicted_rows=0
    )
    for rows, words in (
        (200, "free text, dates"),
        (9, "9 rows, and a baseline needs ten"),
        (1, "1 row, and"),
    ):
        [note] = _notes_on_few(dataclasses.replace(made, rows=rows))
        assert words in note


def test_training_data_of_few_rows_are_noted(tmp_path: Path) -> None:
    training = tmp_path / "training.csv"
    events: list[object] = []
    frame(3).to_csv(training, index=False)
    root = tmp_path / "service"
    scaffold.new(fitted(), frame(60), target=root, baseline=training, verify=False, on_event=events.append)
    assert any("3 rows, and a baseline needs ten rows or more" in str(event) for event in events)
