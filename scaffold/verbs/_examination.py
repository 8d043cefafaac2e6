"""The parent's side of a model's examination: the worker's messages, decoded into values of `spec`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any

from scaffold.base.codec import CodecError, decode
from scaffold.base.confine import Enforced
from scaffold.base.files import copy_below, sha256_file
from scaffold.base.live import live_source
from scaffold.errors import WorkerMessageError
from scaffold.resolve import (
    Installation,
    Request,
    Trace,
    TraceReport,
    hidden_from,
    imports_hidden,
    own_folders,
    start_trace,
)
from scaffold.spec import Artifact, Baseline, JSONValue, LocalSource, Recording, Signature
from scaffold.verbs._inputs import ModelInputs
from scaffold.verbs._pristine import require_same_model
from scaffold.verbs.options import Options
from scaffold.verbs.prestart import examining_worker
from scaffold.verbs.workers import variables_left_out
from scaffold.worker import Worker, WorkerSettings, printable, require_plain

_PRESENTED_WITH = ("numpy", "pandas")
"""The libraries by which `introspect` presents a sample of another type to the model."""
_MOST_NOTES, _NOTE_CHARACTERS = 50, 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """The artifact, sources and modules of the files, read before anything in them is loaded."""

    artifact: Artifact
    sources: tuple[LocalSource, ...]
    notes: tuple[str, ...]
    modules: tuple[str, ...]
    """The top-level modules of the samples, that of the input's class first."""
    enforced: Enforced
    """Which walls of the confinement are in force in the worker."""


@dataclass(frozen=True, slots=True)
class Introspected:
    """The signature of a model."""

    files: Files
    signature: Signature
    recording: Recording
    """The sample as requests and answers over HTTP."""
    notes: tuple[str, ...]
    baseline: Baseline | None = None
    """The distribution of the fields and predictions, if it was asked for."""


