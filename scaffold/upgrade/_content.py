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
    """A file that is replaced and never merged, such as a model or a picture; compared by hash."""

    sha256: str
    path: Path | None = field(default=None, compare=False)
    """The path of the file with these bytes, if it still exists."""


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
"""Folders that do not belong to a project."""

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
    root: Path, paths: Iterable[str], known_hashes: Mapping[str, str] = MappingProxyType({})
) -> dict[str, Content]:
    """Return the content of the files among `paths` that exist in `root`.

    Args:
        root: A folder.
        paths: Relative to it.
        known_hashes: The sha256 of just written files, by path, which saves reading large files again.

    Raises:
        UnsafePathError: A path leads out of `root`.
    """
    contents = {}
    for path in sorted(set(paths)):
        file = path_below(root, path, link=True)
        if file.is_symlink() or file.is_file():
            contents[path] = read_content(file, known_hashes.get(path, ""))
    return contents


def read_folder(root: Path) -> dict[str, Content]:
    """Return the content of every file in a folder."""
    return read_tree(root, (path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()))


def walk_files(root: Path) -> Iterator[str]:
    """Yield the path of every file of a project that a merge may read."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in NOT_COPIED)
        relative = Path(folder).relative_to(root)
        for name in sorted(files):
            path = (relative / name).as_posix()
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
