"""The folder of files: each under its sha256, on this machine or at a URL that fsspec opens."""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scaffold.base.files import sha256_file
from scaffold.base.urls import without_credentials
from scaffold.errors import StoreFilesError

URL_VARIABLE = "SCAFFOLD_STORE_FILES"
_NAME = re.compile(r"(?P<sha256>[0-9a-f]{64})(?P<suffix>(?:\.[A-Za-z0-9]{1,12}){0,2})")
"""The name of a file. A database may hold any text: nothing else becomes a path."""
_SUFFIX = re.compile(r"(?:\.[A-Za-z0-9]{1,12}){1,2}\Z")
_APPEAR_AT_ONCE = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss"})
"""Schemes of object stores: a file becomes visible when its upload is complete."""


class Files:
    """The models and samples of a store. A file never changes, for its name is the hash of its content."""

    def __init__(self, url: str) -> None:
        """`url` is a folder, `file://` or a URL that fsspec opens."""
        self._url = url.rstrip("/")
        self._scheme = url.partition("://")[0] if "://" in url else "file"
        self._folder = Path(url.removeprefix("file://")).expanduser() if self._scheme == "file" else None
        self.place = str(self._folder or without_credentials(self._url))
        """Where they are, without credentials."""

    def add_file(self, path: Path, name: str) -> None:
        """Copy a file into the folder, in one rename, under the name that `file_name` returned for it.

        Raises:
            StoreFilesError: The folder cannot be written.
        """
        with self._named():
            if self._folder is not None:
                _copy(path, self._folder / name)
                return
            filesystem, root = self._filesystem()
            target = f"{root}/{name}"
            if filesystem.exists(target) and filesystem.size(target) == path.stat().st_size:
                return
            if self._scheme in _APPEAR_AT_ONCE:  # and have no folders
                filesystem.put_file(str(path), target)
                return
            filesystem.makedirs(root, exist_ok=True)
            partial = f"{root}/.partial-{os.urandom(8).hex()}"
            filesystem.put_file(str(path), partial)
            filesystem.mv(partial, target)

    def get(self, name: str, folder: Path, stem: str) -> Path:
        """Copy a file out of the store and return the copy, which has the content that was put.

        Args:
            name: As `file_name` returned it, or whatever a database holds.
            folder: Where the copy goes.
            stem: Its name there, without the suffix.

        Raises:
            StoreFilesError: The file is not there or has changed, or it is no name of a file.
        """
        match = _NAME.fullmatch(name)
        if match is None:
            raise self._error(f"{name[:100]!r} is no name of a file")
        target = folder / f"{stem}{match['suffix']}"
        with self._named(name):
            if self._folder is not None:
                shutil.copyfile(self._folder / name, target)
            else:
                filesystem, root = self._filesystem()
                filesystem.get_file(f"{root}/{name}", str(target))
        if sha256_file(target) != match["sha256"]:
            raise self._error(f"{name} has another content than its name says")
        return target

    def _filesystem(self) -> tuple[Any, str]:
        try:
            fsspec = importlib.import_module("fsspec")
        except ImportError as error:
            raise self._error("fsspec is not installed: pip install fsspec") from error
        return fsspec.core.url_to_fs(self._url)  # type: ignore[no-any-return]

    @contextlib.contextmanager
    def _named(self, name: str = "") -> Iterator[None]:
        """Raise StoreFilesError, with the name of a file, for whatever a filesystem raises."""
        try:
            yield
        except StoreFilesError:
            raise
        except Exception as error:  # every filesystem has errors of its own
            lines = str(getattr(error, "strerror", None) or error).splitlines()
            cause = without_credentials(lines[0]) if lines else type(error).__name__
            raise self._error(f"{name}: {cause}" if name else cause) from error

    def _error(self, cause: str) -> StoreFilesError:
        return StoreFilesError(self.place, cause, URL_VARIABLE)


def file_name(path: Path) -> str:
    """Return the name of a file in the folder of files: the sha256 of its content, with its suffix."""
    match = _SUFFIX.search(path.name)
    return sha256_file(path) + (match[0] if match else "")


def sha256_in(name: str) -> str:
    """Return the hash in a name of `file_name`."""
    return name.partition(".")[0]


def _copy(path: Path, target: Path) -> None:
    if target.is_file() and sha256_file(target) == sha256_in(target.name):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    copy = target.with_name(f".partial-{os.urandom(8).hex()}")
    try:
        shutil.copyfile(path, copy)
        copy.replace(target)
    finally:
        copy.unlink(missing_ok=True)
