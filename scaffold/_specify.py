"""From what a person gives to the `ProjectSpec`: a worker examines the model, then its needs are resolved."""

from __future__ import annotations

import contextlib
import importlib
import re
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from scaffold import __version__
from scaffold._codec import CodecError, decode
from scaffold._confine import Enforced
from scaffold._describe import artifact_line, dependencies_line, signature_line
from scaffold._environments import Environment
from scaffold._files import copy_below, sha256_file
from scaffold._given import Given, find_given
from scaffold._live import live_source
from scaffold._modules import Home, home_of
from scaffold._options import Options
from scaffold._workers import model_environment, variables_left_out, worker_settings
from scaffold.errors import UsageError, WorkerError
from scaffold.spec import Artifact, Check, JSONValue, LocalSource, ProjectSpec, Recording, Signature
from scaffold.worker import Worker, WorkerSettings, is_inside, printable, require_plain

if TYPE_CHECKING:
    from scaffold.resolve import Found, Installation, Request, Trace

OnStage = Callable[[str, "str | None"], None]
"""Called with each stage as it begins (`None`), and with its result."""

FIRST_VERSION = "1.0.0"
_NAME_CHARACTERS = 50  # leaves room for `-production` in a namespace of 63
_PROGRAM = "scaffold._examine"
_MOST_NOTES, _NOTE_CHARACTERS = 50, 1000


