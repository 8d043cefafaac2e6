"""A database of an earlier version is brought up to the present tables, and nothing in it is lost."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import sqlalchemy
from alembic import command
from alembic.config import Config

import scaffold
from scaffold.store import Reference, open_store
from scaffold.store._open import _MIGRATIONS
from tests.store._postgres import Database
from tests.store.test_store import MODEL, RUNNING


def make_first(url: str) -> None:
    """Make a database as version 0.1 did, with two models and two deployments."""
    engine = sqlalchemy.create_engine(url)
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    metadata = sqlalchemy.MetaData()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        metadata.reflect(connection)
        known = ("name", "version", "sha256", "location", "by", "at")
        row = {name: getattr(MODEL, name) for name in known}
        models = metadata.tables["models"]
        connection.execute(models.insert(), [row, row | {"version": "1.1.0", "sha256": "cd" * 32}])
        row = dataclasses.asdict(RUNNING)
        row |= row.pop("release")
        row = {
            column.name: row[column.name] for column in metadata.tables["deployments"].c if column.name in row
        }
        deployments = metadata.tables["deployments"]
        connection.execute(deployments.insert(), [row | {"action": "deploy"}, row | {"action": "rollback"}])
    engine.dispose()


def assert_nothing_is_lost(url: str) -> None:
    store = open_store(url)
    assert store.find_model(Reference(name="titanic", version="1.0.0")) == MODEL
    assert store.find_model(Reference(name="titanic")).sha256 == "cd" * 32
    assert [entry.action for entry in store.history("titanic")] == ["rollback", "deploy"]
    assert store.history("titanic")[0].deployment == RUNNING
    assert store.runs("titanic") == ()
    entry = scaffold.register(abs, "titanic", input=[1.0], version="1.2.0", alias="staging", store=url)
    assert store.find_model(Reference(name="titanic", alias="staging")) == entry
    assert [each.version for each in store.models("titanic")] == ["1.2.0", "1.1.0", "1.0.0"]
    scaffold.alias("titanic/1.0.0", "staging", store=url)
    assert store.find_model(Reference(name="titanic", alias="staging")).sha256 == MODEL.sha256
    store.close()


def test_a_database_of_the_first_version_is_migrated(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    make_first(url)
    assert_nothing_is_lost(url)


def test_a_postgresql_of_the_first_version_is_migrated(
    postgres: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCAFFOLD_STORE_FILES", str(tmp_path / "files"))
    url = postgres.create("migrated")
    make_first(url)
    assert_nothing_is_lost(url)
