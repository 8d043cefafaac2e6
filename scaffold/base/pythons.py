"""The Pythons of this machine: which are installed, and where the one of a given version is."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from scaffold.base.process import Runner
from scaffold.base.uv import uv_command, uv_environment
from scaffold.errors import CommandError, PythonNotFoundError, PythonTooOldError, RequirementFileError

SUPPORTED = ("3.10", "3.11", "3.12", "3.13", "3.14")
"""Minor versions, the oldest first: what `requires-python` of this package says, up to the newest release."""
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"

# Where version managers keep Pythons, which uv does not search: (variable, default root, folders).
_MANAGERS = (
    ("PYENV_ROOT", ".pyenv", "versions/*/bin"),
    ("ASDF_DATA_DIR", ".asdf", "installs/python/*/bin"),
    ("MISE_DATA_DIR", ".local/share/mise", "installs/python/*/bin"),
)


def uv_python_environment(base: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment in which uv finds the Pythons of version managers too.

    A shim of pyenv or asdf runs only the version that its folder selects, and uv treats a failing shim as an
    error: shims are removed from PATH, and the folders of their Pythons are appended.
    """
    environment = uv_environment(base)
    home = Path(environment.get("HOME") or Path.home())
    folders = [
        entry for entry in environment.get("PATH", "").split(os.pathsep) if Path(entry).name != "shims"
    ]
    for variable, default, pattern in _MANAGERS:
        root = Path(environment.get(variable) or home / default)
        folders += sorted(map(str, root.glob(pattern)), key=_version_key, reverse=True)
    environment["PATH"] = os.pathsep.join(folders)
    return environment


def candidate_pythons(requirement: str, preferred: Sequence[str], run: Runner) -> Iterator[str]:
    """Yield the minor versions that `requirement` allows, in the order in which they are to be tried.

    The preferred versions come first, and the running one before the others of them; then the running one in
    any case, those that are installed, the nearest older one first, and those that uv would have to install.

    Args:
        requirement: A specifier of PEP 440, `>=3.9,<3.12`, or a version, `3.11` or `3.11.7`; empty for any.
        preferred: Minor versions.
        run: Runs uv.

    Raises:
        PythonTooOldError: Only versions are allowed that are older than the oldest supported one.
        PythonNotFoundError: Only versions are allowed that do not exist yet.
        RequirementFileError: `requirement` is neither a specifier nor a version.
    """
    if re.fullmatch(r"\d+\.\d+(\.\d+)?(\.\*)?", requirement):
        exact = minor_of(requirement)
        if _number(exact) < _number(SUPPORTED[0]):
            raise PythonTooOldError(exact, SUPPORTED[0])
        yield exact
        return
    try:
        allowed = SpecifierSet(requirement)
    except InvalidSpecifier as error:
        raise RequirementFileError(f"'python{requirement}'", "python") from error
    fitting = [version for version in SUPPORTED if _allows(allowed, version)]
    if not fitting and any(_allows(allowed, f"3.{minor}") for minor in range(5, 10)):
        raise PythonTooOldError(requirement, SUPPORTED[0])
    if not fitting:
        raise PythonNotFoundError(requirement, installed_pythons(run))
    ranked = sorted(preferred, key=lambda version: version != RUNNING)
    first = [version for version in dict.fromkeys((*ranked, RUNNING)) if version in fitting]
    yield from first
    installed = {minor_of(version) for version, _ in installed_pythons(run)}
    older = [version for version in reversed(fitting) if _number(version) < _number(RUNNING)]
    newer = [version for version in fitting if _number(version) > _number(RUNNING)]
    remaining = (version for version in (*older, *newer) if version not in first)
    yield from sorted(remaining, key=lambda version: version not in installed)


def find_python(version: str, run: Runner) -> str:
    """Return the path of a Python of the minor version `version`; uv installs it where none is found.

    Raises:
        PythonNotFoundError: The version is not installed, and uv cannot install it.
    """
    if version == RUNNING:
        return sys.executable
    uv, env = uv_command(), uv_python_environment()
    find = [uv, "python", "find", "--no-project", "--no-python-downloads", version]
    try:
        return run(find, env=env).stdout.strip()
    except CommandError:
        pass
    try:
        # Without internet access this must fail quickly.
        run([uv, "python", "install", "--no-bin", version], env=env | {"UV_HTTP_RETRIES": "0"})
        return run(find, env=env).stdout.strip()
    except CommandError as error:
        raise PythonNotFoundError(version, installed_pythons(run), error.tail) from error


def installed_pythons(run: Runner) -> tuple[tuple[str, str], ...]:
    """Return (version, path) of the Pythons that uv finds, the newest first, one for each version."""
    command = [uv_command(), "python", "list", "--only-installed", "--output-format", "json"]
    try:
        listed = json.loads(run(command, env=uv_python_environment()).stdout or "[]")
    except (CommandError, ValueError):
        listed = []
    paths: dict[str, str] = {}
    for entry in listed:
        paths.setdefault(str(entry["version"]), str(entry["path"]))
    return tuple(sorted(paths.items(), key=lambda item: _version_key(item[0]), reverse=True))


def minor_of(version: str) -> str:
    """`3.11` of `3.11.7`."""
    return ".".join(version.split(".")[:2])


def _allows(allowed: SpecifierSet, version: str) -> bool:
    """Whether a release of the minor version is allowed: `>=3.10.4` and `<3.10.9` both allow some of 3.10."""
    return any(allowed.contains(f"{version}.{patch}") for patch in range(30))


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _version_key(text: str) -> tuple[int, ...]:
    """The version in a path or text, so that 3.9 comes before 3.10."""
    match = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part or 0) for part in match.groups()) if match else ()
