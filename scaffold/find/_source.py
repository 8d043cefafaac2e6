"""What the sources of a model have in common."""

from __future__ import annotations

import functools
import importlib
import os
import re
import tempfile
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from scaffold.base.temporary import TemporaryFolder
from scaffold.errors import ModelNotFetchedError
from scaffold.spec import Origin

_SCHEME = re.compile(r"(store(?=:)|[a-z][a-z0-9+.-]+(?=:/)):")
"""Two letters or more: `C:/model.pkl` is a path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredField:
    """A field of the input as a source describes it."""

    name: str
    type: str = ""
    """A type of MLflow's: `boolean`, `integer`, `long`, `float`, `double`, `string`, `datetime`."""
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What a source says of a model beside its bytes. It is input of somebody else's."""

    input: Path | None = None
    """A file with a sample of the input."""
    output: Path | None = None
    """A file with the predictions of the model for that sample."""
    fields: tuple[DeclaredField, ...] = ()
    """The fields of the input; empty where the source does not say."""
    requirements: tuple[str, ...] = ()
    """Requirements of the model, each a name with a version: no URL, no option."""
    python: str = ""
    """The minor version of Python that made it."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundModel:
    """A model on this machine, and what its source says about it."""

    path: Path
    """The file of the model, or its folder if the model is a folder."""
    provenance: str
    """What the model card says of its origin."""
    origin: Origin | None = None
    """Where an update looks for what is new; None for a path."""
    declared: Declared = field(default_factory=Declared)


class Source(ABC):
    """One kind of place where models are kept."""

    brings_sample = False
    """Whether a model may come with more than its bytes: a sample of its input, requirements."""

    @property
    def server(self) -> str:
        """The server that is asked now, without credentials; empty where the URI itself names it."""
        return ""

    @abstractmethod
    def recognises(self, written: str) -> bool:
        """Whether `written`, what a person typed for the model, names a model of this source."""

    @abstractmethod
    def fetch(self, written: str) -> FoundModel:
        """Return the model that `written` names, downloaded if it is not on this machine.

        Raises:
            ScaffoldError: The source does not give it, or a library that this needs is not installed.
        """

    def follows(self, uri: str) -> bool:  # noqa: ARG002
        """Whether `newer` may fetch a URI from a record, which another author may have written."""
        return True

    def newer(self, origin: Origin) -> str | None:
        """Return what to fetch for a model that is newer than that of `origin`; None if there is none.

        A source that cannot tell without fetching returns `origin.uri`: the caller compares what was fetched.

        Raises:
            ScaffoldError: The source does not answer.
        """
        return origin.uri


def scheme_of(written: str) -> str:
    """Return `s3` of `s3://bucket/model.pkl`, `models` of `models:/churn/3`; empty where there is none."""
    scheme = _SCHEME.match(written)
    return scheme[1] if scheme else ""


def local_path(written: str) -> Path:
    """Return the path that a person typed, with or without `file://`."""
    return Path(os.path.expanduser(written.removeprefix("file://")))  # noqa: PTH111 - `~nobody` stays as it is


def imported(module: str, source: str, packages: str) -> ModuleType:
    """Import a module of a library that is not among our requirements.

    Args:
        module: The module.
        source: What a person typed for the model.
        packages: What to install where the module is missing.

    Raises:
        ModelNotFetchedError: It is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        name = module.partition(".")[0]
        raise ModelNotFetchedError(source, f"{name} is not installed", f"pip install {packages}") from error


def download_folder() -> Path:
    """Create and return a folder for one download; the folder is deleted when this process ends."""
    return Path(tempfile.mkdtemp(dir=_downloads().name))


@functools.cache
def _downloads() -> TemporaryFolder:
    """The folder of all downloads."""
    return TemporaryFolder("model")


def line_of(error: Exception, index: int = 0) -> str:
    """Return one line of an error's message; the name of its class where it has no message."""
    lines = str(error).strip().splitlines()
    return lines[index] if lines else type(error).__name__