@contextlib.contextmanager
def specified(
    model: Any,
    input: Any,
    output: Any,
    name: str,
    answers: Mapping[str, JSONValue],
    options: Options,
    on_stage: OnStage,
    version: str = FIRST_VERSION,
) -> Iterator[ProjectSpec]:
    """Give the `ProjectSpec` of a model; files that it names exist until the block ends."""
    from scaffold.resolve import Installation, resolve_dependencies

    if is_inside():
        raise UsageError(
            "The model's code calls scaffold itself while it is loaded, and that would never end.\n"
            'Put the call below `if __name__ == "__main__":` in the script that defines the model.'
        )
    with contextlib.ExitStack() as stack:
        workspace = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="scaffold-")))
        on_stage("read", None)
        given = find_given(model, input, output, workspace, options)
        environment = model_environment(given, options)
        for note in environment.notes:
            on_stage("note", note)
        settings = worker_settings(given, options, environment)
        installation = Installation(settings.path)
        modules = _search_path(given, environment)
        worker = stack.enter_context(_Worker(given, options, installation, settings, modules, workspace))
        loaded = worker.loaded()
        on_stage("read", artifact_line(loaded.artifact))
        if not loaded.enforced.holds:
            on_stage("note", _missing_wall(loaded.enforced))
        on_stage("introspect", None)
        search = (worker.folder / "code", *modules)
        trace = _trace_without(loaded, search, installation, settings)
        if trace is not None:
            stack.enter_context(trace)
        # Imported while the worker finds out how the model is called.
        from scaffold.render import model_code

        signature, recording, notes = worker.introspected()
        on_stage("introspect", signature_line(signature))
        on_stage("resolve", None)
        # The next stage's libraries are imported while this one waits for its processes.
        threading.Thread(target=importlib.import_module, args=["copier"], daemon=True).start()
        code = model_code(loaded.artifact, signature)
        dependencies = resolve_dependencies(
            loaded.artifact,
            signature,
            recording,
            code=code,
            trace=trace or worker,
            search=search,
            sources=loaded.sources,
            options=_resolve_options(options, answers, environment.version),
            installation=installation,
            settings=settings,
        )
        worker.end()
        on_stage("resolve", dependencies_line(dependencies))
        for note in (*loaded.notes, *notes, *signature.notes, *dependencies.notes):
            on_stage("note", note)
        yield ProjectSpec(
            name=name,
            version=version,
            artifact=loaded.artifact,
            signature=signature,
            dependencies=dependencies,
            recording=recording,
            answers=answers,
            generator=__version__,
            variables=options.variables,
            code=code,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loaded:
    """What the worker tells when it has loaded the model."""

    artifact: Artifact
    sources: tuple[LocalSource, ...]
    notes: tuple[str, ...]
    modules: tuple[str, ...]
    """The topmost modules of the sample's classes."""
    seen: Found
    enforced: Enforced
    """Which walls stand between the worker and the rest of the system."""


class _Worker:
    """The worker that examines one model, and rehearses its service."""

    def __init__(
        self,
        given: Given,
        options: Options,
        installation: Installation,
        settings: WorkerSettings,
        search: Sequence[Path],
        workspace: Path,
    ) -> None:
        from scaffold.resolve import own_folders

        self.hidden: Mapping[str, str] = {}
        self.sha256 = ""
        self._given, self._workspace = given, workspace
        local = own_folders(given.local)
        job = {
            "model": str(given.model.path.absolute()),
            "provenance": given.model.provenance,
            "ours": given.model.ours,
            "options": _for_worker(options),
            "elsewhere": variables_left_out(settings.environ),
            "live": live_source().as_json(),
            "search": [str(folder.absolute()) for folder in search],
            "local": local,
            "watched": own_folders([given.model.path.absolute().parent, *given.local]),
            "installed": list(installation.folders),
        }
        for name, file in (("input", given.input), ("output", given.output)):
            job[name] = {"path": str(file.path.absolute()), "ours": file.ours} if file else None
        self._worker = Worker(
            _PROGRAM, job, replace(settings, path=list(dict.fromkeys([*settings.path, *local])))
        )
        self.folder = self._worker.folder

    def __enter__(self) -> _Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._worker.close()

    def end(self) -> None:
        """End the process; its folder stays, for files in it are part of the project."""
        self._worker.end()

    def loaded(self) -> _Loaded:
        """Return what the files are and name, once the model is loaded.

        Raises:
            ScaffoldError: What the worker reports.
        """
        from scaffold.resolve import Found

        message = self._worker.receive()
        with _readable():
            path = self._checked(Path(message["path"]))
            artifact = replace(decode("Artifact", message["artifact"]), path=path)
            sources = decode("tuple[LocalSource, ...]", message["sources"])
            found = _Loaded(
                artifact=artifact,
                sources=tuple(map(_checked_source, sources)),
                notes=_checked_notes(message["notes"]),
                modules=tuple(map(str, message["modules"])),
                seen=Found.from_json({"failure": None, "matched": None, "phase": "load", **message["seen"]}),
                enforced=Enforced.from_json(message["enforced"]),
            )
        # The file that goes into the project is the one that was examined.
        if sha256_file(path) != artifact.sha256:
            raise WorkerError(f"{path.name} changed while it was read")
        self.sha256 = artifact.sha256
        return found

    def introspected(self) -> tuple[Signature, Recording, list[str]]:
        """Return how the model is called, the sample as it goes over HTTP, and notes."""
        message = self._worker.receive()
        with _readable():
            signature = decode("Signature", message["signature"])
            require_plain(signature)
            recording = decode("Recording", message["recording"])
            return signature, recording, list(_checked_notes(message["notes"]))

    def finish(self, request: Request) -> Found:
        """Let the worker answer the recorded requests by the generated code, and return what it saw."""
        from scaffold.resolve import Found

        self._worker.send(request.as_json())
        return Found.from_json(self._worker.receive())

    def _checked(self, path: Path) -> Path:
        """The model's file: the given one, or the one that the worker wrote anew in its own folder."""
        if path == self._given.model.path.absolute():
            return self._given.model.path
        if self.folder not in path.parents:
            raise CodecError(f"a model file that lies elsewhere: {path}")
        # Out of the reach of the worker, through no link of its making.
        copy = self._workspace / "moved" / path.name
        copy.parent.mkdir(exist_ok=True)
        copy_below(self.folder, path.relative_to(self.folder), copy)
        return copy


@contextlib.contextmanager
def _readable() -> Iterator[None]:
    """Raise WorkerError where a message of the worker is not of the expected form."""
    try:
        yield
    except (CodecError, KeyError, TypeError, ValueError, OSError) as error:
        raise WorkerError(f"its message cannot be read: {error}") from error


def _checked_notes(notes: Sequence[Any]) -> tuple[str, ...]:
    return tuple(printable(str(note))[:_NOTE_CHARACTERS] for note in notes[:_MOST_NOTES])


def _checked_source(source: LocalSource) -> LocalSource:
    place = PurePosixPath(source.path)
    if place.is_absolute() or ".." in place.parts or not place.parts:
        raise CodecError(f"a file that lies outside the project: {source.path}")
    return source


def _trace_without(
    loaded: _Loaded, search: Sequence[Path], installation: Installation, settings: WorkerSettings
) -> Trace | None:
    """Start a process without what is merely installed, where loading the model imported some of that.

    It loads the model while the worker still finds out how the model is called.
    """
    from scaffold.resolve import hidden_from, reached, start_trace

    hidden = hidden_from(loaded.artifact, loaded.modules, loaded.sources, installation)
    if not reached(loaded.seen, hidden):
        return None
    return start_trace(
        loaded.artifact,
        loaded.modules,
        search=search,
        sources=loaded.sources,
        installation=installation,
        settings=settings,
    )


def _search_path(given: Given, environment: Environment) -> list[Path]:
    """Where modules are looked for: in the environment first, so that no file hides a library."""
    libraries = [Path(entry) for entry in environment.path if Path(entry).is_dir()]
    installed = [folder for folder in libraries if home_of(folder) is not Home.STANDARD]
    return list(dict.fromkeys([*installed, *given.local]))


def _missing_wall(enforced: Enforced) -> str:
    reasons = "; ".join(f"{gap.wall.value}: {gap.reason}" for gap in enforced.missing)
    return f"the model is loaded without the kernel's confinement, with your rights ({reasons})"


def _for_worker(options: Options) -> dict[str, JSONValue]:
    """The options as the worker takes them: it runs in another folder, so paths are absolute."""
    said = options.as_json()
    if options.source:
        said["source"] = str(Path(options.source).absolute())
    if options.include:
        said["include"] = [str(Path(each).absolute()) for each in options.include]
    return said


def _resolve_options(options: Options, answers: Mapping[str, JSONValue], version: str) -> Any:
    from scaffold.resolve import Options as ResolveOptions

    pins = dict(_pin(text) for text in options.pin)
    return ResolveOptions(
        python=options.python or version,
        pins=pins,
        require=tuple(options.require),
        opentelemetry=answers.get("opentelemetry") is True,
        gpu=options.gpu,
    )


def _pin(text: str) -> tuple[str, str]:
    """`numpy==2.4.6` as ("numpy", "2.4.6").

    Raises:
        UsageError: It is no such pin.
    """
    name, equals, version = text.partition("==")
    if not equals or not name.strip() or not version.strip():
        raise UsageError(f"{text!r} pins nothing: a name and a version are wanted.\n  --pin numpy==2.4.6")
    return re.sub(r"[-_.]+", "-", name.strip().lower()), version.strip()


def service_name(name: str | None, target: Path) -> str:
    """A DNS label: the name that was given, or one made of the folder's.

    Raises:
        UsageError: What was given is no such name, or the folder's name holds nothing to make one of.
    """
    if name is None:
        made = re.sub(r"[^a-z0-9]+", "-", target.absolute().name.lower()).strip("-")
        made = made[:_NAME_CHARACTERS].strip("-")
        return made if made[:1].isalpha() else f"model-{made}".strip("-")
    if not re.fullmatch(r"[a-z]([a-z0-9-]*[a-z0-9])?", name) or len(name) > _NAME_CHARACTERS:
        raise UsageError(
            f"{name!r} cannot be the service's name: an image and Kubernetes objects are named so.\n"
            f"Lower-case letters, digits and '-', a letter first, {_NAME_CHARACTERS} characters at most:\n"
            "  --name titanic-service"
        )
    return name


def told_of_checks(on_stage: OnStage) -> Callable[[Check], None]:
    """Return what shows each check of a proof as it passes."""

    def show(check: Check) -> None:
        on_stage("verify", f"{check.name}: {check.detail}")
        on_stage("verify", None)

    return show
