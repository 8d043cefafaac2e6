"""Inputs as other programs write them: quotes within texts, decimals, folders of Hive, no names."""

from __future__ import annotations

import fcntl
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.batch._models import weigh
from tests.batch._project import answers, batch, environment, make_project, python

SAMPLE = pd.DataFrame({"number": [1, 2, 3], "name": ["a", None, "c"], "ratio": [0.5, None, 1.5]})
COUNT = """
import io, sys
from batch import csv_lines, inputs

inputs.BLOCK = int(sys.argv[1])
text = sys.stdin.buffer.read()
names = ["number", "name", "ratio"]
parts = [*inputs._cut(io.BytesIO(text), "csv", 1)]
assert b"".join(content for content, _ in parts) == text.rstrip()
for content, rows in parts:
    table, _, rejected = csv_lines.read_csv(content, names)
    assert table.num_rows == rows and not rejected, (content, rows, table.num_rows)
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_project(tmp_path_factory.mktemp("batch") / "odd", weigh, SAMPLE)


@pytest.mark.parametrize("block", [3, 64])
def test_a_quote_within_a_text_opens_nothing(block: int, root: Path) -> None:
    lines = ['1,5" pipe,2', '2,"a\n""b"",\n""\n",3', '3,x"",1', '4,"",1', '5,"c""\n",0', '6,"9""",1', "7,,1"]
    code = f"import io, sys; sys.stdin = io.TextIOWrapper(io.BytesIO({chr(10).join(lines * 3).encode()!r}))\n"
    python(root, code + COUNT, str(block))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The first line of the CSV file has no names: it is empty."),
        ("number,name,ratio\r1,a,2\r", "The first line of the CSV file has no names: new-line character"),
    ],
)
def test_a_csv_file_without_names_is_refused(text: str, message: str, root: Path, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(text, newline="")
    ended = batch(root, "score", path, tmp_path / "out", "--workers", 1, status=1)
    assert ended.stderr.startswith(message)
    assert not (tmp_path / "out").exists()


def test_whole_decimals_are_integers_and_folders_of_hive_are_decoded(root: Path, tmp_path: Path) -> None:
    for folder, number in (("name=a%20b", 7), ("name=__HIVE_DEFAULT_PARTITION__", 8)):
        (tmp_path / "in" / folder).mkdir(parents=True)
        columns = {"number": pa.array([number, 9]).cast(pa.decimal128(38, 2)), "ratio": [0.5, None]}
        pq.write_table(pa.table(columns), tmp_path / "in" / folder / "rows.parquet")
    batch(root, "score", tmp_path / "in", tmp_path / "out", "--workers", 1)
    same = pd.DataFrame(
        {"number": [8, 9, 7, 9], "name": [None, None, "a b", "a b"], "ratio": [0.5, None] * 2}
    )
    assert [row["prediction"] for row in answers(tmp_path / "out")] == pytest.approx([*weigh(same)])


def test_a_decimal_with_a_fraction_is_rejected_alone(root: Path, tmp_path: Path) -> None:
    numbers = pa.array(["1.00", "1.50", "3.00"]).cast(pa.decimal128(38, 2))
    pq.write_table(
        pa.table({"number": numbers, "name": ["a"] * 3, "ratio": [0.5] * 3}), tmp_path / "a.parquet"
    )
    batch(root, "score", tmp_path / "a.parquet", tmp_path / "out", "--workers", 1, status=3)
    assert [row["row"] for row in answers(tmp_path / "out")] == [0, 2]


def test_a_value_that_a_database_cannot_read_is_one_message(root: Path, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "rows.db") as connection:
        connection.execute("CREATE TABLE things (id INTEGER PRIMARY KEY, number DATE, name TEXT, ratio REAL)")
        connection.execute("INSERT INTO things VALUES (1, 'no date', 'a', 1)")
    url = f"sqlite:///{tmp_path}/rows.db#things"
    ended = batch(root, "score", url, tmp_path / "out", "--keep", "id", "--workers", 1, status=1)
    assert f"{url} cannot be read: Invalid isoformat string" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_share_of_another_input_is_refused(root: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        SAMPLE.to_parquet(tmp_path / f"{name}.parquet", index=False)
    out = tmp_path / "out"
    batch(root, "score", tmp_path / "a.parquet", out, "--workers", 1, "--share", "0/2")
    ended = batch(root, "score", tmp_path / "b.parquet", out, "--workers", 1, "--share", "1/2", status=1)
    assert ended.stderr.startswith(f"{out} has answers of another run: the input has changed")


def test_an_empty_cell_in_quotes_is_missing_where_no_text_is_expected(root: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text('"number","name","ratio"\n"1","","0.5"\n"2","b",""\n"","c","1"\n')
    ended = batch(root, "score", tmp_path / "rows.csv", tmp_path / "out", "--workers", 1, status=3)
    assert "2 rows scored, 1 rejected" in ended.stdout
    same = pd.DataFrame({"number": [1, 2], "name": ["", "b"], "ratio": [0.5, None]})
    assert [row["prediction"] for row in answers(tmp_path / "out")] == pytest.approx([*weigh(same)])


def test_the_advice_to_keep_columns_can_be_typed(root: Path, tmp_path: Path) -> None:
    frame = SAMPLE.assign(prediction=[7, 8, 9], row=[1, 2, 3], id=["x", "y", "z"])
    frame.to_parquet(tmp_path / "rows.parquet", index=False)
    command = ["score", tmp_path / "rows.parquet", tmp_path / "out", "--workers", 1]
    advice = batch(root, *command, status=1).stderr.rpartition("Keep them in the output: ")[2].split()
    assert advice == ["--keep", "prediction,row,id"]
    batch(root, *command, *advice)
    found = answers(tmp_path / "out")
    assert [(row["input_prediction"], row["input_row"], row["id"]) for row in found] == [
        (7, 1, "x"),
        (8, 2, "y"),
        (9, 3, "z"),
    ]
    assert [row["prediction"] for row in found] == pytest.approx([*weigh(SAMPLE)])


def test_an_output_that_cannot_be_written_is_one_message(root: Path, tmp_path: Path) -> None:
    SAMPLE.to_parquet(tmp_path / "rows.parquet", index=False)
    for out, message in (
        (tmp_path / "rows.parquet", f"{tmp_path}/rows.parquet is a file. Name a folder."),
        (tmp_path / "rows.parquet" / "out", f"{tmp_path}/rows.parquet/out cannot be written: "),
        ("/proc/out", "/proc/out cannot be written: "),
    ):
        ended = batch(root, "score", tmp_path / "rows.parquet", out, "--workers", 1, status=1)
        assert ended.stderr.startswith(message)
        assert "Traceback" not in ended.stderr


def test_a_second_run_in_one_folder_is_refused(root: Path, tmp_path: Path) -> None:
    SAMPLE.to_parquet(tmp_path / "rows.parquet", index=False)
    out = tmp_path / "out"
    out.mkdir()
    folder = os.open(out, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        ended = batch(root, "score", tmp_path / "rows.parquet", out, "--workers", 1, status=1)
    finally:
        os.close(folder)
    assert ended.stderr == f"Another run writes to {out}. Wait until it has ended, or end it.\n"
    batch(root, "score", tmp_path / "rows.parquet", out, "--workers", 1)


@pytest.mark.slow
def test_a_worker_that_is_killed_ends_the_run_with_a_message(root: Path, tmp_path: Path) -> None:
    pd.concat([SAMPLE] * 40_000).to_parquet(tmp_path / "rows.parquet", row_group_size=400, index=False)
    out = tmp_path / "out"
    arguments = ["score", tmp_path / "rows.parquet", out, "--workers", 2, "--part-rows", 400]
    command = [sys.executable, "-m", "batch", *map(str, arguments)]
    with subprocess.Popen(command, cwd=root, env=environment(), stderr=subprocess.PIPE, text=True) as process:
        while not list(out.glob("answers/part-*")):
            assert process.poll() is None
            time.sleep(0.01)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        workers = [pid for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        os.kill(int(workers[0]), signal.SIGKILL)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert errors.startswith("A worker process ended (killed by SIGKILL), perhaps for want of memory.\n")
    assert "Traceback" not in errors
    batch(root, *arguments)
    assert len(answers(out)) == 120_000
