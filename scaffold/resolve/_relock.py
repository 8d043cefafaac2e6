"""Lock again what a project has: with the service layer of today, or with what its owner added."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Parsed
from packaging.utils import canonicalize_name

from scaffold._process import Runner, run_command
from scaffold.errors import ConflictError
from scaffold.resolve._lock import Pin, make_lock, parse_lock
from scaffold.resolve._service import read_service_layer
from scaffold.spec import Dependencies, LocalSource, Requirement


def lock_again(
    requirements: Sequence[Requirement],
    versions: Mapping[str, str],
    *,
    python: str,
    sources: Sequence[LocalSource] = (),
    gpu: bool = False,
    run: Runner = run_command,
) -> str:
    """Return a lock of `requirements` in which as much as possible keeps its version.

    Args:
        requirements: The lines of `requirements.in`.
        versions: The version of every distribution in the lock so far, by name.
        python: The Python of the lock, `3.11`.
        sources: What goes with the service; wheels among it stand in for the requirements of their name.
        gpu: Whether torch is the build that it was, and not the one for the CPU.
        run: Runs uv.

    Raises:
        LockFailedError: They cannot be had together, or not at all; or a leaf of it.
    """
    wheels: dict[str, LocalSource] = {
        canonicalize_name(PurePosixPath(source.path).name.partition("-")[0]): source
        for source in sources
        if source.path.endswith(".whl")
    }
    packed = [
        replace(line, specifier=f" @ ./{wheels[line.distribution].path}")
        if line.distribution in wheels
        else line
        for line in requirements
    ]

    def lock(constraints: Mapping[str, str]) -> str:
        torch = constraints.get("torch", "").partition("+")[2] if gpu else "cpu"
        return make_lock(
            packed, constraints, python=python, wheels=tuple(wheels.values()), torch=torch, run=run
        ).text

    named = {line.distribution for line in requirements}
    kept = {name: version for name, version in versions.items() if name not in named}
    try:
        return lock(kept)
    except ConflictError:  # what merely came along has to move
        return lock({})


def renew_service_layer(
    dependencies: Dependencies,
    *,
    pinned: Iterable[str] = (),
    opentelemetry: bool = False,
    gpu: bool = False,
    run: Runner = run_command,
) -> Dependencies:
    """Return the dependencies with the service layer of this version of the package.

    What the model needs keeps its version, and so does what was pinned by name.

    Raises:
        LockFailedError: The two cannot be had together; or a leaf of it.
    """
    layer = read_service_layer(dependencies.python, opentelemetry=opentelemetry)
    model = [line for line in dependencies.requirements if line.serves != "service"]
    pins = parse_lock(dependencies.lock)
    versions = {name: version for name, version in map(_split, pins) if version}
    fixed = _brought_by({line.distribution for line in model}, pins) | set(pinned)
    renewed = replace(dependencies, requirements=(*model, *layer.requirements))
    stale = {name for name in versions.keys() - fixed if layer.pins.get(name) != versions[name]}
    if not pins or not (stale or {line.distribution for line in layer.requirements} - versions.keys()):
        return renewed
    kept = {name: version for name, version in versions.items() if name in fixed}
    lock = lock_again(
        renewed.requirements,
        {**layer.pins, **kept},
        python=dependencies.python,
        sources=dependencies.sources,
        gpu=gpu,
        run=run,
    )
    return replace(renewed, lock=lock)


def requirement_of(line: str) -> Requirement:
    """A line of a `requirements.in`; one that names no distribution is taken as it is."""
    text = line.partition(" #")[0].strip()
    try:
        parsed = Parsed(text)
    except InvalidRequirement:
        return Requirement(distribution=text, specifier="", reason="requirements.in")
    name = canonicalize_name(parsed.name)
    return Requirement(
        distribution=name, specifier=text.removeprefix(parsed.name).strip(), reason="requirements.in"
    )


def _split(pin: Pin) -> tuple[str, str]:
    """The name and the version; no version where it is no plain pin, or differs by platform."""
    name, _, version = pin.line.partition("==")
    name = canonicalize_name(name.partition("[")[0].partition(" ")[0])
    return name, "" if ";" in pin.line else version


def _brought_by(names: set[str], pins: Sequence[Pin]) -> set[str]:
    """All that comes along with the distributions `names`, and these."""
    found = set(names)
    while True:
        more = {name for name, pin in ((_split(pin)[0], pin) for pin in pins) if found & set(pin.via)} - found
        if not more:
            return found
        found |= more
