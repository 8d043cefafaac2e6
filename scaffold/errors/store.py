"""The record of models and deployments cannot be read or written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from scaffold.errors.branches import StoreError
from scaffold.errors.wording import invocation, option, shell_line


class NoModelToRegisterError(StoreError):
    """There is no file to register as a model."""

    source: str

    def __str__(self) -> str:
        return f"There is no model to register: {self.source}"


class UnknownModelError(StoreError):
    """The store has no such model.

    Args:
        name: Its name.
        version: Its version; empty where the last one or an alias is wanted.
        alias: The alias; empty without one.
        near: The nearest aliases, versions or names that the store has.
    """

    name: str
    version: str = ""
    alias: str = ""
    near: Sequence[str] = ()

    def __str__(self) -> str:
        named = f"'{self.name}' {self.version}".rstrip()
        if self.alias:
            named = f"'{self.name}@{self.alias}'"
        version = {"version": self.version} if self.version else {}
        command = invocation("register", "PATH", name=self.name or "NAME", **version)
        if self.alias and self.near:
            command = invocation("alias", f"{self.name}/VERSION", self.alias)
        elif self.version and self.near:
            command = invocation("models", self.name)
        return f"The store has no model {named}{_nearest(self.near)}.\n  {command}"


class UnknownMetricError(StoreError):
    """No model or run has a metric.

    Args:
        metric: Its name.
        near: The nearest that there are.
    """

    metric: str
    near: Sequence[str] = ()

    def __str__(self) -> str:
        return f"No model or run in the store has the metric {self.metric!r}{_nearest(self.near)}."


class UnknownServiceError(StoreError):
    """The store has no deployment of a service.

    Args:
        name: The service.
        near: The nearest services that it has.
    """

    name: str
    near: Sequence[str] = ()

    def __str__(self) -> str:
        return (
            f"{self.name!r} is no folder of a project, and the store has no deployment of such a service"
            f"{_nearest(self.near)}."
        )


class ModelMovedError(StoreError):
    """The file of a registered model has changed, or is gone."""

    name: str
    version: str
    by: str
    at: str
    location: str

    def __str__(self) -> str:
        return (
            f"{self.name} {self.version} is no longer what was registered by {self.by} on {self.at[:10]}.\n"
            f"  looked at: {self.location}\n"
            "Bring that file back, or register what is there now as another version."
        )


class VersionTakenError(StoreError):
    """Another model, or one with another sample, is registered under that name and version.

    Args:
        name: The name.
        version: The version.
        registered: What has them, by its sha256; empty where there is none.
        given: What is to be registered, likewise.
        part: What differs: the model, or the sample of its input or output.
    """

    name: str
    version: str
    registered: str
    given: str
    part: str = "model"

    def __str__(self) -> str:
        if not self.registered:
            conflict = f"{self.name} {self.version} is registered without an {self.part}"
        else:
            other = "" if self.part == "model" else f" with another {self.part}"
            conflict = f"The store has another {self.name} {self.version}{other}"
        return (
            f"{conflict}.\n"
            f"  there: {self.registered[:12] or 'none'}, given: {self.given[:12]}\n"
            f"A version never changes what it names: raise it with {option('version')}."
        )


class StoreBusyError(StoreError):
    """Other writers took every version that was tried."""

    name: str

    def __str__(self) -> str:
        return f"Other writers register {self.name} all the time: no version could be taken. Try again."


class StoreFilesError(StoreError):
    """The folder of files cannot be read or written.

    Args:
        place: The folder or URL, without credentials.
        cause: What failed.
        variable: The environment variable that names another.
    """

    place: str
    cause: str
    variable: str

    def __str__(self) -> str:
        return (
            f"The files of the store cannot be used.\n  {self.place}: {self.cause}\n"
            f"Name the folder or URL that they are in: {self.variable}=s3://bucket/models"
        )


class StoreUrlError(StoreError):
    """A variable holds no URL of a database."""

    variable: str

    def __str__(self) -> str:
        return (
            f"{self.variable} is no database URL.\n  as in: postgresql+psycopg://user:password@host/name"
            "\nWrite %40 for an @ in a password."
        )


_DRIVERS = {"psycopg": "psycopg[binary]", "psycopg2": "psycopg2-binary", "MySQLdb": "mysqlclient"}
"""What to install for a module of another name, or one that needs a library of the system."""


class MissingDriverError(StoreError):
    """The driver of a database is not installed."""

    driver: str
    module: str

    def __str__(self) -> str:
        return (
            f"The driver for {self.driver} is not installed: the module '{self.module}'.\n"
            f"  {shell_line('pip', 'install', _DRIVERS.get(self.module, self.module))}"
        )


class StoreFolderError(StoreError):
    """The folder of the store cannot be made."""

    folder: str
    cause: str

    def __str__(self) -> str:
        return f"{self.folder} cannot be made: {self.cause}."


class NewerStoreError(StoreError):
    """A newer version of this package wrote the store."""

    cause: str
    known: str

    def __str__(self) -> str:
        return (
            f"The store was written by a newer version ({self.cause}; this one knows {self.known}).\n"
            "  pip install --upgrade 'model-scaffold[store]'"
        )


class StoreUnusableError(StoreError):
    """The database refuses a request."""

    database: str
    cause: str
    variable: str

    def __str__(self) -> str:
        return (
            f"The store cannot be used.\n  {self.database}: {self.cause}\n"
            f"Name another database: {self.variable}=sqlite:///path/to/store.db"
        )


class MlflowStoreError(StoreError):
    """The store is MLflow, and does not do what is asked.

    MLflow's own package logs the models that are registered, and opens a database: the form of a model and
    the tables are MLflow's. A server is read without that package. MLflow numbers the versions itself.

    Args:
        place: The server or the database, without credentials.
        problem: What is wrong.
    """

    place: str
    problem: Literal["package", "version", "server"]

    def __str__(self) -> str:
        match self.problem:
            case "package":
                return (
                    f"MLflow's own package is needed for {self.place}, and is not installed here:\n"
                    "  pip install mlflow"
                )
            case "version":
                return (
                    f"MLflow at {self.place} numbers the versions itself. Leave {option('version')} out, or\n"
                    f"let an alias name the version:\n  {option('alias', 'v1.2.0')}"
                )
            case "server":
                return (
                    f"{self.place} is no server and no database of MLflow. Name one:\n"
                    "  export SCAFFOLD_STORE=mlflow+http://localhost:5000\n"
                    "  export SCAFFOLD_STORE=mlflow+sqlite:///mlflow.db"
                )


def _nearest(near: Sequence[str]) -> str:
    return f"; nearest: {', '.join(near)}" if near else ""
