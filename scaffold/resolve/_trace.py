"""The third witness: a clean child process loads the model and predicts, and tells what it needed."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import TimeoutExpired
from types import TracebackType
from typing import Any

from scaffold._modules import Home, home_of
from scaffold._process import start_command
from scaffold.errors import TraceFailedError
from scaffold.resolve._distributions import Installation
from scaffold.spec import Artifact, Call, JSONValue

_CHILD = Path(__file__).with_name("_child.py")
TIMEOUT_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the child is asked once it has loaded the model."""

    code: Mapping[str, str]
    """Text of the generated `schemas.py` and `convert.py`."""
    call: Call
    requests: Sequence[JSONValue]
    answers: Sequence[JSONValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What was raised in the child."""

    type: str
    message: str
    module: str | None
    """The module that an ImportError names."""
    trace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the child saw."""

    failure: Failure | None
    matched: bool | None
    """Whether its answers are the recorded ones; `None` where it did not come to answers."""
    phase: str
    imported: Mapping[str, str]
    """Phase (`load`, `wait`, `predict`), by the place of an installed module, with dots."""
    missed: Mapping[str, tuple[str, str]]
    """Importer and phase, by the distribution that was asked for and hidden."""
    absent: Mapping[str, str]
    """Importer, by the module that was asked for and is not here."""
    own: Mapping[str, tuple[str, str]]
    """File and phase, by the name of a module that no distribution brings."""
    opened: Mapping[str, str]
    """Phase, by the absolute path of a file that was opened for reading."""
    unheard: Mapping[str, str]
    """The same for files of the user's folders that compiled code opened, or another program meanwhile."""
    libraries: tuple[str, ...]

    @property
    def succeeded(self) -> bool:
        """Whether it gave the recorded answers."""
        return self.failure is None and bool(self.matched)


class Trace:
    """A child process that loads the model. Use it in a `with`: the end of the block ends it."""

    def __init__(
        self,
        artifact: Artifact,
        *,
        path: Sequence[str],
        hidden: Mapping[str, str],
        installation: Installation,
        preload: Sequence[str] = ("pydantic",),
    ) -> None:
        """Start it.

        Args:
            artifact: The model; its names have passed the trust gate.
            path: Its `sys.path`: what is not in here is not found.
            hidden: Distributions that it must not find, by the module that they bring.
            installation: What is installed here.
            preload: Modules that will be asked for; they are imported while it waits.
        """
        self.hidden, self.installation, self.sha256 = hidden, installation, artifact.sha256
        self._folder = Path(tempfile.mkdtemp(prefix="scaffold-trace-"))
        job = {
            "model": artifact.path.absolute(),
            "format": artifact.format,
            "names": artifact.globals,
            "sha256": artifact.sha256,
            "path": [os.path.abspath(entry) for entry in path],  # noqa: PTH100 - entries of sys.path are text
            "hidden": dict(hidden),
            "installed": list(installation.folders),
            "preload": list(preload),
            "watched": _own_folders([artifact.path.absolute().parent, *map(Path, path)]),
        }
        self._put("job.pickle", job)
        self._process = start_command([sys.executable, str(_CHILD), str(self._folder)])

    def __enter__(self) -> Trace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError, AttributeError):  # Windows has no process groups
                os.killpg(self._process.pid, signal.SIGKILL)  # with what the model may have started
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def finish(self, request: Request) -> Found:
        """Let it predict and return what it saw.

        Raises:
            TraceFailedError: The process died or did not end.
        """
        wire = json.dumps({"requests": list(request.requests), "answers": list(request.answers)})
        self._put("request.pickle", {"code": dict(request.code), "call": request.call, "wire": wire})
        try:
            status = self._process.wait(TIMEOUT_S)
        except TimeoutExpired as error:
            raise TraceFailedError(f"no end after {TIMEOUT_S:.0f} s", self._log()) from error
        try:
            found = json.loads((self._folder / "found.json").read_text())
        except FileNotFoundError as error:
            raise TraceFailedError(f"exit status {status}", self._log()) from error
        failure = found.pop("failure")
        return Found(
            failure=Failure(**failure) if failure else None,
            matched=found["matched"],
            phase=found["phase"],
            imported=found["imported"],
            absent=found["absent"],
            missed={name: (who, phase) for name, (who, phase) in found["missed"].items()},
            own={name: (file, phase) for name, (file, phase) in found["own"].items()},
            opened=found["opened"],
            unheard=found["unheard"],
            libraries=tuple(found["libraries"]),
        )

    def _put(self, name: str, value: Any) -> None:
        """Write a file that is there whole or not at all."""
        part = self._folder / f"{name}.part"
        part.write_bytes(pickle.dumps(value))
        part.rename(self._folder / name)

    def _log(self) -> str:
        log = self._folder / "log.txt"
        return log.read_text(errors="replace") if log.exists() else ""


def _own_folders(folders: Sequence[Path]) -> list[str]:
    """The folders of the user's own among these."""
    places = [folder.absolute() for folder in folders if folder.is_dir()]
    return [str(place) for place in places if place.parent != place and home_of(place) is Home.LOCAL]
