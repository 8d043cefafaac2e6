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


def unwritten_requirements(root: Path, pyproject: str, requirements: Iterable[str]) -> str:
    """Return a message on requirements that no file of the project has in this version; empty if none.

    Args:
        root: The project, which has no `requirements.in`.
        pyproject: The text of its `pyproject.toml`: `[project] dependencies`, or Poetry's tables.
        requirements: The requirements of the new state: `numpy==2.4.6`.
    """
    requirements = tuple(requirements)
    declared, tool = _requirements(toml_document(pyproject)), find_locking_tool(root)
    missing = [text for text in requirements if not _is_met(text, declared)]
    locked = locked_versions(read_below(root, tool.lock).decode("utf-8", "replace")) if tool else {}
    locked_otherwise = {text: _other_version(text, locked) for text in requirements if text not in missing}
    locked_otherwise = {text: version for text, version in locked_otherwise.items() if version}
    messages = []
    if missing:
        lines = " ".join(f"'{text}'" for text in missing)
        messages.append(f"{REQUIREMENTS} is not kept, and [project] of {PYPROJECT} does not ask for {lines}.")
    if tool and locked_otherwise:
        versions = ", ".join(f"{version} in place of {text}" for text, version in locked_otherwise.items())
        messages.append(f"{tool.lock} has {versions}.")
    if tool and messages:
        messages.append(f"Add them:  {shell_line(*tool.add, *missing, *locked_otherwise)}")
    elif messages:
        messages.append(f"Expected are {REQUIREMENTS}, or these lines there.")
    return " ".join(messages)


def _requirements(pyproject: dict[str, Any]) -> dict[str, Requirement | None]:
    """Return the requirements in a `pyproject.toml` by name; None if the version is in Poetry's table.

    Optional dependencies and groups do not count: an image does not install them.
    """
    requirements: dict[str, Requirement | None] = {
        canonicalize_name(name): None for name in toml_table(pyproject, "tool", "poetry", "dependencies")
    }
    dependencies = toml_table(pyproject, "project").get("dependencies")
    for text in dependencies if isinstance(dependencies, list) else ():
        try:
            requirement = Requirement(str(text))
        except InvalidRequirement:
            continue
        requirements[canonicalize_name(requirement.name)] = requirement
    return requirements


def _is_met(text: str, declared: dict[str, Requirement | None]) -> bool:
    """Whether a declared requirement has this name and allows the pinned version."""
    try:
        pinned = Requirement(text)
    except InvalidRequirement:
        return True
    name = canonicalize_name(pinned.name)
    if name not in declared:
        return False
    declaration = declared[name]
    pins = [each.version for each in pinned.specifier if each.operator == "=="]
    return declaration is None or all(declaration.specifier.contains(pin, prereleases=True) for pin in pins)


def _other_version(text: str, locked: dict[str, set[str]]) -> str:
    """Return the locked version if it is not the pinned one; empty if it is, or if none is locked."""
    try:
        pinned = Requirement(text)
    except InvalidRequirement:
        return ""
    versions = locked.get(canonicalize_name(pinned.name), set())
    if not versions or any(pinned.specifier.contains(each, prereleases=True) for each in versions):
        return ""
    return f"{pinned.name} {', '.join(sorted(versions))}"
