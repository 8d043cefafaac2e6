"""`python -m batch score`: every format, rows that do not fit, runs that are ended and go on."""

from __future__ import annotations

import gzip
import json
import sqlite3
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

import scaffold
from scaffold.errors import InvalidOptionError, NoBatchError
from tests.batch._kill import kill_again_and_again
from tests.batch._models import fail_on_thirteen, measure, weigh
from tests.batch._project import answers, batch, make_project, python, rejected

TITANIC = Path(__file__).parents[2] / "examples" / "titanic" / "service"
SLOW = pytest.mark.slow
SAMPLE = pd.DataFrame({"number": [1, 2, 3], "name": ["a", None, "c"], "ratio": [0.5, None, 1.5]})
ROWS = pd.DataFrame(
    {
        "number": range(1000),
        "name": [None if n % 7 == 0 else f'n"{n},\n{n}' for n in range(1000)],
        "ratio": [None if n % 5 == 0 else n / 7 for n in range(1000)],
    }
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_project(tmp_path_factory.mktemp("batch") / "rows", weigh, SAMPLE)


@pytest.fixture(scope="module")
def expected(root: Path) -> list[float]:
    """The answers of the service's own functions."""
    requests = json.loads(ROWS.to_json(orient="records"))
    code = (
        "import json, sys; from app import score; from app.schemas import ModelInput; score.load();"
        f"rows = json.loads({json.dumps(json.dumps(requests))});"
        "records = [ModelInput.model_validate_json(json.dumps(row)) for row in rows];"
        "print(json.dumps([each.prediction for each in score.run(records)]))"
    )
    found: list[float] = json.loads(python(root, code))
    return found


def write(folder: Path, name: str) -> Path:
    """Write the rows in a format."""
    path = folder / name
    if name.endswith(".parquet"):
        ROWS.to_parquet(path, row_group_size=64, index=False)
    elif ".csv" in name:
        ROWS.to_csv(path, index=False)
    elif ".jsonl" in name:
        lines = ROWS.to_json(orient="records", lines=True).encode()
        path.write_bytes(gzip.compress(lines) if name.endswith(".gz") else lines)
    elif name.endswith(".arrow"):
        table = pa.Table.from_pandas(ROWS, preserve_index=False)
        with pa.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table, max_chunksize=64)
    else:
        with sqlite3.connect(path) as connection:
            columns = "id INTEGER PRIMARY KEY, number INTEGER NOT NULL, name TEXT, ratio REAL"
            connection.execute(f"CREATE TABLE things ({columns})")
            ROWS.rename_axis("id").reset_index().to_sql("things", connection, if_exists="append", index=False)
    return path


@pytest.mark.parametrize(
    "name",
    [
        "rows.csv",
        "rows.jsonl",
        *(pytest.param(name, marks=SLOW) for name in ("rows.parquet", "rows.csv.gz", "rows.jsonl.gz")),
        *(pytest.param(name, marks=SLOW) for name in ("rows.arrow", "rows.db")),
    ],
)
def test_each_format_gives_the_answers_of_the_service(
    name: str, root: Path, expected: list[float], tmp_path: Path
) -> None:
    path = write(tmp_path, name)
    source = f"sqlite:///{path}#things" if name.endswith(".db") else str(path)
    keep = ["--keep", "id"] if name.endswith(".db") else []
    batch(root, "score", source, tmp_path / "out", "--part-rows", 100, "--workers", 1, *keep)
    found = answers(tmp_path / "out")
    assert [row["row"] for row in found] == list(range(1000))
    assert [row["prediction"] for row in found] == pytest.approx(expected, rel=1e-12)
    assert rejected(tmp_path / "out") == []
    assert keep == [] or [row["id"] for row in found] == list(range(1000))


def test_a_partitioned_folder_gives_a_column_and_names_its_files(root: Path, tmp_path: Path) -> None:
    for number in (1, 2):
        part = tmp_path / "in" / f"number={number}"
        part.mkdir(parents=True)
        SAMPLE.drop(columns="number").to_parquet(part / "a.parquet", index=False)
    (tmp_path / "in" / "_SUCCESS").touch()
    ended = batch(root, "score", tmp_path / "in", tmp_path / "out", "--workers", 2)
    assert "6 rows scored, 0 rejected" in ended.stdout
    found = answers(tmp_path / "out")
    assert [Path(row["file"]).parent.name for row in found] == ["number=1"] * 3 + ["number=2"] * 3
    assert found[0]["prediction"] != found[3]["prediction"]


