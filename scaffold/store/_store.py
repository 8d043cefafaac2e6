"""The store: a table of models and a table of deployments."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold.errors import (
    MissingDriverError,
    MissingExtraError,
    NewerStoreError,
    StoreError,
    StoreFolderError,
    StoreUnusableError,
    StoreUrlError,
    VersionTakenError,
)
from scaffold.spec import Deployment, Release

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

URL_VARIABLE = "SCAFFOLD_STORE"
_MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model that was registered under a name and a version."""

    name: str
    version: str
    sha256: str
    location: str
    """The path or URL of its file."""
    by: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the history: what was done, and what ran then."""

    action: str
    """`deploy`, `rollback`, `promote` or `undeploy`."""
    deployment: Deployment


class Store:
    """The record of models and deployments in one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def record_deployment(self, entry: Entry) -> None:
        """Add one line to the history."""
        from scaffold.store._tables import deployments

        row = asdict(entry.deployment)
        row |= row.pop("release") or asdict(Release(model_sha256="", proof=""))
        for field in ("replicas", "wanted", "unready"):  # of the moment
            del row[field]
        with self._connection() as connection:
            connection.execute(deployments.insert().values(action=entry.action, **row))

    def history(self, name: str, target: str | None = None, *, limit: int = 50) -> tuple[Entry, ...]:
        """Return what was done with the service `name`, the newest first.

        Args:
            name: The service.
            target: The target; all targets when it is None.
            limit: How many entries at most.
        """
        from scaffold.store._tables import deployments

        query = deployments.select().where(deployments.c.name == name)
        if target is not None:
            query = query.where(deployments.c.target == target)
        with self._connection() as connection:
            rows = connection.execute(query.order_by(deployments.c.id.desc()).limit(limit)).mappings().all()
        return tuple(_entry(dict(row)) for row in rows)

    def register_model(self, model: Model) -> None:
        """Add a model.

        Raises:
            StoreError: Another model has this name and version.
        """
        from sqlalchemy.exc import IntegrityError

        from scaffold.store._tables import models

        try:
            with self._connection() as connection:
                connection.execute(models.insert().values(**asdict(model)))
        except IntegrityError as error:
            there = self.find_model(model.name, model.version)
            if there is not None and there.sha256 == model.sha256:
                return
            raise VersionTakenError(
                model.name, model.version, there.sha256 if there else "", model.sha256
            ) from error

    def find_model(self, name: str, version: str | None = None) -> Model | None:
        """Return a model by name and version, the one that was registered last without a version."""
        from scaffold.store._tables import models

        query = models.select().where(models.c.name == name).order_by(models.c.id.desc())
        if version is not None:
            query = query.where(models.c.version == version)
        with self._connection() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else Model(**{key: value for key, value in row.items() if key != "id"})

    def close(self) -> None:
        """Close the database."""
        self._engine.dispose()

    @contextlib.contextmanager
    def _connection(self) -> Iterator[Connection]:
        from sqlalchemy.exc import IntegrityError, SQLAlchemyError

        try:
            with self._engine.begin() as connection:
                yield connection
        except IntegrityError:
            raise
        except SQLAlchemyError as error:
            raise _unusable(self._engine.url, error) from error


def open_store(url: str | None = None) -> Store:
    """Return the store at `url`, brought up to today's tables.

    Args:
        url: As SQLAlchemy writes it: `sqlite:///path`, `postgresql+psycopg://...`, `mssql+pyodbc://...`.
            Without it `$SCAFFOLD_STORE`, else SQLite in the user's data folder.

    Raises:
        MissingExtraError: The `store` extra, or the driver of the database, is not installed.
        StoreError: The database cannot be opened, or is newer than this version.
    """
    try:
        import alembic  # noqa: F401
        import sqlalchemy
        from sqlalchemy.exc import ArgumentError, SQLAlchemyError
    except ImportError as error:
        raise MissingExtraError("store", error.name or "sqlalchemy") from error
    given = url or os.environ.get(URL_VARIABLE) or default_url()
    try:
        parsed = sqlalchemy.make_url(given)
        engine = sqlalchemy.create_engine(parsed, connect_args=_connect_args(parsed))
    except ArgumentError as error:
        raise StoreUrlError(URL_VARIABLE) from error
    except ImportError as error:
        raise MissingDriverError(parsed.drivername, error.name or "") from error
    try:
        _migrate(engine)
    except SQLAlchemyError as error:
        raise _unusable(parsed, error) from error
    return Store(engine)


def default_url() -> str:
    """Return the URL of the SQLite file in the user's data folder."""
    if os.name == "nt":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library/Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share")
    return f"sqlite:///{base / 'model-scaffold' / 'store.db'}"


def _connect_args(url: Any) -> dict[str, Any]:
    """SQLite: make the folder, and wait for whoever is writing."""
    if url.get_backend_name() != "sqlite":
        return {}
    if url.database and url.database != ":memory:":
        try:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreFolderError(str(Path(url.database).parent), error.strerror or str(error)) from error
    return {"timeout": 30}


def _migrate(engine: Engine) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    with engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            # Of two first runs at the same time, the second waits here and finds the tables.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            head = ScriptDirectory.from_config(config).get_current_head()
            raise NewerStoreError(str(error), str(head)) from error


def _entry(row: dict[str, Any]) -> Entry:
    del row["id"]
    action = row.pop("action")
    names = ("model_sha256", "proof", "git_revision", "by", "approved_by", "reason")
    release = {name: row.pop(name) for name in names}
    known = Release(**release) if release["model_sha256"] else None
    return Entry(action=action, deployment=Deployment(**row, release=known))


def _unusable(url: Any, error: Exception) -> StoreError:
    shown = url.render_as_string(hide_password=True)
    detail = str(getattr(error, "orig", None) or error).splitlines()[0]
    return StoreUnusableError(shown, detail, URL_VARIABLE)
