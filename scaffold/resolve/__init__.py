"""Artifact + Signature -> Dependencies: what the service needs, in the versions of this environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import Requirement as Parsed
from packaging.utils import canonicalize_name

from scaffold._process import Runner, run_command
from scaffold.resolve._distributions import Installation
from scaffold.resolve._lock import PLATFORMS, make_lock
from scaffold.resolve._rehearsal import Rehearsal, hidden_modules
from scaffold.resolve._service import read_service_layer
from scaffold.resolve._trace import Request, Trace
from scaffold.resolve._witnesses import (
    asked_by_code,
    asked_by_model,
    asked_by_object,
    modules_of_object,
    needed,
    optional_imports,
    python_texts,
    seen_in_trace,
)
from scaffold.spec import Artifact, Dependencies, LocalSource, Recording, Requirement, Signature

__all__ = ["Options", "resolve_dependencies", "start_trace"]

_RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a person may want otherwise."""

    python: str = _RUNNING
    platforms: Sequence[str] = PLATFORMS
    pins: Mapping[str, str] = field(default_factory=dict)
    """Version by distribution, in place of the one installed here."""
    require: Sequence[str] = ()
    """Distributions that are taken along though nothing asked for them."""


def start_trace(artifact: Artifact, sample: object = None, *, search: Sequence[Path] = ()) -> Trace:
    """Start a clean process that loads the model, while the caller finds out how it is called.

    Args:
        artifact: The model; its names have passed the trust gate.
        sample: The sample input: its library is there while the model loads.
        search: Folders of local code.
    """
    installation = Installation()
    asked = asked_by_model(artifact, installation) | asked_by_object(sample, installation)
    hidden = hidden_modules(installation, [*asked, *read_service_layer(_RUNNING).pins])
    preload = [name for name in modules_of_object(sample) if name not in sys.stdlib_module_names]
    return Trace(artifact, path=_path(search), hidden=hidden, preload=["pydantic", *preload])


def resolve_dependencies(
    artifact: Artifact,
    signature: Signature,
    recording: Recording,
    *,
    code: Mapping[str, str],
    trace: Trace | None = None,
    search: Sequence[Path] = (),
    sources: Sequence[LocalSource] = (),
    options: Options | None = None,
    run: Runner = run_command,
) -> Dependencies:
    """Return what the service needs besides its own code, locked.

    Args:
        artifact: The model; its names have passed the trust gate.
        signature: How it is called.
        recording: The sample as it goes over HTTP.
        code: Text of the generated modules by file name: `schemas.py`, `convert.py`, `score.py`.
        trace: What `start_trace` gave, where that was called before.
        search: Folders of local code.
        sources: The local code that goes along.
        options: What a person may want otherwise.
        run: Runs uv.

    Raises:
        MissingModuleError: The model imports a module that is not here.
        TraceFailedError: The process that loads the model died.
        LockFailedError: What is needed cannot be had, or not together.
    """
    options = options or Options()
    installation = Installation()
    layer = read_service_layer(options.python)
    texts = {f"app/{name}": text for name, text in code.items()}
    local = python_texts({source.path: source.content for source in sources})
    generated = asked_by_code(texts, installation)
    asked = {name: reason for name, reason in generated.items() if name not in layer.pins}
    asked |= asked_by_code(local, installation) | asked_by_model(artifact, installation)
    request = Request(
        code={name: text for name, text in code.items() if name in ("schemas.py", "convert.py")},
        call=signature.call,
        requests=recording.requests,
        answers=recording.answers,
    )
    rehearsal = Rehearsal(
        artifact=artifact,
        path=_path(search),
        installation=installation,
        request=request,
        always=frozenset(layer.pins),
    )
    found, extra = rehearsal.run(asked, trace)
    seen = seen_in_trace(found, installation)
    reasons = {name: reason for name, reason in asked.items() if name in seen} | extra
    listed = {name: why for name, why in needed(reasons, installation).items() if name not in layer.pins}
    model = _requirements(listed, installation, options)
    lock = make_lock(
        [*model, *layer.requirements],
        {**layer.pins, **_versions(reasons, installation), **options.pins},
        python=options.python,
        platforms=options.platforms,
        run=run,
    )
    optional = optional_imports(local, installation)
    return Dependencies(
        python=options.python,
        requirements=(*model, *layer.requirements),
        lock=lock.text,
        sources=tuple(sources),
        notes=(*lock.notes, *_left_out(optional, seen | set(reasons))),
    )


def _path(search: Sequence[Path]) -> list[str]:
    """The `sys.path` of the clean process: the folders of local code, and what is found from here."""
    return [*(os.fspath(folder) for folder in search), *(entry or os.curdir for entry in sys.path)]


def _versions(names: Iterable[str], installation: Installation) -> dict[str, str]:
    """The version installed here of each of the distributions and of all that they require."""
    return {name: found.version for name, found in installation.closure(names).items()}


def _requirements(
    reasons: Mapping[str, str], installation: Installation, options: Options
) -> tuple[Requirement, ...]:
    """The lines of `requirements.in` for the model, by name."""
    lines = {}
    for name, reason in reasons.items():
        version = options.pins.get(name, installation.by_name[name].version)
        lines[name] = Requirement(distribution=name, specifier=f"=={version}", reason=reason)
    for asked in options.require:
        parsed = Parsed(asked)
        name = canonicalize_name(parsed.name)
        installed = installation.by_name.get(name)
        version = str(parsed.specifier) or (f"=={installed.version}" if installed else "")
        lines.setdefault(name, Requirement(distribution=name, specifier=version, reason="asked for"))
    return tuple(lines[name] for name in sorted(lines))


def _left_out(optional: Mapping[str, str], taken: Set[str]) -> list[str]:
    """What local code imports somewhere that the sample did not come to."""
    return [
        f"{path} imports {name} where the sample did not come to: --require {name} takes it along"
        for name, path in sorted(optional.items())
        if name not in taken
    ]
