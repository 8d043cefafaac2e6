"""The store: tables of models, runs, aliases and deployments, and a folder of files."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from scaffold.base.nearest import nearest
from scaffold.errors import (
    StoreBusyError,
    StoreError,
    StoreUnusableError,
    UnknownModelError,
    VersionTakenError,
)
from scaffold.store._rows import entry_of, row_of, row_of_entry, run_of
from scaffold.store._values import Entry, Model, Reference, Run

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Engine, Table

    from scaffold.store._files import Files

URL_VARIABLE = "SCAFFOLD_STORE"
_MOST_TRIES = 1000
"""How often a version is tried again that another writer took first."""


class Store:
    """The record of models, runs and deployments in one database, with a folder of files."""

    def __init__(self, engine: Engine, files: Files) -> None:
        self._engine = engine
        self.files = files

    def record_deployment(self, entry: Entry) -> None:
        """Add one line to the history."""
        from scaffold.store._tables import deployments

        with self._connection() as connection:
            connection.execute(deployments.insert().values(**row_of_entry(entry)))

    def history(
        self, name: str | None = None, target: str | None = None, *, limit: int = 50
    ) -> tuple[Entry, ...]:
        """Return the history of the service `name`, the newest entry first.

        Args:
            name: The service; all services when it is None.
            target: The target; all targets when it is None.
            limit: How many entries at most.
        """
        from scaffold.store._tables import deployments

        query = deployments.select()
        if name is not None:
            query = query.where(deployments.c.name == name)
        if target is not None:
            query = query.where(deployments.c.target == target)
        with self._connection() as connection:
            rows = connection.execute(query.order_by(deployments.c.id.desc()).limit(limit)).mappings().all()
        return tuple(entry_of(dict(row)) for row in rows)

    def services(self) -> tuple[str, ...]:
        """Return the names of the services in the history."""
        from sqlalchemy import select

        from scaffold.store._tables import deployments

        with self._connection() as connection:
            return tuple(connection.scalars(select(deployments.c.name).distinct()))

    def register_model(self, model: Model) -> Model:
        """Add a model with its run and its aliases; return it as it is in the store.

        Without a version it gets the next whole number. A version that is there already stays as it is: only
        the run is added, and the aliases move to it.

        Raises:
            VersionTakenError: The version is there with another model or sample.
        """
        from sqlalchemy.exc import IntegrityError

        for _ in range(_MOST_TRIES):
            is_new = self.require_free(model)
            version = model.version or self._next_version(model.name)
            with contextlib.suppress(IntegrityError), self._connection() as connection:
                model_id = _write(connection, replace(model, version=version), is_new)
                for alias in model.aliases:
                    _point(connection, alias, model, model_id)
                break
        else:
            raise StoreBusyError(model.name)
        return self.require_model(Reference(name=model.name, version=version))

    def require_free(self, model: Model) -> bool:
        """Return whether the version is still free; the same model may be registered under it.

        Raises:
            VersionTakenError: The version is registered with another model or sample.
        """
        existing = (
            self.find_model(Reference(name=model.name, version=model.version)) if model.version else None
        )
        if existing is not None:
            _require_same(existing, model)
        return existing is None

    def move_alias(self, alias: str, model: Model) -> None:
        """Move an alias of the model's name to this version; `model.by` and `model.at` say who and when."""
        from sqlalchemy.exc import IntegrityError

        for _ in range(_MOST_TRIES):
            with contextlib.suppress(IntegrityError), self._connection() as connection:
                _point(connection, alias, model, _id_of(connection, model))
                return
        raise StoreBusyError(model.name)

    def find_model(self, reference: Reference) -> Model | None:
        """Return a model: the one that was registered last without a version or an alias."""
        from sqlalchemy import func, select

        from scaffold.store._tables import aliases, models

        name = reference.name
        wanted: ColumnElement[bool]
        if reference.version:
            wanted = (models.c.name == name) & (models.c.version == reference.version)
        elif reference.alias:
            of_alias = select(aliases.c.model_id).where(
                aliases.c.name == name, aliases.c.alias == reference.alias
            )
            wanted = models.c.id == of_alias.scalar_subquery()
        else:
            last = select(func.max(models.c.id)).where(models.c.name == name)
            wanted = models.c.id == last.scalar_subquery()
        return next(iter(self._models(wanted)), None)

    def require_model(self, reference: Reference) -> Model:
        """Return a model, as `find_model`.

        Raises:
            UnknownModelError: The model does not exist; the error has the nearest names.
        """
        model = self.find_model(reference)
        if model is not None:
            return model
        name, versions = reference.name, self.models(reference.name)
        if not versions:
            raise UnknownModelError(name, near=tuple(nearest(name, [each.name for each in self.models()])))
        if reference.alias:
            wanted, candidates = reference.alias, [alias for each in versions for alias in each.aliases]
        else:
            wanted, candidates = reference.version, [each.version for each in versions]
        raise UnknownModelError(name, reference.version, reference.alias, tuple(nearest(wanted, candidates)))

    def models(self, name: str | None = None) -> tuple[Model, ...]:
        """Return the versions of a model, the newest first; without a name, the last version of each."""
        from sqlalchemy import func, select

        from scaffold.store._tables import models

        if name is not None:
            return self._models(models.c.name == name)
        last = select(func.max(models.c.id)).group_by(models.c.name)
        return self._models(models.c.id.in_(last))

    def runs(self, name: str) -> tuple[Run, ...]:
        """Return the runs of a model, the newest first."""
        from scaffold.store._tables import runs

        query = runs.select().where(runs.c.name == name).order_by(runs.c.id.desc())
        with self._connection() as connection:
            return tuple(run_of(dict(row)) for row in connection.execute(query).mappings())

    def close(self) -> None:
        """Close the database."""
        self._engine.dispose()

    def _models(self, wanted: ColumnElement[bool]) -> tuple[Model, ...]:
        from sqlalchemy import select

        from scaffold.store._tables import aliases, models, runs

        of_runs = select(runs).join(models, models.c.run_id == runs.c.id).where(wanted)
        of_aliases = select(aliases).join(models, models.c.id == aliases.c.model_id).where(wanted)
        with self._connection() as connection:
            rows = connection.execute(models.select().where(wanted).order_by(models.c.id.desc())).mappings()
            model_rows = [dict(row) for row in rows]
            trained = {row["id"]: run_of(dict(row)) for row in connection.execute(of_runs).mappings()}
            named = [(row["model_id"], row["alias"]) for row in connection.execute(of_aliases).mappings()]
        return tuple(
            Model(
                **row,
                run=trained.get(run_id),
                aliases=tuple(sorted(alias for model_id, alias in named if model_id == id_)),
            )
            for row in model_rows
            for id_, run_id in [(row.pop("id"), row.pop("run_id"))]
        )

    def _next_version(self, name: str) -> str:
        """The next whole number of the versions that are one."""
        from sqlalchemy import select

        from scaffold.store._tables import models

        with self._connection() as connection:
            versions = connection.scalars(select(models.c.version).where(models.c.name == name)).all()
        numbers = [int(each) for each in versions if each.isascii() and each.isdigit() and len(each) <= 18]
        return str(max(numbers, default=0) + 1)

    @contextlib.contextmanager
    def _connection(self) -> Iterator[Connection]:
        from sqlalchemy.exc import IntegrityError, SQLAlchemyError

        try:
            with self._engine.begin() as connection:
                yield connection
        except IntegrityError:
            raise
        except SQLAlchemyError as error:
            raise unusable(self._engine.url, error) from error


