"""What the store keeps: models, the runs that trained them, and deployments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from scaffold.spec import Deployment, JSONValue

IN_FILES = "files:"
"""Begins the location of a model that lies in the store's folder of files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A registered training: its inputs and its metrics."""

    id: int | str = 0
    """The store's number of it, or MLflow's id; 0 before it is written."""
    name: str
    """That of its model."""
    params: Mapping[str, JSONValue] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    data: Mapping[str, JSONValue] = field(default_factory=dict)
    """The training data: its `sha256`, `rows` and `columns`, without values."""
    confusion_matrix: Mapping[str, JSONValue] = field(default_factory=dict)
    """`classes`, and for each true class a row of `counts`, one for each predicted class."""
    git_revision: str = ""
    python: str = ""
    requirements: tuple[str, ...] = ()
    """The libraries that the model was trained with: `scikit-learn==1.9.1`."""
    by: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model that was registered under a name and a version."""

    name: str
    version: str
    """Empty for the next whole number, before it is written."""
    sha256: str
    """Empty for a model of MLflow, which keeps none."""
    location: str
    """The path or URL of its file; `files:NAME` for a file in the store's folder; the source of MLflow."""
    by: str
    at: str
    input: str = ""
    """The input sample: a name in the folder of files; empty if there is none."""
    output: str = ""
    """The predictions for that sample: a name in the folder of files; empty if there are none."""
    run: Run | None = None
    """None for a model of version 0.1 of this package."""
    aliases: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """The name of its file in the folder of files; empty where it lies elsewhere."""
        return self.location.removeprefix(IN_FILES) if self.location.startswith(IN_FILES) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of the history: the action and its deployment."""

    action: str
    """`deploy`, `rollback`, `promote` or `undeploy`."""
    deployment: Deployment


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What names a registered model: `titanic`, `titanic/1.2.0` or `titanic@staging`."""

    name: str
    version: str = ""
    alias: str = ""

    def __str__(self) -> str:
        version = f"/{self.version}" if self.version else ""
        return f"{self.name}{version}" + (f"@{self.alias}" if self.alias else "")


def parse_reference(text: str) -> Reference:
    """Parse `titanic`, `titanic/1.2.0` or `titanic@staging`, with or without the prefix `store:`."""
    text = text.removeprefix("store:")
    name, slash, version = text.partition("/")
    if slash:
        return Reference(name=name, version=version)
    name, _, alias = text.partition("@")
    return Reference(name=name, alias=alias)
