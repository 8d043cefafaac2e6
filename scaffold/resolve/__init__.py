"""Artifact + Signature -> Dependencies: what the service needs, in the versions of this environment."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from pathlib import Path

from scaffold.base.folder import FORMATS as FOLDER_FORMATS
from scaffold.base.folder import listed_paths
from scaffold.base.layout import APP
from scaffold.base.modules import Home, home_of
from scaffold.base.process import Runner, run_command
from scaffold.errors import ConflictError
from scaffold.resolve._distributions import Installation
from scaffold.resolve._sources import CollectedSources, collect_sources
from scaffold.resolve._system import find_system_packages
from scaffold.resolve.lock._audit import Audit, Vulnerability, audit_project, find_vulnerabilities
from scaffold.resolve.lock._choice import RUNNING_PYTHON, Choice, Options, choose
from scaffold.resolve.lock._lock import CompiledLock, make_lock
from scaffold.resolve.lock._relock import lock_again, renew_service_layer, requirement_of
from scaffold.resolve.lock._service import ADDITIONS, ServiceLayer, read_service_layer
from scaffold.resolve.trace._opened import collect_imported_files, collect_opened_files, find_named_files
from scaffold.resolve.trace._rehearsal import Rehearsal, hidden_modules, imports_hidden, missing_module
from scaffold.resolve.trace._trace import Rehearsing, Request, Trace, TraceReport, own_folders
from scaffold.resolve.trace._witnesses import (
    code_reasons,
    imported_distributions,
    mentioned_distributions,
    minimal_reasons,
    model_reasons,
    optional_imports,
    python_texts,
    sample_reasons,
)
from scaffold.spec import (
    Artifact,
    Dependencies,
    JSONValue,
    LocalSource,
    ModelFormat,
    Recording,
    Requirement,
    Signature,
)
from scaffold.worker import WorkerSettings

__all__ = [
    "ADDITIONS",
    "Audit",
    "CollectedSources",
    "Installation",
    "Options",
    "Request",
    "Trace",
    "TraceReport",
    "Vulnerability",
    "audit_project",
    "collect_sources",
    "find_vulnerabilities",
    "hidden_from",
    "imports_hidden",
    "lock_again",
    "own_folders",
    "renew_service_layer",
    "requirement_of",
    "resolve_dependencies",
    "start_trace",
]


def start_trace(
    artifact: Artifact,
    modules: Sequence[str] = (),
    *,
    search: Sequence[Path] = (),
    sources: Sequence[LocalSource] = (),
    installation: Installation | None = None,
    settings: WorkerSettings | None = None,
) -> Trace:
    """Start a process that finds only what the model's files name, and loads the model.

    Args:
        artifact: The model; its names have passed the trust gate.
        modules: The top-level modules of the sample's classes, whose libraries are available too.
        search: Folders of local code.
        sources: The local code of the service, whose libraries are available too.
        installation: What is installed in the model's environment.
        settings: Where the process runs.
    """
    installation = installation or Installation()
    hidden = hidden_from(artifact, modules, sources, installation)
    preload = [name for name in modules if name not in sys.stdlib_module_names]
    return Trace(
        artifact,
        path=_path(search, settings),
        hidden=hidden,
        installation=installation,
        preload=["pydantic", *preload],
        local=_local(search),
        settings=settings,
    )


def hidden_from(
    artifact: Artifact, modules: Sequence[str], sources: Sequence[LocalSource], installation: Installation
) -> Mapping[str, str]:
    """Return, by module, the installed distributions that neither the model's files nor the code import.

    Args:
        artifact: The model.
        modules: The top-level modules of the sample's classes.
        sources: The local code that is copied into the service.
        installation: What is installed in the model's environment.
    """
    needed = model_reasons(artifact, installation) | sample_reasons(modules, installation)
    needed |= code_reasons(_texts(sources), installation)
    return hidden_modules(installation, [*needed, *read_service_layer(RUNNING_PYTHON).pins])


def resolve_dependencies(
    artifact: Artifact,
    signature: Signature,
    recording: Recording,
    *,
    code: Mapping[str, str],
    example: JSONValue = None,
    trace: Rehearsing | None = None,
    search: Sequence[Path] = (),
    sources: Sequence[LocalSource] = (),
    options: Options | None = None,
    installation: Installation | None = None,
    settings: WorkerSettings | None = None,
    run: Runner = run_command,
) -> Dependencies:
    """Return what the service needs besides its own code, locked.

    Args:
        artifact: The model; its names have passed the trust gate.
        signature: How it is called.
        recording: The sample as it goes over HTTP.
        code: Text of the generated modules by file name: `schemas.py`, `convert.py`, `score.py`.
        example: The body of a made-up request, to see whether the model answers it.
        trace: A process that has loaded the model already.
        search: Folders of local code, among them the folder of lifted code.
        sources: The local code that is copied into the service.
        options: The options for the dependencies.
        installation: What is installed in the model's environment.
        settings: Where processes that load the model run.
        run: Runs uv.

    Raises:
        ResolutionError: A leaf of it.
        WorkerError: A process that loads the model broke off.
    """
    options = options or Options()
    installation = installation or Installation()
    layer = read_service_layer(options.python, profile=options.profile, additions=options.additions)
    local = _texts(sources)
    modules = {f"{APP}/{name}": text for name, text in code.items()}
    generated = _model_part(code_reasons(modules, installation), layer)
    user_reasons = code_reasons(local, installation) | model_reasons(artifact, installation)
    report, traced = Rehearsal(
        artifact=artifact,
        path=_path(search, settings),
        installation=installation,
        request=_request(code, signature, recording, example),
        always=frozenset(layer.pins),
        local=_local(search),
        settings=settings,
    ).run([*generated, *user_reasons], trace)
    _require_owners(report, installation, sources, artifact)
    imported = imported_distributions(report, installation)
    reasons = generated | {name: reason for name, reason in user_reasons.items() if name in imported} | traced
    listed = _model_part(minimal_reasons(reasons, installation), layer)
    choice = choose(listed, reasons, installation, options)
    mentioned = (mentioned_distributions(artifact, installation) & set(imported)) - set(traced)
    lock = _lock_both(choice, layer, reasons, options, run)
    files, hidden = _traced_files(report, artifact, local.values(), _roots(search), installation)
    system, unknown = find_system_packages(report.libraries, run)
    untraced = _unreached_imports(optional_imports(local, installation), imported | set(reasons))
    return Dependencies(
        python=options.python,
        requirements=(*_with_mentions(choice.requirements, mentioned), *layer.requirements),
        lock=lock.text,
        sources=(*sources, *_not_collected(sources, files), *choice.wheels, *lock.wheels),
        system=system,
        notes=(*lock.notes, *unknown, *hidden, *untraced),
        takes_example=report.takes_example,
    )


def _with_mentions(requirements: Iterable[Requirement], mentioned: Set[str]) -> Iterator[Requirement]:
    """Yield the requirements; mark those whose modules the model file mentions."""
    for line in requirements:
        yield replace(line, mentioned=line.distribution in mentioned)


def _model_part(reasons: Mapping[str, str], layer: ServiceLayer) -> dict[str, str]:
    """Return distributions with their reasons, without those of the service layer."""
    return {name: reason for name, reason in reasons.items() if name not in layer.pins}


def _traced_files(
    report: TraceReport,
    artifact: Artifact,
    local: Iterable[str],
    roots: Sequence[Path],
    installation: Installation,
) -> tuple[list[LocalSource], list[str]]:
    """Return the user's files that the model imports, opens or mentions, and notes on files not copied."""
    paths = find_named_files(report.unaudited, artifact.path, local)
    model_files = set(paths) if artifact.format is ModelFormat.ONNX else set()
    if artifact.format in FOLDER_FORMATS:
        model_files = {str(path.resolve()) for path in listed_paths(artifact.path)}
        paths |= dict.fromkeys(model_files, "load")
        model_files |= {name for name in report.opened_files if os.path.realpath(name) in model_files}
    data_files, hidden = collect_opened_files(
        {**paths, **report.opened_files}, roots, artifact.path, installation, model_files
    )
    return [*collect_imported_files(report.local_modules), *data_files], hidden