def unusable(url: Any, error: Exception) -> StoreError:
    """Return the error of the store for an error of SQLAlchemy; `url` is SQLAlchemy's."""
    shown = url.set(query={}).render_as_string(hide_password=True)  # a password may stand in the query too
    lines = str(getattr(error, "orig", None) or error).splitlines() or [type(error).__name__]
    return StoreUnusableError(shown, lines[0], URL_VARIABLE)


def _require_same(registered: Model, model: Model) -> None:
    """Refuse another model, or another sample, under a registered version."""
    pairs = [("model", registered.sha256, model.sha256)]
    # Without a new sample the registered sample is kept.
    pairs += [("input", registered.input, model.input)] if model.input else []
    pairs += [("output", registered.output, model.output)] if model.output else []
    for part, expected, actual in pairs:
        if expected != actual:
            raise VersionTakenError(model.name, model.version, expected, actual, part)


def _write(connection: Connection, model: Model, is_new: bool) -> int:
    """Write the run of a model, and the model if it is new; return the model's id."""
    from scaffold.store._tables import models, runs

    run_id = None
    if model.run is not None:
        run_id = _insert(connection, runs, row_of(model.run))
    if not is_new:
        return _id_of(connection, model)
    row = asdict(model)
    del row["run"], row["aliases"]
    return _insert(connection, models, {**row, "run_id": run_id})


def _insert(connection: Connection, table: Table, row: Mapping[str, Any]) -> int:
    """Add a row, and return its id."""
    key = connection.execute(table.insert().values(**row)).inserted_primary_key
    assert key is not None
    return int(key[0])


def _id_of(connection: Connection, model: Model) -> int:
    from sqlalchemy import select

    from scaffold.store._tables import models

    query = select(models.c.id).where(models.c.name == model.name, models.c.version == model.version)
    return int(connection.scalars(query).one())


def _point(connection: Connection, alias: str, model: Model, model_id: int) -> None:
    """Make an alias stand for the model with this id."""
    from scaffold.store._tables import aliases

    row = {"model_id": model_id, "by": model.by, "at": model.at}
    where = (aliases.c.name == model.name, aliases.c.alias == alias)
    if not connection.execute(aliases.update().where(*where).values(**row)).rowcount:
        connection.execute(aliases.insert().values(name=model.name, alias=alias, **row))
