"""The record of models and deployments cannot be read or written."""

from __future__ import annotations

from scaffold.errors.base import ScaffoldError
from scaffold.errors.wording import invocation, option, shell_line


class StoreError(ScaffoldError):
    """The record of models and deployments cannot be read or written."""


class NoModelToRegisterError(StoreError):
    """There is no file to register as a model."""

    source: str

    def __str__(self) -> str:
        return f"There is no model to register: {self.source}"


class UnknownModelError(StoreError):
    """The store has no model of that name and version; no version where the last one is wanted."""

    name: str
    version: str = ""

    def __str__(self) -> str:
        named = f"'{self.name}' {self.version}".rstrip()
        command = invocation("register", "PATH", name=self.name or "NAME", version=self.version or "1.0.0")
        return f"The store has no model {named}.\n  {command}"


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
    """Another model is registered under that name and version.

    Args:
        name: The name.
        version: The version.
        registered: The sha256 of the model that has them; empty where it is gone again.
        sha256: That of the model to register.
    """

    name: str
    version: str
    registered: str
    sha256: str

    def __str__(self) -> str:
        return (
            f"The store has another {self.name} {self.version}.\n"
            f"  there: {self.registered[:12] or '?'}, given: {self.sha256[:12]}\n"
            f"A version never changes what it names: raise it with {option('version')}."
        )


class StoreUrlError(StoreError):
    """A variable holds no URL of a database."""

    variable: str

    def __str__(self) -> str:
        return f"{self.variable} is no database URL.\n  as in: postgresql+psycopg://user:password@host/name"


class MissingDriverError(StoreError):
    """The driver of a database is not installed."""

    driver: str
    module: str

    def __str__(self) -> str:
        return (
            f"The driver for {self.driver} is not installed: the module '{self.module}'.\n"
            f"  {shell_line('pip', 'install', self.module)}"
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
