"""The trace: a separate process loads the model, predicts, and reports what that needed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from scaffold.base.codec import encode
from scaffold.base.modules import Home, home_of
from scaffold.errors import WorkerMessageError
from scaffold.resolve._distributions import Installation
from scaffold.spec import Artifact, Call, JSONValue
from scaffold.worker import REHEARSAL, Worker, WorkerSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The job of the process after it has loaded the model."""

    code: Mapping[str, str]
    """Text of the generated `schemas.py` and `convert.py`."""
    call: Call
    requests: Sequence[JSONValue]
    answers: Sequence[JSONValue]
    example: JSONValue = None
    """A made-up request, to see whether the model answers it."""

    def as_json(self) -> dict[str, Any]:
        """Return the request as JSON for the process."""
        return {
            "code": dict(self.code),
            "call": encode(self.call),
            "requests": list(self.requests),
            "answers": list(self.answers),
            "example": self.example,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The exception that was raised in the process."""

    type: str
    message: str
    module: str | None
    """The module that an ImportError names."""
    trace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceReport:
    """The imports, files and libraries of one traced run of the model."""

    failure: Failure | None
    matched: bool | None
    """Whether its answers are the recorded ones; `None` if it gave no answers."""
    phase: str
    imported: Mapping[str, str]
    """Phase (`load`, `introspect`, `predict`), by the place of an installed module, with dots."""
    ours: Mapping[str, str]
    """The same for modules that this package imported there for its own work."""
    missing_distributions: Mapping[str, tuple[str, str]]
    """Importer and phase, by the distribution that was asked for and hidden."""
    missing_modules: Mapping[str, str]
    """Importer, by the module that was asked for and is not installed."""
    local_modules: Mapping[str, tuple[str, str]]
    """File and phase, by the name of a module that no distribution brings."""
    opened_files: Mapping[str, str]
    """Phase, by the absolute path of a file that was opened for reading."""
    unaudited: Mapping[str, str]
    """The same for files of the user's folders that compiled code, or another program, opened."""
    libraries: tuple[str, ...]
    takes_example: bool = False
    """Whether the model answered the made-up record of the request."""

    @classmethod
    def from_json(cls, reply: Mapping[str, Any]) -> TraceReport:
        """Return the report in a worker's reply.

        Raises:
            WorkerError: The reply is not of the expected form.
        """
        try:
            failure = reply["failure"]
            return cls(
                failure=Failure(**failure) if failure else None,
                matched=reply["matched"],
                phase=reply["phase"],
                imported=dict(reply["imported"]),
                ours=dict(reply["ours"]),
                missing_modules=dict(reply["absent"]),
                missing_distributions={
                    name: (importer, phase) for name, (importer, phase) in reply["missed"].items()
                },
                local_modules={name: (file, phase) for name, (file, phase) in reply["own"].items()},
                opened_files=dict(reply["opened"]),
                unaudited=dict(reply["unaudited"]),
                libraries=tuple(reply["libraries"]),
                takes_example=reply.get("takes_example") is True,
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise WorkerMessageError(str(error)) from error

    @property
    def succeeded(self) -> bool:
        """Whether it gave the recorded answers."""
        return self.failure is None and bool(self.matched)


class Rehearsing(Protocol):
    """A process that has loaded, or is loading, a model, and will predict."""

    sha256: str
    """Of the model's file."""
    hidden: Mapping[str, str]
    """Distributions that it does not find, by the module that they bring."""

    def finish(self, request: Request) -> TraceReport:
        """Run the prediction and return the report."""
        ...


class Trace:
    """A process that loads the model. Use it in a `with`: the end of the block ends it."""

    def __init__(
        self,
        artifact: Artifact,
        *,
        path: Sequence[str],
        hidden: Mapping[str, str],
        installation: Installation,
        preload: Sequence[str] = ("pydantic",),
        local: Sequence[str] = (),
        settings: WorkerSettings | None = None,
    ) -> None:
        """Start it.

        Args:
            artifact: The model; its names have passed the trust gate.
            path: Its whole `sys.path`.
            hidden: Distributions that it must not find, by the module that they bring.
            installation: What is installed here.
            preload: Modules to import while it waits.
            local: Those entries of `path` that are the user's own folders: only what the model's files
                name, and what such code imports, is found there.
            settings: Where it runs.
        """
        self.hidden, self.installation, self.sha256 = hidden, installation, artifact.sha256
        model = artifact.path.absolute()
        job = {
            "model": str(model),
            "format": artifact.format.value,
            "names": [encode(name) for name in artifact.globals],
            "sha256": artifact.sha256,
            "hidden": dict(hidden),
            "installed": list(installation.folders),
            "preload": list(preload),
            "local": list(local),
            "named": sorted({name.module.partition(".")[0] for name in artifact.globals}),
            "watched": own_folders([model.parent, *map(Path, path)]),
        }
        place = settings or WorkerSettings()
        path = [os.path.abspath(entry) for entry in path]  # noqa: PTH100 - entries of sys.path are text
        readable = (*place.confinement.readable, model.parent, model)
        confinement = replace(place.confinement, readable=readable)
        place = replace(place, path=path, confinement=confinement)
        self._worker = Worker(REHEARSAL, place)
        self._worker.begin(job, place)

    def __enter__(self) -> Trace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._worker.close()

    def finish(self, request: Request) -> TraceReport:
        """Run the prediction and return the report.

        Raises:
            WorkerError: The process broke off or did not end.
        """
        self._worker.send(request.as_json())
        return TraceReport.from_json(self._worker.receive())


def own_folders(folders: Sequence[Path]) -> list[str]:
    """Return the folders that hold the user's own code."""
    places = [folder.absolute() for folder in folders if folder.is_dir()]
    return [str(place) for place in places if place.parent != place and home_of(place) is Home.LOCAL]