def _request(
    code: Mapping[str, str], signature: Signature, recording: Recording, example: JSONValue
) -> Request:
    return Request(
        code={name: code[name] for name in ("schemas.py", "convert.py")},
        call=signature.call,
        requests=recording.requests,
        answers=recording.answers,
        example=example,
    )


def _lock_both(
    choice: Choice, layer: ServiceLayer, reasons: Iterable[str], options: Options, run: Runner
) -> CompiledLock:
    """Lock both parts of `requirements.in`.

    A transitive dependency of both the model and the service layer has the version of this environment. If
    the service layer does not accept that version, the lock has the service layer's version and a note.
    """
    lock = functools.partial(
        make_lock,
        [*choice.requirements, *layer.requirements],
        python=options.python,
        platforms=options.platforms,
        wheels=choice.wheels,
        torch=choice.torch,
        run=run,
    )
    try:
        return lock({**layer.pins, **choice.versions})
    except ConflictError:
        shared = {
            name: version
            for name, version in layer.pins.items()
            if name in choice.versions and name not in {*reasons, *options.pins}
        }
        moved = {name: new for name, new in shared.items() if choice.versions[name] != new}
        if not moved:
            raise
        compiled = lock({**layer.pins, **choice.versions, **moved})
        notes = [
            f"{name} {new} in the service, {choice.versions[name]} here: it serves the service layer too"
            for name, new in sorted(moved.items())
        ]
        return replace(compiled, notes=(*compiled.notes, *notes))


