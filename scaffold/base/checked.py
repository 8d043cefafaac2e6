"""Checked access to the files of a project, which anybody may have written.

Standard library only.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path, PurePosixPath

from scaffold.base.layout import (
    BASE,
    DEPLOY,
    KUSTOMIZATION,
    KUSTOMIZATIONS,
    MODEL_FILE,
    MODEL_FOLDERS,
    PYTHON,
)
from scaffold.errors import FileTooLargeError, NotARegularFileError, PythonVersionError, UnsafePathError

LARGEST_TEXT_BYTES = 64 << 20
"""The most for a lock, a record or a recorded sample: this package writes no larger one."""


def checked_path(root: Path, path: object) -> str:
    """Return `path`, the relative path of a file of the project `root` as POSIX writes it.

    Raises:
        UnsafePathError: The path is absolute, leads upwards or into `.git`, or is not valid on all systems.
    """
    if not isinstance(path, str):
        raise UnsafePathError(str(root), repr(path)[:80], "is no text")
    if reason := _unsafe(path):
        raise UnsafePathError(str(root), path, reason)
    return path


def is_safe_path(path: str) -> bool:
    """Whether `checked_path` accepts the path."""
    return not _unsafe(path)


def path_below(root: Path, path: object, *, link: bool = False) -> Path:
    """Return the absolute path of the file `path` of the project `root`, which may not exist.

    Args:
        root: The project.
        path: Relative to it, as a record, a journal or a template names it.
        link: Whether the last part may be a symbolic link, for callers that do not follow it.

    Raises:
        UnsafePathError: It leads out of the project, or through a symbolic link.
    """
    place = root
    parts = PurePosixPath(checked_path(root, path)).parts
    for number, part in enumerate(parts, start=1):
        place /= part
        if place.is_symlink() and not (link and number == len(parts)):
            parent = "/".join(parts[:number])
            reason = f"leads through the symbolic link {parent}"
            raise UnsafePathError(str(root), "/".join(parts), reason, parent)
    return place


def read_below(root: Path, path: str) -> bytes:
    """Return the content of the file `path` of the project `root`.

    Raises:
        UnsafePathError: The path leads through a symbolic link.
        OSError: The file is missing or unreadable.
        ProjectError: The file is not regular, or larger than `LARGEST_TEXT_BYTES`.
    """
    place = path_below(root, path)
    size_bytes = place.stat().st_size
    if not place.is_file():
        raise NotARegularFileError(str(place))
    if size_bytes > LARGEST_TEXT_BYTES:
        raise FileTooLargeError(str(place), size_bytes, LARGEST_TEXT_BYTES)
    return place.read_bytes()


def model_files(root: Path) -> list[Path]:
    """Return the model files in the project `root`: empty if missing, several if the owner added more.

    Raises:
        UnsafePathError: Its folder leads through a symbolic link.
    """
    for folder in MODEL_FOLDERS:
        candidates = sorted(path_below(root, folder).glob(MODEL_FILE))
        if files := [path for path in candidates if path.is_file() and not path.is_symlink()]:
            return files
    return []


def target_names(root: Path) -> list[str]:
    """Return the targets that the project `root` can be deployed to: the folders below `deploy/`.

    Raises:
        UnsafePathError: `deploy/` is a symbolic link.
    """
    folder = path_below(root, DEPLOY)
    folders = {path.parent for name in KUSTOMIZATIONS for path in folder.glob(f"*/{name}")}
    return sorted(folder.name for folder in folders if folder != root / BASE)


def kustomization_in(folder: Path) -> Path:
    """Return the kustomization of a folder, under one of its names; that of ours if there is none."""
    paths = (folder / name for name in KUSTOMIZATIONS)
    return next((path for path in paths if path.is_file()), folder / KUSTOMIZATION)


def python_version(root: Path) -> str:
    """Return the Python version of the project's lock, `3.11`; the running one without `.python-version`.

    Raises:
        ProjectError: The file does not hold a version.
    """
    try:
        text = read_below(root, PYTHON).decode("utf-8", "replace").strip()
    except OSError:
        return f"{sys.version_info.major}.{sys.version_info.minor}"
    if not re.fullmatch(r"3\.\d{1,2}(\.\d{1,2})?", text, re.ASCII):
        raise PythonVersionError(str(root / PYTHON), text)
    return text


def _unsafe(path: str) -> str:
    """Return why a path is refused; empty for a safe path."""
    parts = path.split("/")
    if path.startswith("/") or re.match(r"[A-Za-z]:", path):
        return "is absolute"
    if ".." in parts:
        return "leads upwards"
    if "\\" in path or not path.isprintable():
        return "holds a character that no path of a project has"
    if not all(parts) or "." in parts:
        return "is not in its shortest form"
    if ".git" in map(str.lower, parts):
        return "leads into the folder of git"
    return ""