class Examination:
    """The processes that load one model. Use it in a `with`: the end of the block ends them.

    A worker examines the model. The service is rehearsed in a process that finds only what the model names:
    in the same one, where the samples need nothing else.
    """

    def __init__(
        self, worker: Worker, inputs: ModelInputs, options: Options, settings: WorkerSettings, workspace: Path
    ) -> None:
        """Take over a worker that waits for its job.

        Args:
            worker: A process of the program `scaffold.verbs._examine`.
            inputs: The model and the samples.
            options: The options for the model.
            settings: Where processes that hold the model run, and what they may do.
            workspace: The folder for the model's file if the worker rewrote it.
        """
        self._worker = worker
        self._inputs, self._options, self._workspace, self.settings = inputs, options, workspace, settings
        self._trace: Trace | None = None
        self.hidden: Mapping[str, str] = {}
        """Distributions that the worker does not find, by the module that they bring."""
        self.sha256 = ""
        """The hash of the model's file."""

    def __enter__(self) -> Examination:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._worker.close()
        if self._trace is not None:
            self._trace.__exit__(kind, error, where)

    def begin(self, installation: Installation, search: Sequence[Path], *, drift: bool = False) -> None:
        """Let the worker read the files.

        Args:
            installation: What is installed in the model's environment.
            search: Folders that modules are looked for in.
            drift: Whether the service compares its requests with a baseline.
        """
        inputs = self._inputs
        self.installation, self._search, self._drift = installation, search, drift
        local = own_folders(inputs.local)
        job: dict[str, Any] = {
            "model": str(inputs.model.path.absolute()),
            "provenance": inputs.model.provenance,
            "ours": inputs.model.ours,
            "options": _for_worker(self._options),
            "drift": drift,
            "elsewhere": variables_left_out(self.settings.environ),
            "live": live_source().as_json(),
            "search": [str(folder.absolute()) for folder in search],
            "local": local,
            "watched": own_folders([inputs.model.path.absolute().parent, *inputs.local]),
            "installed": list(installation.folders),
        }
        for name, file in (("input", inputs.input), ("output", inputs.output)):
            job[name] = {"path": str(file.path.absolute()), "ours": file.ours} if file else None
        path = list(dict.fromkeys([*self.settings.path, *local]))
        self._worker.begin(job, replace(self.settings, path=path))
        # Looked up while the worker reads, since finding the owners of modules is slow.
        presented = installation.closure(_PRESENTED_WITH)
        self._kept = {module for module, owners in installation.owners.items() if owners[0] in presented}

    @property
    def rehearsing(self) -> Examination | Trace:
        """Return the process that rehearses the service with the generated code."""
        return self._trace or self

    @property
    def search(self) -> tuple[Path, ...]:
        """Folders of local code, that of what the worker lifted from a script among them."""
        return (self._worker.folder / "code", *self._search)

    def end(self) -> None:
        """End the worker; its folder stays, for files in it are part of the project."""
        self._worker.end()

    def read(self) -> Files:
        """Return what the files are and name, and let the worker load them.

        The worker finds all that is installed where the samples need some of it that the model does not, and
        where no output was given to compare the model's answers with: they might be others without.

        Raises:
            ScaffoldError: What the worker reports.
        """
        files = self._files()
        hidden = self._merely_installed(files)
        needs_all = self._inputs.output is None or self._options.baseline is not None
        if needs_all or not hidden.keys().isdisjoint(files.modules):
            self._load_with_all(files)
        else:
            self._load({module: name for module, name in hidden.items() if module not in self._kept})
        return files

    def introspect(self, files: Files) -> Introspected:
        """Return how the model is called.

        Raises:
            ScaffoldError: What the worker reports.
        """
        try:
            loaded = self._receive()
            with _readable():
                loaded_report = TraceReport.from_json(
                    {"failure": None, "matched": None, "phase": "load", **loaded["seen"]}
                )
            if self._trace is None and imports_hidden(loaded_report, self._merely_installed(files)):
                self._trace = self._start_trace(files)
            message = self._receive()
        except _HiddenMissedError:
            return self._with_all_installed()
        with _readable():
            signature = decode("Signature", message["signature"])
            require_plain(signature)
            recording = decode("Recording", message["recording"])
            baseline = decode("Baseline | None", message["baseline"])
            return Introspected(files, signature, recording, _check_notes(message["notes"]), baseline)

    def finish(self, request: Request) -> TraceReport:
        """Let the worker answer the recorded requests by the generated code, and return what it saw."""
        self._worker.send(request.as_json())
        return TraceReport.from_json(self._worker.receive())

    def _with_all_installed(self) -> Introspected:
        """Restart with all installed distributions: the model failed because it looked up a hidden one."""
        self._worker.close()
        self._worker = examining_worker(self.settings)
        self.begin(self.installation, self._search, drift=self._drift)
        files = self._files()
        self._load_with_all(files)
        return self.introspect(files)

    def _receive(self) -> dict[str, Any]:
        message = self._worker.receive()
        if self.hidden and "again" in message:
            raise _HiddenMissedError
        return message

    def _files(self) -> Files:
        message = self._worker.receive()
        with _readable():
            received = decode("Artifact", message["artifact"])
            artifact = replace(received, path=self._check_path(Path(message["path"]), received))
            sources = decode("tuple[LocalSource, ...]", message["sources"])
            files = Files(
                artifact=artifact,
                sources=tuple(map(_check_source, sources)),
                notes=_check_notes(message["notes"]),
                modules=tuple(map(str, message["modules"])),
                enforced=Enforced.from_json(message["enforced"]),
            )
        self.sha256 = artifact.sha256
        return files

    def _load(self, hidden: Mapping[str, str]) -> None:
        """Let the worker load the model without what is hidden."""
        self.hidden = hidden
        self._worker.send({"hidden": dict(hidden)})

    def _load_with_all(self, files: Files) -> None:
        """Let the worker find all that is installed, and another process only what the model names."""
        self._load({})
        self._trace = self._start_trace(files)

    def _merely_installed(self, files: Files) -> Mapping[str, str]:
        return hidden_from(files.artifact, files.modules[:1], files.sources, self.installation)

    def _start_trace(self, files: Files) -> Trace:
        return start_trace(
            files.artifact,
            files.modules[:1],
            search=self.search,
            sources=files.sources,
            installation=self.installation,
            settings=self.settings,
        )

    def _check_path(self, path: Path, artifact: Artifact) -> Path:
        """The model's file: the given one, or the one that the worker wrote anew in its own folder.

        Later readers of the file compare its hash.
        """
        if path == self._inputs.model.path.absolute():
            return self._inputs.model.path
        if self._worker.folder not in path.parents:
            raise CodecError(f"a model file that lies elsewhere: {path}")
        # Copied, without following links, to a place that the worker cannot write.
        copy = self._workspace / "moved" / path.name
        copy.parent.mkdir(exist_ok=True)
        copy_below(self._worker.folder, path.relative_to(self._worker.folder), copy)
        require_same_model(artifact, sha256_file(copy))
        return copy


class _HiddenMissedError(Exception):
    """The model failed in the worker after it looked up a hidden distribution."""


@contextlib.contextmanager
def _readable() -> Iterator[None]:
    """Raise WorkerMessageError where a message of the worker is not of the expected form."""
    try:
        yield
    except (CodecError, KeyError, TypeError, ValueError, OSError) as error:
        raise WorkerMessageError(str(error)) from error


def _check_notes(notes: Sequence[Any]) -> tuple[str, ...]:
    return tuple(printable(str(note))[:_NOTE_CHARACTERS] for note in notes[:_MOST_NOTES])


def _check_source(source: LocalSource) -> LocalSource:
    place = PurePosixPath(source.path)
    if place.is_absolute() or ".." in place.parts or not place.parts:
        raise CodecError(f"a file that lies outside the project: {source.path}")
    return source


def _for_worker(options: Options) -> dict[str, JSONValue]:
    """Return the options as JSON with absolute paths, since the worker runs in another folder."""
    values = options.as_json()
    for name in ("source", "baseline"):
        if path := getattr(options, name):
            values[name] = str(Path(path).absolute())
    if options.include:
        values["include"] = [str(Path(each).absolute()) for each in options.include]
    return values