def _require_owners(
    report: TraceReport, installation: Installation, sources: Sequence[LocalSource], artifact: Artifact
) -> None:
    """Check that each imported module from the environment belongs to a distribution.

    Raises:
        MissingModuleError: A module belongs to no distribution and is not copied into the service.
    """
    carried = {source.module for source in sources}
    for module in report.imported:
        top = module.partition(".")[0]
        if top not in carried and not installation.owners_of(module):
            names = [name.dotted for name in artifact.globals if name.module.partition(".")[0] == top]
            raise missing_module(top, (names or [artifact.path.name])[0])


def _not_collected(sources: Sequence[LocalSource], traced: Sequence[LocalSource]) -> list[LocalSource]:
    """Return the traced files that are not in `sources`."""
    collected = {source.path for source in sources}
    return [source for source in traced if source.path not in collected]


def _roots(search: Sequence[Path]) -> list[Path]:
    """Return the folders that may hold the user's files: `search` and `sys.path`."""
    return [*search, *(Path(entry) for entry in sys.path if entry and Path(entry).is_dir())]


def _texts(sources: Sequence[LocalSource]) -> dict[str, str]:
    return python_texts({source.path: source.content for source in sources})


def _path(search: Sequence[Path], settings: WorkerSettings | None) -> list[str]:
    """The `sys.path` of a process that loads the model: its environment's, then folders of local code."""
    environment = [entry or os.curdir for entry in (settings.path if settings else sys.path)]
    return list(dict.fromkeys([*environment, *_local(search)]))


def _local(search: Sequence[Path]) -> list[str]:
    """Return the user's own folders, without the root of the file system."""
    folders = (folder for folder in search if folder.parent != folder and home_of(folder) is Home.LOCAL)
    return [os.fspath(folder) for folder in folders]


def _unreached_imports(optional: Mapping[str, str], required: Set[str]) -> list[str]:
    """Return notes on imports of local code that the sample did not reach."""
    return [
        f"{path} imports {name} where the sample did not come to: --require {name} takes it along"
        for name, path in sorted(optional.items())
        if name not in required
    ]
