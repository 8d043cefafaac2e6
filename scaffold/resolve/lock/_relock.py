"""Lock a project again, with the present service layer or with the owner's additions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Parsed
from packaging.utils import canonicalize_name

from scaffold.base.layout import REQUIREMENTS
from scaffold.base.lockfile import Lock
from scaffold.base.process import Runner, run_command
from scaffold.errors import ConflictError
from scaffold.resolve.lock._lock import make_lock
from scaffold.resolve.lock._service import read_service_layer
from scaffold.spec import Dependencies, LocalSource, Profile, Requirement


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
        LockFailedError: They cannot be installed, or not together; or a leaf of it.
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

    required = {line.distribution for line in requirements}
    unchanged = {name: version for name, version in versions.items() if name not in required}
    try:
        return lock(unchanged)
    except ConflictError:  # transitive dependencies may change
        return lock({})


def renew_service_layer(
    dependencies: Dependencies,
    *,
    pinned: Iterable[str] = (),
    profile: Profile = Profile.FAST,
    additions: Collection[str] = (),
    gpu: bool = False,
    run: Runner = run_command,
) -> Dependencies:
    """Return the dependencies with the service layer of this version of the package.

    The model's requirements keep their versions, and so do pinned distributions.

    Args:
        dependencies: Those of a project.
        pinned: Distributions whose version a person chose.
        profile: Which code serves the model.
        additions: Names of `ADDITIONS`: what this service needs besides.
        gpu: Take torch with CUDA, as it is installed here.
        run: Runs uv.

    Raises:
        LockFailedError: The two cannot be installed together; or a leaf of it.
    """
    layer = read_service_layer(dependencies.python, profile=profile, additions=additions)
    model = [line for line in dependencies.requirements if line.serves != "service"]
    old = Lock.parse(dependencies.lock)
    versions = old.releases
    fixed = old.required_by({line.distribution for line in model}) | set(pinned)
    renewed = replace(dependencies, requirements=(*model, *layer.requirements))
    outdated = {name for name in versions.keys() - fixed if layer.pins.get(name) != versions[name]}
    if not old.pins or not (outdated or {line.distribution for line in layer.requirements} - versions.keys()):
        return renewed
    unchanged = {name: version for name, version in versions.items() if name in fixed}
    text = lock_again(
        renewed.requirements,
        {**layer.pins, **unchanged},
        python=dependencies.python,
        sources=dependencies.sources,
        gpu=gpu,
        run=run,
    )
    return replace(renewed, lock=text)


def requirement_of(line: str) -> Requirement:
    """Return the requirement in a line of `requirements.in`; a line without a distribution is kept."""
    text = line.partition(" #")[0].strip()
    try:
        parsed = Parsed(text)
    except InvalidRequirement:
        return Requirement(distribution=text, specifier="", reason=REQUIREMENTS)
    name = canonicalize_name(parsed.name)
    return Requirement(
        distribution=name, specifier=text.removeprefix(parsed.name).strip(), reason=REQUIREMENTS
    )
