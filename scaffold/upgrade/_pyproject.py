"""The requirements of an owner who keeps them in `pyproject.toml` in place of `requirements.in`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from scaffold.base.checked import read_below
from scaffold.base.layout import PYPROJECT, REQUIREMENTS
from scaffold.base.other_tools import find_locking_tool, locked_versions
from scaffold.base.toml_text import toml_document, toml_table
from scaffold.errors.wording import shell_line


def unwritten_requirements(root: Path, pyproject: str, wanted: Iterable[str]) -> str:
    """Say which requirements no file of the project asks for, or locks in another version; empty if none.

    Args:
        root: The project, which has no `requirements.in`.
        pyproject: The text of its `pyproject.toml`: `[project] dependencies`, or Poetry's tables.
        wanted: The requirements of the new state: `numpy==2.4.6`.
    """
    wanted = tuple(wanted)
    held, tool = _requirements(toml_document(pyproject)), find_locking_tool(root)
    missing = [text for text in wanted if not _is_met(text, held)]
    locked = locked_versions(read_below(root, tool.lock).decode("utf-8", "replace")) if tool else {}
    others = {text: _other_version(text, locked) for text in wanted if text not in missing}
    others = {text: version for text, version in others.items() if version}
    told = []
    if missing:
        lines = " ".join(f"'{text}'" for text in missing)
        told.append(f"{REQUIREMENTS} is not kept, and [project] of {PYPROJECT} does not ask for {lines}.")
    if tool and others:
        versions = ", ".join(f"{version} in place of {text}" for text, version in others.items())
        told.append(f"{tool.lock} has {versions}.")
    if tool and told:
        told.append(f"Add them:  {shell_line(*tool.add, *missing, *others)}")
    elif told:
        told.append(f"Expected are {REQUIREMENTS}, or these lines there.")
    return " ".join(told)


def _requirements(pyproject: dict[str, Any]) -> dict[str, Requirement | None]:
    """What a `pyproject.toml` asks for, by name; None where Poetry's table has the version.

    Optional dependencies and groups do not count: an image does not install them.
    """
    found: dict[str, Requirement | None] = {
        canonicalize_name(name): None for name in toml_table(pyproject, "tool", "poetry", "dependencies")
    }
    asked = toml_table(pyproject, "project").get("dependencies")
    for text in asked if isinstance(asked, list) else ():
        try:
            requirement = Requirement(str(text))
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


def _other_version(text: str, locked: dict[str, set[str]]) -> str:
    """The version that is locked in place of the pinned one; empty where that one is, or where none is."""
    try:
        wanted = Requirement(text)
    except InvalidRequirement:
        return ""
    versions = locked.get(canonicalize_name(wanted.name), set())
    if not versions or any(wanted.specifier.contains(each, prereleases=True) for each in versions):
        return ""
    return f"{wanted.name} {', '.join(sorted(versions))}"