def test_rows_that_do_not_fit_are_listed_with_field_and_reason(root: Path, tmp_path: Path) -> None:
    lines = [
        "number,name,ratio",
        "1,a,0.5",
        "x,b,0.5",
        "3,c",
        "4,d,inf",
        "",
        '5,"e\nf",0.5',
        "6.0,g,1",
        "2.5,h,1",
    ]
    (tmp_path / "rows.csv").write_text("\n".join(lines) + "\n")
    out = tmp_path / "out"
    ended = batch(root, "score", tmp_path / "rows.csv", out, "--workers", 1, status=3)
    assert "3 rows scored, 5 rejected" in ended.stdout
    assert [row["row"] for row in answers(out)] == [0, 5, 6]
    found = {row["row"]: (row["field"], row["reason"]) for row in rejected(out)}
    assert found[1] == ("number", "Input should be a valid integer, unable to parse the text")
    assert found[2] == ("", "the row has 2 columns, not 3")
    assert found[3] == ("ratio", "Input should be a finite number")
    assert found[4] == ("number", "Input should be a valid integer")  # an empty line
    assert found[7][0] == "number"
    for number, most in enumerate(("5", "63%")):
        options = ["--workers", "1", "--max-rejected", most]
        batch(root, "score", tmp_path / "rows.csv", tmp_path / f"out{number}", *options)
    document = json.loads((out / "summary.json").read_text())
    assert (document["scored"], document["rejected"]) == (3, 5)


def test_json_lines_are_refused_as_the_service_refuses_them(root: Path, tmp_path: Path) -> None:
    fits = '{"number": 1, "name": null, "ratio": 1}'
    lines = [
        fits,
        '{"number": 1}',
        "",
        "{",
        fits[:-1] + ', "number": 1}',
        fits + "," + fits,
        fits[:-1] + ', "a": 1}',
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines))
    batch(root, "score", tmp_path / "rows.jsonl", tmp_path / "out", "--workers", 1, status=3)
    assert [row["row"] for row in answers(tmp_path / "out")] == [0]
    found = {row["row"]: (row["field"], row["reason"]) for row in rejected(tmp_path / "out")}
    assert found[1] == ("name", "Field required")
    assert found[6] == ("a", "Extra inputs are not permitted")
    assert sorted(found) == [1, 3, 4, 5, 6]


@SLOW
def test_a_row_on_which_the_model_fails_is_rejected_and_no_other(tmp_path: Path) -> None:
    sample = pd.DataFrame({"number": [1, 2, 3]})
    root = make_project(tmp_path / "thirteen", fail_on_thirteen, sample)
    pd.DataFrame({"number": range(40)}).to_parquet(tmp_path / "rows.parquet")
    batch(root, "score", tmp_path / "rows.parquet", tmp_path / "out", "--workers", 1, status=3)
    assert rejected(tmp_path / "out") == [
        {"row": 13, "field": "", "reason": "the model raised ValueError: thirteen"}
    ]
    assert [row["prediction"] for row in answers(tmp_path / "out")] == [2 * n for n in range(40) if n != 13]


@SLOW
def test_nested_records_go_by_rows_and_the_run_says_so(tmp_path: Path) -> None:
    sample = {"name": "ab", "values": [1.0, 2.0]}
    root = make_project(tmp_path / "nested", measure, sample)
    rows = [{"name": "x" * n, "values": [float(n)] * n} for n in range(5)]
    pa.parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    ended = batch(root, "score", tmp_path / "rows.parquet", tmp_path / "out", "--workers", 1)
    assert ended.stderr == "Scoring row by row: the records are not flat rows of numbers and texts.\n"
    assert [row["prediction"] for row in answers(tmp_path / "out")] == [n * n + n for n in range(5)]
    assert "by rows: the records are not flat" in batch(root, "check").stdout


@SLOW
def test_an_edit_of_the_rules_is_followed_row_by_row(root: Path, tmp_path: Path) -> None:
    edited = make_project(tmp_path / "edited", weigh, SAMPLE)
    assert "by rows and by columns" in batch(edited, "check").stdout
    schemas = edited / "app/schemas.py"
    schemas.write_text(
        schemas.read_text().replace("    number: Int64 = Field(", "    number: Int64 = Field(gt=1, ")
    )
    SAMPLE.to_parquet(tmp_path / "rows.parquet", index=False)
    ended = batch(edited, "score", tmp_path / "rows.parquet", tmp_path / "out", "--workers", 1, status=3)
    assert ended.stderr.startswith("Scoring row by row: app/schemas.py was edited")
    assert rejected(tmp_path / "out")[0]["reason"] == "Input should be greater than 1"


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ({"ratio": None}, [], "The input lacks columns that the model takes: ratio."),
        ({"more": 1}, [], "The input has columns that the model does not take: more."),
        ({}, ["--keep", "nothing"], "The input has no column nothing."),
        ({"row": 1, "input_row": 1}, ["--keep", "row,input_row"], "have the column input_row twice."),
        ({}, ["--format", "xml"], "invalid choice: 'xml'"),
        ({}, ["--share", "8/8"], "'8/8' is no share"),
        ({}, ["--max-rejected", "1.5"], "'1.5' is no number of rows and no percentage"),
    ],
)
def test_an_input_that_does_not_fit_as_a_whole_is_one_message(
    columns: dict[str, Any], options: list[str], message: str, root: Path, tmp_path: Path
) -> None:
    frame = SAMPLE.assign(**{name: value for name, value in columns.items() if value is not None})
    frame = frame.drop(columns=[name for name, value in columns.items() if value is None])
    frame.to_parquet(tmp_path / "rows.parquet", index=False)
    status = 2 if "is" in message.split() and message.startswith(("'", "invalid")) else 1
    status = 2 if message.startswith("invalid") else status
    ended = batch(root, "score", tmp_path / "rows.parquet", tmp_path / "out", *options, status=status)
    assert message in ended.stderr
    assert not (tmp_path / "out").exists()


