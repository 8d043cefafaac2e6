"""Answers in a table of a database: whole parts, none twice, whatever ends a run."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from tests.batch._kill import kill_again_and_again
from tests.batch._models import weigh
from tests.batch._project import batch, make_project
from tests.store._postgres import Database, started_postgres

SAMPLE = pd.DataFrame({"number": [1, 2, 3], "name": ["a", None, "c"], "ratio": [0.5, None, 1.5]})


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_project(tmp_path_factory.mktemp("tables") / "rows", weigh, SAMPLE)


@pytest.fixture(scope="module")
def postgres() -> Iterator[Database]:
    with started_postgres() as database:
        yield database


def rows(url: str, table: str, order: str = "row") -> list[dict[str, Any]]:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        found = connection.execute(sa.text(f'SELECT * FROM {table} ORDER BY "{order}"')).mappings()
        result = [dict(row) for row in found]
    engine.dispose()
    return result


def test_answers_go_into_a_table_and_rejected_rows_beside_it(root: Path, tmp_path: Path) -> None:
    path, url = tmp_path / "rows.csv", f"sqlite:///{tmp_path}/out.db"
    path.write_text("id,number,name,ratio,prediction\na,1,x,0.5,9\nb,x,,1,9\nc,3,,inf,9\nd,4,,,9\n")
    command = ["score", path, f"{url}#scored", "--keep", "id,prediction", "--workers", 1]
    ended = batch(root, *command, status=3)
    assert "2 rows scored, 2 rejected" in ended.stdout
    assert ended.stdout.endswith("The rejected rows and their reasons: the table scored_rejected\n")
    scored = rows(url, "scored")
    assert [(row["row"], row["id"], row["input_prediction"]) for row in scored] == [
        (0, "a", "9"),
        (3, "d", "9"),
    ]
    frame = pd.DataFrame({"number": [1, 4], "name": ["x", None], "ratio": [0.5, None]})
    assert [row["prediction"] for row in scored] == pytest.approx([*weigh(frame)])
    assert [(row["row"], row["field"]) for row in rows(url, "scored_rejected")] == [
        (1, "number"),
        (2, "ratio"),
    ]
    again = batch(root, *command, status=3)
    assert "nothing was left to do" in again.stdout
    assert rows(url, "scored") == scored
    with sqlite3.connect(tmp_path / "out.db") as connection:
        connection.execute("DROP TABLE scored")
    gone = batch(root, *command, status=1).stderr
    assert gone.endswith("says that parts of it are done. Drop scored_parts and scored_run too.\n")


def test_tables_of_another_run_or_of_somebody_else_are_refused(root: Path, tmp_path: Path) -> None:
    path, url = tmp_path / "rows.parquet", f"sqlite:///{tmp_path}/out.db"
    SAMPLE.to_parquet(path, index=False)
    batch(root, "score", path, f"{url}#scored", "--workers", 1)
    pd.concat([SAMPLE, SAMPLE]).to_parquet(path, index=False)
    ended = batch(root, "score", path, f"{url}#scored", "--workers", 1, status=1)
    assert ended.stderr.startswith(f"{url}#scored has answers of another run: the input has changed: {path}.")
    with sqlite3.connect(tmp_path / "out.db") as connection:
        connection.execute("CREATE TABLE mine (a)")
        connection.execute("INSERT INTO mine VALUES (1)")
        connection.execute("CREATE TABLE other (id INTEGER PRIMARY KEY)")
    for table, message in (
        ("mine", "the table mine has rows, and there is no note of a run. Name another table."),
        ("other", "has no column row, prediction."),
    ):
        ended = batch(root, "score", path, f"{url}#{table}", "--workers", 1, status=1)
        assert message in ended.stderr
    for out, message in (
        ("mysql+nothing://a/b#c", "The database cannot be opened: "),
        (f"sqlite:///{tmp_path}/no/out.db#scored", "cannot be read: unable to open database file"),
    ):
        ended = batch(root, "score", path, out, "--workers", 1, status=1)
        assert message in ended.stderr
        assert "Traceback" not in ended.stderr


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_run_from_table_to_table_that_is_killed_loses_no_row_and_doubles_none(
    kind: str, root: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/rows.db"
    if kind == "postgresql":
        url = request.getfixturevalue("postgres").create("killed")
    many = pd.DataFrame({"id": range(15_000), "number": range(15_000)})
    many["name"] = [None if number % 7 == 0 else f"n{number}" for number in many["id"]]
    many["ratio"] = many["id"] / 7
    many.loc[many["id"] % 997 == 0, "number"] = None
    engine = sa.create_engine(url)
    columns = [("number", sa.Integer), ("name", sa.Text), ("ratio", sa.Float)]
    table = sa.Table("things", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True))
    for name, type_ in columns:
        table.append_column(sa.Column(name, type_))
    table.create(engine)
    with engine.begin() as connection:
        records: Any = many.astype(object).where(many.notna(), None).to_dict("records")
        connection.execute(sa.insert(table), records)
    engine.dispose()
    options = ["--part-rows", "100", "--workers", "2", "--keep", "id"]
    batch(root, "score", f"{url}#things", f"{url}#calm", *options, status=3)
    arguments = ["score", f"{url}#things", f"{url}#killed", *options]
    kills = kill_again_and_again(root, arguments, lambda: done(url, "killed_parts"), times=2)
    assert kills >= 1
    batch(root, *arguments, status=3)
    assert rows(url, "killed") == rows(url, "calm")
    assert rows(url, "killed_rejected") == rows(url, "calm_rejected")
    assert len(rows(url, "killed")) + len(rows(url, "killed_rejected")) == 15_000


def done(url: str, table: str) -> int:
    engine = sa.create_engine(url)
    try:
        with engine.connect() as connection:
            return int(connection.scalar(sa.text(f"SELECT count(*) FROM {table}")) or 0)
    except sa.exc.SQLAlchemyError:
        return 0
    finally:
        engine.dispose()


@pytest.mark.slow
def test_values_of_postgres_come_through(root: Path, tmp_path: Path, postgres: Database) -> None:
    url = postgres.create("kinds")
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE SCHEMA own;"
            "CREATE TABLE own.things (key uuid PRIMARY KEY, number numeric(12, 2), name varchar(9),"
            " ratio real, at timestamptz, day date, tags text[], more jsonb, place inet, flag boolean,"
            " price numeric)"
        )
        connection.exec_driver_sql(
            "INSERT INTO own.things SELECT md5(n::text)::uuid, n, 'n' || n, n / 8.0, '2026-01-31 12:00+01',"
            " '2026-01-31', ARRAY['a', 'b'], '{\"a\": [1, null]}', '10.0.0.1', mod(n, 2) = 0, n / 4.0"
            " FROM generate_series(1, 100) AS n"
        )
    engine.dispose()
    keep = "key,at,day,tags,more,place,flag,price"
    out = f"{url}#own.scored"
    options = ["--keep", keep, "--workers", 2, "--part-rows", 30]
    batch(root, "score", f"{url}#own.things", out, *options)
    found = rows(url, "own.scored", "price")
    assert [float(row["price"]) for row in found] == [n / 4 for n in range(1, 101)]
    assert {str(row["at"].astimezone(None).timestamp()) for row in found} == {"1769857200.0"}
    assert json.loads(found[0]["more"]) == {"a": [1, None]}
    assert json.loads(found[0]["tags"]) == ["a", "b"]
    assert (found[0]["place"], found[0]["flag"], str(found[0]["day"])) == ("10.0.0.1", False, "2026-01-31")
    frame = pd.DataFrame({"number": [*range(1, 101)]})
    frame["name"] = [f"n{n}" for n in frame["number"]]
    frame["ratio"] = frame["number"] / 8
    assert [row["prediction"] for row in found] == pytest.approx([*weigh(frame)])
    ended = batch(root, "score", f"{url}#own.scored", f"{url}#again", "--keep", "prediction", status=1)
    assert "The input lacks columns that the model takes: name, number, ratio." in ended.stderr
    wrong = url.replace(str(postgres.socket), "/nowhere").replace("postgres@", "postgres:secret@")
    ended = batch(root, "score", f"{url}#own.things", f"{wrong}#scored", *options, status=1)
    assert "#scored cannot be read: connection" in ended.stderr
    assert "secret" not in ended.stderr
