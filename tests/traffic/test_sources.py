"""Logs and tables as sources of traffic: the same rows give the same report."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import io
import json
import sys
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

import scaffold
from scaffold.errors import (
    DriftError,
    EmptyBaselineError,
    InvalidBaselineError,
    MissingExtraError,
    NoBaselineError,
    NoTrafficError,
    SinceError,
    TrafficNotFoundError,
    TrafficUnreadableError,
    UnknownTrafficError,
)
from scaffold.spec import CategoryBaseline, DriftVerdict, JSONValue, NumberBaseline
from scaffold.traffic import Traffic, measure_drift, read_baseline
from scaffold.traffic._cells import FieldTally, labels_for, labels_of
from scaffold.traffic._rows import by_name, moment_of
from tests.traffic._passengers import FIRST_DAY, write_project

NUMBER = NumberBaseline(name="n", missing=0.0, min=0.0, max=10.0, edges=(2.0, 5.0), shares=(0.2, 0.3, 0.5))
LABEL = CategoryBaseline(name="c", missing=0.0, shares=(("1", 0.5), ("true", 0.3)), other=0.2)


def table_of(log: Path) -> pd.DataFrame:
    lines = map(json.loads, log.read_text().splitlines())
    return pd.DataFrame(
        [{"at": one["at"], "id": one["id"], **one["input"], **one["output"]} for one in lines]
    )


def test_all_forms_of_the_same_rows_give_the_same_report(
    titanic: Path, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = table_of(log)
    table.to_csv(tmp_path / "table.csv", index=False)
    table.assign(at=pd.to_datetime(table["at"])).to_parquet(tmp_path / "table.parquet")
    (tmp_path / "logs.jsonl.gz").write_bytes(gzip.compress(log.read_bytes()))
    lines = log.read_text().splitlines()
    (tmp_path / "part-1.ndjson").write_text("\n".join(lines[:100]) + "\n")
    (tmp_path / "part-2.ndjson").write_text("\n".join(lines[100:]))
    monkeypatch.setattr(sys, "stdin", io.StringIO(log.read_text()))
    expected = scaffold.drift(titanic, str(log))
    for name in ("table.csv", "table.parquet", "logs.jsonl.gz", "part-*.ndjson", "-"):
        found = scaffold.drift(titanic, name if name == "-" else str(tmp_path / name))
        assert (found.rows, found.fields, found.predictions) == (300, expected.fields, expected.predictions)
        assert found.source == ("standard input" if name == "-" else str(tmp_path / name))
        assert found.first[:16] == "2026-03-02T00:00"


def test_other_lines_of_a_log_are_skipped(titanic: Path, log: Path) -> None:
    expected = scaffold.drift(titanic, str(log))
    text = 'INFO ready\n{"level": "info", "msg": "ready"}\n[1]\n\n' + log.read_text() + '{"input": {'
    log.write_text(text)
    assert scaffold.drift(titanic, str(log)) == expected


def test_since_counts_back_from_now(titanic: Path, log: Path) -> None:
    until = FIRST_DAY + timedelta(days=7)
    for since, rows in (("1w", 300), ("7d", 300), ("24h", 42), ("168h", 300), (" 2 D ", 85), ("", 300)):
        traffic = Traffic(source=str(log), since=since, until=until)
        baseline = read_baseline(titanic)
        report = measure_drift(traffic, baseline, project="titanic", version="1", recorded={})
        assert report.rows == rows, since


@pytest.mark.parametrize("since", ["soon", "7", "d", "0d", "-1d", "1.5d", "7 days", "9999999d"])
def test_what_is_no_duration_is_refused(titanic: Path, log: Path, since: str) -> None:
    with pytest.raises(SinceError, match="--since 7d"):
        scaffold.drift(titanic, str(log), since=since)


def test_a_field_that_no_row_has_is_not_compared(titanic: Path, log: Path) -> None:
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    for number, one in enumerate(lines):
        del one["input"]["Age"]
        if number % 2:
            del one["input"]["Fare"]
    log.write_text("\n".join(map(json.dumps, lines)))
    report = scaffold.drift(titanic, str(log))
    fields = {field.name: field for field in report.fields}
    assert fields["Age"].verdict is DriftVerdict.ABSENT
    assert report.notes == ("not in the requests, and not compared: Age",)
    assert (fields["Fare"].missing_now, fields["Fare"].verdict) == (0.5, DriftVerdict.DRIFT)


def test_few_rows_get_no_verdict(titanic: Path, log: Path) -> None:
    log.write_text("\n".join(log.read_text().splitlines()[:99]))
    report = scaffold.drift(titanic, str(log))
    assert {field.verdict for field in report.fields} == {DriftVerdict.TOO_FEW}
    assert report.verdict is DriftVerdict.TOO_FEW


def test_a_whole_number_too_large_for_a_float_lies_out_of_the_range() -> None:
    tally = FieldTally(NUMBER)
    for value in (10**400, -(10**400)):
        tally.add(value)
    assert tally.counts is not None
    assert tally.counts.cells == (1, 0, 0, 0, 1)


def test_a_value_lies_in_the_bin_that_the_baseline_says() -> None:
    tally = FieldTally(NUMBER)
    for value in (-0.1, 0, 2, 2.0001, "5", 5.1, 10, 10.5, float("inf"), True, None, float("nan")):
        tally.add(value)
    assert labels_of(NUMBER) == ["< 0", "[0, 2]", "(2, 5]", "(5, 10]", "> 10"]
    assert tally.counts is not None
    assert (tally.counts.cells, tally.counts.missing) == ((1, 3, 2, 2, 2), 2)


def test_a_label_is_the_same_in_each_form() -> None:
    tally = FieldTally(LABEL)
    for value in (1, 1.0, "1", "1.0", True, "True", "true", "TRUE", 2, None):
        tally.add(value)
    assert tally.counts is not None
    assert (tally.counts.cells, tally.counts.missing) == ((4, 3, 2), 1)
    assert labels_for("inf") == ["inf"]


def test_names_of_nested_values_are_dotted() -> None:
    value: JSONValue = {"address": {"zip": 1, "tags": ["a", {"x": 2}]}, "n": None}
    assert by_name(value, "data") == {
        "address.zip": 1,
        "address.tags.0": "a",
        "address.tags.1.x": 2,
        "n": None,
    }
    assert by_name([1.0, 2.0], "data") == {"data.0": 1.0, "data.1": 2.0}
    assert by_name(3, "data") == {"data": 3}


def test_times_without_a_zone_are_utc() -> None:
    assert moment_of("2026-03-02T00:00:00Z") == moment_of("2026-03-02 00:00:00") == FIRST_DAY
    assert moment_of("2026-03-02T01:00:00+01:00") == FIRST_DAY


@pytest.mark.parametrize(
    ("name", "text", "error", "message"),
    [
        ("absent.jsonl", None, TrafficNotFoundError, "absent.jsonl names no file"),
        ("*.csv", None, TrafficNotFoundError, "names no file"),
        ("table.xlsx", "", UnknownTrafficError, "--from logs.jsonl"),
        ("empty.jsonl", "", NoTrafficError, "has no request."),
        ("empty.csv", "", NoTrafficError, "has no request."),
        ("other.jsonl", '{"a": 1}\n', NoTrafficError, "an input and an output"),
        ("binary.csv", b"\xff\xfe\x00", TrafficUnreadableError, "binary.csv cannot be compared"),
        (
            "cells.csv",
            "Age,Fare\n1\n",
            TrafficUnreadableError,
            "row 2 cannot be compared: has another number",
        ),
        (
            "text.csv",
            "Age,Sex\n1,male\nold,male\n",
            TrafficUnreadableError,
            "row 3 .*field Age: could not conv",
        ),
        ("text.jsonl", '{"input": {"a": 1}, "output": {}}\n', NoTrafficError, "has no request"),
        ("columns.csv", "a,b\n1,2\n", NoTrafficError, "columns by the names in the baseline"),
        ("at.jsonl", '{"at": 3, "input": 1, "output": 1}\n', TrafficUnreadableError, "row 1 .*3 is no time"),
        ("bad.parquet", "PAR1", TrafficUnreadableError, "bad.parquet cannot be compared"),
        ("damaged.jsonl.gz", "no gzip", TrafficUnreadableError, "damaged.jsonl.gz cannot be compared"),
    ],
)
def test_a_source_that_cannot_be_read_is_one_clear_message(
    name: str, text: str | bytes | None, error: type[DriftError], message: str, titanic: Path, tmp_path: Path
) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(error, match=message):
        scaffold.drift(titanic, str(path))


def test_another_time_is_advised_only_where_it_has_requests(titanic: Path, log: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    for path, since, is_advised in ((empty, "", False), (empty, "7d", False), (log, "1m", True)):
        with pytest.raises(NoTrafficError) as caught:
            scaffold.drift(titanic, str(path), since=since)
        assert (f"{path} has no request of the last {since}" in str(caught.value)) is is_advised
        assert ("--since 30d" in str(caught.value)) is is_advised
        assert ("LOG_PREDICTIONS=1" in str(caught.value)) is not is_advised


def test_a_row_without_a_time_cannot_be_selected_by_time(titanic: Path, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("Age\n30\n")
    with pytest.raises(TrafficUnreadableError, match=r"row 2 .*no time `at`"):
        scaffold.drift(titanic, str(tmp_path / "table.csv"), since="7d")


def test_parquet_names_the_extra(titanic: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "table.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"model-scaffold\[drift\]"):
        scaffold.drift(titanic, str(tmp_path / "table.parquet"))


def test_a_project_without_a_baseline_is_told_how_to_get_one(tmp_path: Path, log: Path) -> None:
    with pytest.raises(NoBaselineError, match=r"scaffold update .* --answer drift=true"):
        scaffold.drift(tmp_path, str(log))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"format": 1', '"format": 9', "its format is 9"),
        ('"kind": "number"', '"kind": "image"', "of the kind 'image'"),
        ('"missing": 0.0', '"missing": 1.5', "1.5 is no share"),
        ('"max"', '"most"', "'max' is missing"),
        ('"rows": 2000', '"rows": -1', "-1 is no number of rows"),
        ('"male": 0.6', '"male": 0.1', "the shares of Sex add up to"),
        ("{", "[", "is no baseline"),
    ],
)
def test_an_edited_baseline_is_checked(
    old: str, new: str, message: str, titanic: Path, log: Path, tmp_path: Path
) -> None:
    (tmp_path / "model").mkdir()
    text = (titanic / "model/baseline.json").read_text()
    assert old in text
    (tmp_path / "model/baseline.json").write_text(text.replace(old, new))
    with pytest.raises(InvalidBaselineError, match=message):
        scaffold.drift(tmp_path, str(log))


def test_a_baseline_without_fields_is_told_apart_from_a_log_without_requests(
    titanic: Path, log: Path, tmp_path: Path
) -> None:
    empty = dataclasses.replace(read_baseline(titanic), fields=(), predictions=())
    with pytest.raises(EmptyBaselineError, match=r"has no field to compare.*\n.*\n.*training\.parquet"):
        scaffold.drift(write_project(tmp_path / "empty", empty), str(log))


def test_predictions_of_another_model_are_left_out(titanic: Path, log: Path, tmp_path: Path) -> None:
    root = write_project(tmp_path / "updated", read_baseline(titanic))
    (root / "model/model.pkl").write_bytes(b"the model")
    sha256 = hashlib.sha256(b"the model").hexdigest()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    models = [sha256[:12], "another model", None]
    log.write_text(
        "\n".join(json.dumps({**line, "model": models[place % 3]}) for place, line in enumerate(lines))
    )
    report = scaffold.drift(root, str(log))
    assert (report.rows, report.notes) == (200, ("100 requests to other models left out",))
    assert scaffold.drift(titanic, str(log)).rows == 300  # no file of a model there
    (root / "model/model.pkl").write_bytes(b"the next model")
    log.write_text("\n".join(json.dumps({**line, "model": sha256[:12]}) for line in lines))
    report = scaffold.drift(root, str(log))
    assert (report.rows, report.verdict, report.detectable_psi) == (0, DriftVerdict.TOO_FEW, None)
    assert report.notes == (
        "300 requests to other models left out",
        "the model of this project has had no request",
    )