def test_a_changed_input_or_a_foreign_folder_is_refused(root: Path, tmp_path: Path) -> None:
    path, out = tmp_path / "rows.parquet", tmp_path / "out"
    SAMPLE.to_parquet(path, index=False)
    batch(root, "score", path, out, "--workers", 1)
    assert "nothing was left to do" in batch(root, "score", path, out, "--workers", 1).stdout
    pd.concat([SAMPLE, SAMPLE]).to_parquet(path, index=False)
    ended = batch(root, "score", path, out, "--workers", 1, status=1)
    assert ended.stderr.startswith(f"{out} has answers of another run: the input has changed: {path}.")
    ended = batch(root, "score", path, tmp_path, "--workers", 1, status=1)
    assert ended.stderr.startswith(f"{tmp_path} is not empty, and has no manifest of a run.")
    for wrong, message in (
        (tmp_path / "no.csv", "There is no"),
        ("s3n://a/b.csv", "s3n://a/b.csv cannot be opened"),
    ):
        assert message in batch(root, "score", wrong, tmp_path / "other", status=1).stderr


@SLOW
def test_shares_of_one_output_make_the_whole(root: Path, expected: list[float], tmp_path: Path) -> None:
    path = write(tmp_path, "rows.parquet")
    for share in ("0/3", "1/3", "2/3"):
        batch(root, "score", path, tmp_path / "out", "--part-rows", 64, "--workers", 1, "--share", share)
    assert [row["prediction"] for row in answers(tmp_path / "out")] == pytest.approx(expected, rel=1e-12)
    summaries = [json.loads((tmp_path / f"out/summary-{n}-of-3.json").read_text()) for n in range(3)]
    assert sum(each["scored"] for each in summaries) == 1000


@SLOW
def test_a_run_that_is_killed_again_and_again_gives_what_an_undisturbed_one_gives(
    root: Path, tmp_path: Path
) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    many = pd.concat([ROWS.assign(number=ROWS["number"] + 1000 * n) for n in range(40)])
    many.loc[many["number"] % 997 == 0, "ratio"] = float("inf")
    with gzip.open(source / "a.csv.gz", "wt", compresslevel=1) as file:
        texts = many["name"] + "x" * 400  # a part of CSV has at least a MiB
        many.assign(name=texts)[:20_000].to_csv(file, index=False)
    many[20_000:].to_parquet(source / "b.parquet", row_group_size=150, index=False)
    options = ["--part-rows", "150", "--workers", "2"]
    batch(root, "score", source, tmp_path / "calm", *options, status=3)
    arguments = ["score", source, out, *options]
    kills = kill_again_and_again(root, arguments, lambda: len([*out.glob("answers/part-*")]), times=6)
    assert kills >= 4
    batch(root, "score", source, out, *options, status=3)
    assert answers(out) == answers(tmp_path / "calm")
    assert rejected(out) == rejected(tmp_path / "calm")
    assert len(answers(out)) + len(rejected(out)) == 40_000
    assert not list(out.rglob(".*"))


@SLOW
def test_scaffold_score_runs_the_projects_command(root: Path, tmp_path: Path) -> None:
    SAMPLE.assign(id=[7, 8, 9]).to_csv(tmp_path / "rows.csv", index=False)
    out = tmp_path / "out"
    assert scaffold.score(root, str(tmp_path / "rows.csv"), str(out), options=["--keep", "id"]) == 0
    assert [row["id"] for row in answers(out)] == ["7", "8", "9"]  # CSV is text
    assert scaffold.score(root, str(tmp_path / "none.csv"), str(tmp_path / "other")) == 1
    with pytest.raises(NoBatchError, match=r"has no batch/on_ray\.py"):
        scaffold.score(root, "in", "out", on="ray")
    with pytest.raises(InvalidOptionError, match="moon"):
        scaffold.score(root, "in", "out", on="moon://a")
    with pytest.raises(NoBatchError, match=r"answer='batch=local'|batch=local"):
        scaffold.score(TITANIC, "in", "out")
