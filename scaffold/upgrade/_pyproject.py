"""The requirements of an owner who keeps them in `pyproject.toml` in place of `requirements.in`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from scaffold.base.layout import PYPROJECT, REQUIREMENTS

_TOOLS = {"uv.lock": "uv add", "poetry.lock": "poetry add", "pdm.lock": "pdm add"}
_TEXT = re.compile(r"\"([^\"\n]+)\"|'([^'\n]+)'")
_KEY = re.compile(r"(?m)^\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*=")


def unwritten_requirements(root: Path, pyproject: str, wanted: Iterable[str]) -> str:
    """Say which requirements no file of the project asks for; empty where each is in its `pyproject.toml`.

    Args:
        root: The project, which has no `requirements.in`.
        pyproject: The text of its `pyproject.toml`: `[project] dependencies`, or Poetry's tables.
        wanted: The requirements of the new state: `numpy==2.4.6`.
    """
    held = _requirements(pyproject)
    missing = [text for text in wanted if not _is_met(text, held)]
    if not missing:
        return ""
    lines = " ".join(f"'{text}'" for text in missing)
    tool = next((command for lock, command in _TOOLS.items() if (root / lock).is_file()), "")
    advice = f"Add them:  {tool} {lines}" if tool else f"Expected are {REQUIREMENTS}, or these lines there."
    return f"{REQUIREMENTS} is not kept, and [project] of {PYPROJECT} does not ask for {lines}. {advice}"


def _requirements(text: str) -> dict[str, Requirement | None]:
    """What the texts and keys of a TOML file ask for, by name; None where a key has the version."""
    found: dict[str, Requirement | None] = {canonicalize_name(key): None for key in _KEY.findall(text)}
    for pair in _TEXT.findall(text):
        try:
            requirement = Requirement("".join(pair))
        except InvalidRequirement:
            continue
        found[canonicalize_name(requirement.name)] = requirement
    return found


def _is_met(text: str, held: dict[str, Requirement | None]) -> bool:
    """Whether a requirement with this name is there, and allows the version that is pinned."""
    try:
        wanted = Requirement(text)
    except InvalidRequirement:
        return True
    name = canonicalize_name(wanted.name)
    if name not in held:
        return False
    asked = held[name]
    pins = [each.version for each in wanted.specifier if each.operator == "=="]
    return asked is None or all(asked.specifier.contains(pin, prereleases=True) for pin in pins)
