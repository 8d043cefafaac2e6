"""The content of a project's files, as a merge needs it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

from scaffold.base.checked import is_safe_path, path_below
from scaffold.base.files import sha256_file
from scaffold.base.layout import ENVIRONMENT, STATE

LARGEST_TEXT_BYTES = 4 << 20
"""Larger files, and files that are not UTF-8 text, are compared by hash only."""


@dataclass(frozen=True, slots=True)
class Opaque:
    """A file that is not merged, only replaced: a model, a picture; equal where the hash is."""

    sha256: str
    path: Path | None = field(default=None, compare=False)
    """The file with its bytes, if it still exists."""


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link of the owner's: it is never followed and never replaced unasked."""

    target: str


NOT_COPIED = (
    STATE,
    ".git",
    ENVIRONMENT,
    "venv",
    "node_modules",
    "__pycache__",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
)
"""Folders that are no part of a project."""

Content: TypeAlias = bytes | Opaque | Link


def read_content(path: Path, sha256: str = "") -> Content:
    """The text of a file, or its hash where it is large or no text; `sha256` where that is known already."""
    if path.is_symlink():
        return Link(str(path.readlink()))
    if path.stat().st_size <= LARGEST_TEXT_BYTES:
        content = path.read_bytes()
        if is_text(content):
            return content
    return Opaque(sha256 or sha256_file(path), path)


def read_tree(
    root: Path, paths: Iterable[str], known: Mapping[str, str] = MappingProxyType({})
) -> dict[str, Content]:
    """What `root` holds of `paths`.

    Args:
        root: A folder.
        paths: Relative to it.
        known: The sha256 of files that were just written, by path: a large file is not read again for it.

    Raises:
        UnsafePathError: A path leads out of `root`.
    """
    found = {}
    for path in sorted(set(paths)):
        file = path_below(root, path, link=True)
        if file.is_symlink() or file.is_file():
            found[path] = read_content(file, known.get(path, ""))
    return found


def read_folder(root: Path) -> dict[str, Content]:
    """All that a folder holds."""
    return read_tree(root, (path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()))


def walk_files(root: Path) -> Iterator[str]:
    """The path of every file of a project that a merge may look at."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in NOT_COPIED)
        here = Path(folder).relative_to(root)
        for name in sorted(files):
            path = (here / name).as_posix()
            if is_safe_path(path):
                yield path


def is_text(content: bytes) -> bool:
    """Whether these bytes are UTF-8 text."""
    if b"\0" in content:
        return False
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def content_sha256(content: Content) -> str:
    """The hash of a file's bytes; of a link, that of its target's name."""
    match content:
        case bytes():
            return hashlib.sha256(content).hexdigest()
        case Opaque(sha256):
            return sha256
        case Link(target):
            return hashlib.sha256(target.encode()).hexdigest()
