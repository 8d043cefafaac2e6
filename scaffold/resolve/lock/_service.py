"""The service layer: the requirements of the generated code, in the versions of its tests."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement as PackagingRequirement
from packaging.utils import canonicalize_name

from scaffold.base.lockfile import Lock
from scaffold.base.templates import template_path
from scaffold.spec import Profile, Requirement


@dataclass(frozen=True, slots=True, kw_only=True)
class _Addition:
    """What some services need besides; `<name>.txt` beside `service.txt` locks what that brings."""

    distribution: str
    extras: str = ""
    """`[opentelemetry]`."""
    reason: str


ADDITIONS: Mapping[str, _Addition] = {
    "oip": _Addition(
        distribution="msgspec",
        reason="reads requests of the Open Inference Protocol: app/protocols/oip.py",
    ),
    "onnx": _Addition(distribution="onnxruntime", reason="runs model/fast.onnx: app/fast.py"),
    "opentelemetry": _Addition(
        distribution="fastapi", extras="[opentelemetry]", reason="OpenTelemetry, as was answered"
    ),
}
"""By the protocol, the way to accelerate or the flag that asks for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLayer:
    """The requirements of the generated code, and the lock that they were tested with."""

    requirements: tuple[Requirement, ...]
    """Each has its version in the specifier, and a reason."""
    pins: Mapping[str, str]
    """Version by distribution, for one Python."""


def read_service_layer(
    python: str,
    folder: Path | None = None,
    *,
    profile: Profile = Profile.FAST,
    additions: Collection[str] = (),
) -> ServiceLayer:
    """Return the service layer for `python` (`3.11`) from `service.in` and `service.txt` in `folder`.

    Without `folder` these are the files of `profile`. `additions` are names of `ADDITIONS`.

    A distribution that another line of `service.in` requires gets no line; the reason of that line names it.
    """
    folder = folder or _folders()[profile]
    locks = [template_path("service") / f"{name}.txt" for name in sorted(additions)]
    texts = [lock.read_text(encoding="utf-8") for lock in (folder / "service.txt", *locks)]
    locked = [pin for text in texts for pin in Lock.parse(text).pins]
    pins: dict[str, str] = {}
    required_by: dict[str, list[str]] = {}
    for pin in locked:
        if not pin.marker or Marker(pin.marker).evaluate({"python_full_version": f"{python}.0"}):
            pins[pin.name] = pin.version
            required_by[pin.name] = [source for source in pin.via if source != "service.in"]
    declared = dict(_parse_line(line) for line in _lines(folder / "service.in"))
    implied = {name for name in declared if required_by[name]}
    for name in sorted(additions):
        added = ADDITIONS[name]
        _, reason = declared.get(added.distribution, ("", ""))
        declared[added.distribution] = (added.extras, f"{reason}; {added.reason}" if reason else added.reason)
        implied.discard(added.distribution)  # its own line, because no other line requires its extras
    requirements = []
    for name in declared.keys() - implied:
        extras, reason = declared[name]
        implied_here = sorted(other for other in implied if name in _dependents(other, required_by))
        reason += f"; brings {' and '.join(implied_here)}" if implied_here else ""
        specifier = f"{extras}=={pins[name]}"
        requirements.append(
            Requirement(distribution=name, specifier=specifier, reason=reason, serves="service")
        )
    return ServiceLayer(
        requirements=tuple(sorted(requirements, key=lambda requirement: requirement.distribution)), pins=pins
    )


def _parse_line(line: str) -> tuple[str, tuple[str, str]]:
    """Return the name, the extras and the reason of a line of `service.in`."""
    requirement, _, reason = line.partition("#")
    parsed = PackagingRequirement(requirement.strip())
    extras = f"[{','.join(sorted(parsed.extras))}]" if parsed.extras else ""
    return canonicalize_name(parsed.name), (extras, reason.strip())


def _dependents(name: str, required_by: Mapping[str, Sequence[str]]) -> set[str]:
    """Return every distribution that requires `name`, directly or not."""
    dependents: set[str] = set()
    queue = list(required_by[name])
    while queue:
        source = queue.pop()
        if source not in dependents:
            dependents.add(source)
            queue += required_by.get(source, [])
    return dependents


def _lines(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if re.match(r"\w", line)]


def _folders() -> dict[Profile, Path]:
    """Return the folder with the requirements of each profile."""
    folder = template_path("service")
    return {Profile.FAST: folder, Profile.PLAIN: folder / "plain"}
