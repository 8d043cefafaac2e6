"""The record of models and deployments."""

from __future__ import annotations

import dataclasses
import multiprocessing
import re
from pathlib import Path

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from scaffold.errors import StoreError, StoreUrlError
from scaffold.spec import Deployment, Release
from scaffold.store import Entry, Model, Reference, open_store
from scaffold.store._tables import metadata

RUNNING = Deployment(
    target="staging",
    namespace="titanic-staging",
    name="titanic",
    image="registry.example.org/titanic@sha256:" + "0" * 64,
    url="https://staging.example.org",
    revision=4,
    at="2026-01-02T03:04:05Z",
    live="passed",
    release=Release(model_sha256="ab" * 32, proof="passed", git_revision="c0ffee", by="ada@lab"),
)
MODEL = Model(
    name="titanic", version="1.0.0", sha256="ab" * 32, location="s3://models/titanic.pkl", by="ada", at="2026"
)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/a folder/store.db"


def test_records_come_back_newest_first(url: str) -> None:
    store = open_store(url)
    store.record_deployment(Entry(action="deploy", deployment=RUNNING))
    store.record_deployment(Entry(action="rollback", deployment=dataclasses.replace(RUNNING, revision=5)))
    reopened = open_store(url)
    assert [(entry.action, entry.deployment.revision) for entry in reopened.history("titanic")] == [
        ("rollback", 5),
        ("deploy", 4),
    ]
    assert reopened.history("titanic")[1].deployment == RUNNING
    assert reopened.history("titanic", "production") == ()
    assert reopened.history("other") == ()


def test_a_deployment_of_another_tool_is_recorded_without_a_release(url: str) -> None:
    store = open_store(url)
    foreign = dataclasses.replace(RUNNING, release=None)
    store.record_deployment(Entry(action="undeploy", deployment=foreign))
    assert store.history("titanic")[0].deployment == foreign


def test_a_version_of_a_model_never_changes_what_it_names(url: str) -> None:
    store = open_store(url)
    store.register_model(MODEL)
    store.register_model(MODEL)
    with pytest.raises(StoreError, match=r"The store has another titanic 1\.0\.0"):
        store.register_model(dataclasses.replace(MODEL, sha256="cd" * 32))
    store.register_model(dataclasses.replace(MODEL, version="1.1.0"))
    assert store.find_model(Reference(name="titanic", version="1.0.0")) == MODEL
    latest = store.find_model(Reference(name="titanic"))
    assert latest is not None
    assert latest.version == "1.1.0"
    assert store.find_model(Reference(name="unknown")) is None


def test_the_migrations_create_the_current_tables(url: str) -> None:
    open_store(url).close()
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_store_of_a_newer_version_is_left_alone(url: str) -> None:
    open_store(url).close()
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="written by a newer version"):
        open_store(url)


def test_an_invalid_url_is_an_error_without_the_password() -> None:
    with pytest.raises(StoreError) as none:
        open_store("hunter2 is no url")
    assert "hunter2" not in str(none.value)
    for url in ("ada:hunter2@localhost:port/models", "ada:pass@hunter2@localhost:1/models"):
        with pytest.raises(StoreUrlError) as refused:
            open_store(f"postgresql+psycopg://{url}")
        assert "hunter2" not in str(refused.value)
    with pytest.raises(StoreError) as driver:
        open_store("postgresql+psycopg://ada:hunter2@localhost:1/models")
    assert "hunter2" not in str(driver.value)
    with pytest.raises(StoreError) as query:
        open_store("postgresql+psycopg://localhost:1/models?user=ada&password=hunter2")
    assert "hunter2" not in str(query.value)


@pytest.mark.parametrize(
    ("url", "error", "package"),
    [
        ("postgresql+psycopg://h/d", ImportError("no pq wrapper available."), "'psycopg[binary]'"),
        ("mysql://h/d", ModuleNotFoundError("No module", name="MySQLdb"), "mysqlclient"),
        ("mssql+pyodbc://h/d", ModuleNotFoundError("No module", name="pyodbc"), "pyodbc"),
    ],
)
def test_a_driver_that_is_not_installed_is_named_by_its_package(
    monkeypatch: pytest.MonkeyPatch, url: str, error: ImportError, package: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("sqlalchemy.create_engine", refuse)
    with pytest.raises(StoreError, match=re.escape(f"pip install {package}") + r"\Z"):
        open_store(url)


def test_a_file_that_is_not_a_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(b"not a database at all, but long enough to be read as one" * 20)
    with pytest.raises(StoreError, match=r"store\.db.*not a database"):
        open_store(f"sqlite:///{path}")


def test_the_default_is_a_file_in_the_users_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SCAFFOLD_STORE", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    open_store().register_model(MODEL)
    assert (tmp_path / "model-scaffold" / "store.db").is_file()


def _write(url: str) -> None:
    store = open_store(url)
    for _ in range(5):
        store.record_deployment(Entry(action="deploy", deployment=RUNNING))


def test_several_processes_create_and_write_one_store(url: str) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(url,)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert len(open_store(url).history("titanic")) == 15
