"""The package of a project's service, which its owner may have moved or renamed. Standard library only."""

from __future__ import annotations

from pathlib import Path

from scaffold.base.layout import APP, ENTRY, MAIN

_ENTRY = "__main__.py"
_PLACES = (f"*/{_ENTRY}", f"*/*/{_ENTRY}")
_NOT_SERVICES = {"tests", "venv", "node_modules"}


def find_package(root: Path) -> str:
    """Return the path of the package that the service of the project `root` starts: `app`, `src/app`.

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
