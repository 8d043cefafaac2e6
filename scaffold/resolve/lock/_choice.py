"""The version of each requirement: that of the environment, unless an option says otherwise."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from packaging.requirements import Requirement as Parsed
from packaging.utils import canonicalize_name

from scaffold.resolve._distributions import Installation, Installed
from scaffold.resolve._origins import specifier_of
from scaffold.resolve.lock._lock import PLATFORMS
from scaffold.spec import LocalSource, Profile, Requirement

RUNNING_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
# Their local version says whether they are built for a CPU or a GPU.
_BUILT_BY_DEVICE = {"torch", "torchvision", "torchaudio"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The user's options for dependencies."""

    python: str = RUNNING_PYTHON
    platforms: Sequence[str] = PLATFORMS
    pins: Mapping[str, str] = field(default_factory=dict)
    """Version by distribution, in place of the one installed here."""
    require: Sequence[str] = ()
    """Requirements that are added though nothing needs them."""
    profile: Profile = Profile.FAST
    """Which code serves the model."""
    additions: Collection[str] = ()
    """Names of `ADDITIONS`: what this service needs besides."""
    gpu: bool = False
    """Whether torch is the build that is installed here, CUDA and all, and not the one for the CPU."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The model's part of `requirements.in`, and the versions of its transitive dependencies."""

    requirements: tuple[Requirement, ...]
    versions: Mapping[str, str]
    wheels: tuple[LocalSource, ...]
    torch: str
    """The build of torch that is wanted, `cpu` or `cu130`; empty where there is none to choose."""


def choose(
    listed: Mapping[str, str], reasons: Mapping[str, str], installation: Installation, options: Options
) -> Choice:
    """Return the requirements and versions for the model.

    Args:
        listed: A reason for each distribution that gets a line.
        reasons: The same for all that the model was seen to need.
        installation: What is installed here.
        options: The options for the dependencies.

    Raises:
        BrokenInstallError: Something was installed from this machine, and its files are gone.
    """
    pins: dict[str, str] = {canonicalize_name(name): version for name, version in options.pins.items()}
    extra = {canonicalize_name(Parsed(text).name): Parsed(text) for text in options.require}
    closure = installation.closure([*reasons, *extra])
    lines: dict[str, Requirement] = {}
    wheels: list[LocalSource] = []
    versions: dict[str, str] = {}
    for name, installed in closure.items():
        if name in pins or installed.is_from_index:
            versions[name] = pins.get(name) or _version(installed, options)
            if name in listed:
                lines[name] = _line(name, f"=={versions[name]}", listed[name])
            continue
        if installed.is_editable:
            continue  # its code is copied, and its requirements are found in the code
        specifier, wheel = specifier_of(installed)
        reason = reasons.get(name, "comes along, and is from no index")
        lines[name] = _line(name, specifier, f"{reason}; {wheel.reason}" if wheel else reason)
        if wheel:
            wheels.append(wheel)
    for name, parsed in extra.items():
        specifier = str(parsed.specifier) or (f"=={versions[name]}" if name in versions else "")
        lines.setdefault(name, _line(name, specifier, "asked for"))
    return Choice(
        requirements=tuple(lines[name] for name in sorted(lines)),
        versions=versions | {name: pin for name, pin in pins.items() if name not in versions},
        wheels=tuple(wheels),
        torch=_build(versions.get("torch"), options),
    )


def _line(name: str, specifier: str, reason: str) -> Requirement:
    return Requirement(distribution=name, specifier=specifier, reason=reason)


def _version(installed: Installed, options: Options) -> str:
    """Return the version to pin: without the local version of a GPU build, unless requested."""
    public, _, label = installed.version.partition("+")
    if installed.name in _BUILT_BY_DEVICE and label != "cpu" and not options.gpu:
        return public
    return installed.version


def _build(version: str | None, options: Options) -> str:
    if version is None:
        return ""
    return version.partition("+")[2] if options.gpu else "cpu"
