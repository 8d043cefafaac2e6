"""Open the store: its database, brought up to the present tables, and its folder of files."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold.errors import (
    MissingDriverError,
    MissingExtraError,
    NewerStoreError,
    StoreFolderError,
    StoreUrlError,
)
from scaffold.store import _files
from scaffold.store._store import URL_VARIABLE, Store, unusable

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_MLFLOW = "mlflow+"
"""Begins the URL of a store that is MLflow."""
_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 7_315_026_184
"""The number of the lock for migrations, where locks have numbers or names."""


def open_store(url: str | None = None) -> Store:
    """Return the store at `url`, brought up to today's tables.

    Args:
        url: As SQLAlchemy writes it: `sqlite:///path`, `postgresql+psycopg://...`, `mssql+pyodbc://...`. Or
            MLflow: a server, `mlflow+https://...`, or its database, `mlflow+sqlite:///mlflow.db`. Without it
            `$SCAFFOLD_STORE`, else SQLite in the user's data folder.

    Raises:
        MissingExtraError: The `store` extra, or the driver of the database, is not installed.
        StoreError: The database cannot be opened, or is newer than this version.
    """
    store_url = _resolve_url(url)
    if store_url.startswith(_MLFLOW):
        from scaffold.store._mlflow import MlflowStore  # which imports what HTTP needs

        return MlflowStore(store_url.removeprefix(_MLFLOW))
    engine = make_engine(url)
    from sqlalchemy.exc import SQLAlchemyError

    try:
        if table_version(engine) != newest_version():
            _migrate(engine)
    except SQLAlchemyError as error:
        raise unusable(engine.url, error) from error
    folder = os.environ.get(_files.URL_VARIABLE) or str(_default_files(engine.url))
    return Store(engine, _files.Files(folder))


def make_engine(url: str | None = None, *, make_folder: bool = True) -> Engine:
    """Return an engine for the database at `url`; no connection is opened yet.

    Args:
        url: As for `open_store`.
        make_folder: Whether to make the folder of an SQLite file.

    Raises:
        MissingExtraError: The `store` extra is not installed.
        StoreError: The URL is invalid, its driver is not installed, or the folder cannot be made.
    """
    try:
        import sqlalchemy
        from sqlalchemy.exc import ArgumentError
    except ImportError as error:
        raise MissingExtraError("store", error.name or "sqlalchemy") from error
    store_url = _resolve_url(url) or f"sqlite:///{_data_folder() / 'store.db'}"
    try:
        parsed = sqlalchemy.make_url(store_url)
        if "@" in (parsed.host or ""):
            raise StoreUrlError(URL_VARIABLE)  # the host has the end of the password
        connect_args = _connect_args(parsed, make_folder=make_folder)
        return sqlalchemy.create_engine(parsed, connect_args=connect_args)
    except (ArgumentError, ValueError) as error:  # ValueError: the port is no number
        raise StoreUrlError(URL_VARIABLE) from error
    except ImportError as error:
        # psycopg without libpq names no module.
        module = (error.name or parsed.get_driver_name()).partition(".")[0]
        raise MissingDriverError(parsed.drivername, module) from error


def _resolve_url(url: str | None) -> str:
    """Return the URL, else `$SCAFFOLD_STORE`; empty if neither is set."""
    return url or os.environ.get(URL_VARIABLE, "")


def tracking_uri(store: str | None = None) -> str:
    """Return the tracking URI of MLflow, where a store, or `$SCAFFOLD_STORE`, is MLflow; else nothing."""
    store_url = _resolve_url(store)
    return store_url.removeprefix(_MLFLOW) if store_url.startswith(_MLFLOW) else ""


def _data_folder() -> Path:
    """The folder in the user's data folder."""
    if os.name == "nt":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library/Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share")
    return base / "model-scaffold"


def _default_files(url: Any) -> Path:
    """`store-files` beside the SQLite file `store.db`; in the user's data folder for another database."""
    if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
        file = Path(url.database).absolute()
        return file.with_name(f"{file.stem}-files")
    return _data_folder() / "store-files"


def _connect_args(url: Any, *, make_folder: bool) -> dict[str, Any]:
    """SQLite: create the folder if `make_folder`, and wait for other writers."""
    if url.get_backend_name() != "sqlite":
        return {}
    if make_folder and url.database and url.database != ":memory:":
        try:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreFolderError(str(Path(url.database).parent), error.strerror or str(error)) from error
    return {"timeout": 30}


def newest_version() -> str:
    """Return the version of the present tables."""
    return max(path.name for path in (_MIGRATIONS / "versions").glob("*.py")).partition("_")[0]


def table_version(engine: Engine) -> str:
    """Return the version of the tables in a database; empty if it has no tables."""
    import sqlalchemy

    with engine.connect() as connection:
        if not sqlalchemy.inspect(connection).has_table("alembic_version"):
            return ""
        version = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return str(version or "")


def _migrate(engine: Engine) -> None:
    try:
        from alembic import command
        from alembic.config import Config
        from alembic.script import ScriptDirectory
        from alembic.util import CommandError
    except ImportError as error:
        raise MissingExtraError("store", error.name or "alembic") from error
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    with engine.begin() as connection, _lock_tables(connection):
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            head = ScriptDirectory.from_config(config).get_current_head()
            raise NewerStoreError(str(error), str(head)) from error


@contextlib.contextmanager
def _lock_tables(connection: Connection) -> Iterator[None]:
    """Make concurrent first runs wait until one of them has created the tables."""
    match connection.dialect.name:
        case "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        case "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        case "mysql" | "mariadb":  # where a transaction ends with each change of a table
            connection.exec_driver_sql(f"SELECT GET_LOCK('model-scaffold-{_LOCK}', 60)")
            try:
                yield
            finally:
                connection.exec_driver_sql(f"SELECT RELEASE_LOCK('model-scaffold-{_LOCK}')")
            return
    yield
