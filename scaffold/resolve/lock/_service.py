"""The service layer: what the generated code itself imports, in the versions that are tested."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement as Parsed
from packaging.utils import canonicalize_name

from scaffold.base.lockfile import Lock
from scaffold.spec import Requirement


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLayer:
    """The requirements of the generated code, and the lock that they were tested with."""

    requirements: tuple[Requirement, ...]
    """With the version in the specifier and a reason each."""
    pins: Mapping[str, str]
    """Version by distribution, for one Python."""


def read_service_layer(
    python: str, folder: Path | None = None, *, opentelemetry: bool = False
) -> ServiceLayer:
    """Return the service layer for `python` (`3.11`) from `service.in` and `service.txt` in `folder`.

    What comes along with another line of `service.in` has no line of its own; the other's reason names it.
    """
    folder = folder or _template()
    locked = [*Lock.parse((folder / "service.txt").read_text(encoding="utf-8")).pins]
    if opentelemetry:
        locked += Lock.parse((folder / "opentelemetry.txt").read_text(encoding="utf-8")).pins
    pins: dict[str, str] = {}
    sources: dict[str, list[str]] = {}
    for pin in locked:
        if not pin.marker or Marker(pin.marker).evaluate({"python_full_version": f"{python}.0"}):
            pins[pin.name] = pin.version
            sources[pin.name] = [source for source in pin.via if source != "service.in"]
    asked = dict(_asked(line) for line in _lines(folder / "service.in"))
    brought = {name for name in asked if sources[name]}
    if opentelemetry:
        brought.remove("fastapi")  # a line of its own, for what it is asked for besides
        asked["fastapi"] = ("[opentelemetry]", f"{asked['fastapi'][1]}; OpenTelemetry, as was answered")
    requirements = []
    for name in asked.keys() - brought:
        extras, reason = asked[name]
        along = sorted(other for other in brought if name in _bringers(other, sources))
        reason += f"; brings {' and '.join(along)}" if along else ""
        specifier = f"{extras}=={pins[name]}"
        requirements.append(
            Requirement(distribution=name, specifier=specifier, reason=reason, serves="service")
        )
    return ServiceLayer(
        requirements=tuple(sorted(requirements, key=lambda requirement: requirement.distribution)), pins=pins
    )


def _asked(line: str) -> tuple[str, tuple[str, str]]:
    """The name, the extras and the reason of a line of `service.in`."""
    requirement, _, reason = line.partition("#")
    parsed = Parsed(requirement.strip())
    extras = f"[{','.join(sorted(parsed.extras))}]" if parsed.extras else ""
    return canonicalize_name(parsed.name), (extras, reason.strip())


def _bringers(name: str, sources: Mapping[str, Sequence[str]]) -> set[str]:
    """All that require `name`, directly or not."""
    found: set[str] = set()
    queue = list(sources[name])
    while queue:
        source = queue.pop()
        if source not in found:
            found.add(source)
            queue += sources.get(source, [])
    return found


def _lines(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if re.match(r"\w", line)]


def _template() -> Path:
    """Where the template is: inside the installed package, or in a checkout."""
    packaged = Path(str(files("scaffold"))) / "_templates" / "service"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "templates" / "service"
