"""Tools that lock the requirements of a project, and the versions in their lock files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from scaffold.base.layout import LOCK
from scaffold.base.modules import normalized
from scaffold.base.toml_text import toml_document, toml_table


@dataclass(frozen=True, slots=True)
class LockingTool:
    """A tool with a lock file beside `pyproject.toml`."""

    lock: str
    """Its lock: `uv.lock`."""
    add: tuple[str, ...]
    """The command that adds requirements, without them."""
    export: tuple[str, ...]
    """The command that writes `requirements.txt` from the lock."""


UV_LOCK = "uv.lock"
"""The lock that a proof can read without its owner's help."""
UV_EXPORT = ("export", "--frozen", "--no-dev", "--no-emit-project")
"""How uv writes what a service needs of its lock."""
_TOOLS = (
    LockingTool(UV_LOCK, ("uv", "add"), ("uv", *UV_EXPORT, "-o", LOCK)),
    LockingTool("poetry.lock", ("poetry", "add"), ("poetry", "export", "-o", LOCK)),
    LockingTool("pdm.lock", ("pdm", "add"), ("pdm", "export", "--prod", "-o", LOCK)),
)


def find_locking_tool(root: Path) -> LockingTool | None:
    """Return the tool whose lock file is in the folder `root`, or None."""
    return next((tool for tool in _TOOLS if (root / tool.lock).is_file()), None)


def locked_versions(text: str) -> dict[str, set[str]]:
    """Return the versions that the text of `uv.lock`, `poetry.lock` or `pdm.lock` has, by distribution.

    A distribution has several versions if the lock differs by platform or Python version.
    """
    versions: dict[str, set[str]] = {}
    packages = toml_document(text).get("package")
    for package in packages if isinstance(packages, list) else ():
        name, version = (toml_table(package).get(key) for key in ("name", "version"))
        if isinstance(name, str) and isinstance(version, str):
            versions.setdefault(normalized(name), set()).add(version)
    return versions
