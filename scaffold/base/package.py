"""The package of a project's service, which its owner may have moved or renamed. Standard library only."""

from __future__ import annotations

import ast
from pathlib import Path

from scaffold.base.layout import APP, ENTRY, MAIN

_ENTRY = "__main__.py"
_PLACES = tuple(f"{folders}/{_ENTRY}" for folders in ("*", "*/*", "*/*/*"))
_NOT_SERVICES = {"tests", "venv", "node_modules"}


def find_package(root: Path) -> str:
    """Return the path of the package that the service of the project `root` starts: `app`, `src/app`,
    `src/acme/titanic`.

    The package has a `main.py` and a `__main__.py`. Empty if no package matches, or several and none is
    `app`.
    """
    if (root / MAIN).is_file() or (root / ENTRY).is_file():
        return APP
    folders = {path.parent.relative_to(root) for place in _PLACES for path in root.glob(place)}
    packages = [
        path.as_posix()
        for path in sorted(folders)
        if (root / path / "main.py").is_file()
        and not any(part.startswith(".") or part in _NOT_SERVICES for part in path.parts)
    ]
    return packages[0] if len(packages) == 1 else ""


def import_name(root: Path, package: str) -> str:
    """Return the dotted name by which a package imports itself; its last part if it has no such import.

    Args:
        root: The project.
        package: The path of the package. `src/acme/titanic` may be `acme.titanic` or `titanic`.
    """
    imported = [name for file in (_ENTRY, "main.py") for name in _imports(root / package / file)]
    parts = package.split("/")
    names = [".".join(parts[index:]) for index in range(len(parts))]
    own = (name for name in names if any(f"{each}.".startswith(f"{name}.") for each in imported))
    return next(own, parts[-1])


def _imports(path: Path) -> list[str]:
    """The names of the modules that a module imports; none if it cannot be parsed."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return []
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            names.append(node.module or "")
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return names
