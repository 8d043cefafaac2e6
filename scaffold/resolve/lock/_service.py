"""The service layer: the requirements of the generated code, in the versions of its tests."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement as PackagingRequirement
from packaging.utils import canonicalize_name

from scaffold.base.lockfile import Lock
from scaffold.base.templates import template_path
from scaffold.spec import Profile, Requirement

_ONNX_REASON = "runs model/fast.onnx: app/fast.py"


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
    opentelemetry: bool = False,
    onnx: bool = False,
) -> ServiceLayer:
    """Return the service layer for `python` (`3.11`) from `service.in` and `service.txt` in `folder`.

    Without `folder` these are the files of `profile`.

    A distribution that another line of `service.in` requires gets no line; the reason of that line names it.
    """
    folder = folder or _folders()[profile]
    locked = [*Lock.parse((folder / "service.txt").read_text(encoding="utf-8")).pins]
    if opentelemetry:
        locked += Lock.parse(
            (template_path("service") / "opentelemetry.txt").read_text(encoding="utf-8")
        ).pins
    if onnx:
        locked += Lock.parse((template_path("service") / "onnx.txt").read_text(encoding="utf-8")).pins
    pins: dict[str, str] = {}
    required_by: dict[str, list[str]] = {}
    for pin in locked:
        if not pin.marker or Marker(pin.marker).evaluate({"python_full_version": f"{python}.0"}):
            pins[pin.name] = pin.version
            required_by[pin.name] = [source for source in pin.via if source != "service.in"]
    declared = dict(_parse_line(line) for line in _lines(folder / "service.in"))
    implied = {name for name in declared if required_by[name]}
    if opentelemetry:
        implied.discard("fastapi")  # its own line, because no other line requires the extra
        declared["fastapi"] = ("[opentelemetry]", f"{declared['fastapi'][1]}; OpenTelemetry, as was answered")
    if onnx:
        declared["onnxruntime"] = ("", _ONNX_REASON)
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
