"""Files of any file system that fsspec knows: a path, `s3://bucket/key`, `gs://`, `abfs://`."""

import contextlib
import fnmatch
import os
import uuid
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

import fsspec
import pyarrow as pa
from fsspec.implementations.local import LocalFileSystem

MISSING = "__HIVE_DEFAULT_PARTITION__"


class BatchError(Exception):
    """What went wrong, in one message: it ends the run with exit status 1."""


@contextlib.contextmanager
def reading(url: str) -> Iterator[None]:
    """Make one message of what goes wrong while a file is read."""
    try:
        yield
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, pa.ArrowException) as error:
        raise BatchError(f"{url} cannot be read: {error}") from error


class Folder:
    """A folder that gets files, each of them whole."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.fs, self.path = file_system(self.url)
        self._is_local = isinstance(self.fs, LocalFileSystem)

    def read(self, name: str) -> bytes | None:
        """Return the content of a file; None if there is no such file."""
        try:
            return bytes(self.fs.cat_file(f"{self.path}/{name}"))
        except FileNotFoundError:
            return None

    def write(self, name: str, content: bytes) -> None:
        """Write a file. Until it is whole there is no file of this name, or the old one."""
        target = f"{self.path}/{name}"
        if not self._is_local:
            self.fs.pipe_file(target, content)  # one upload: object stores show whole objects only
            return
        parent, file = os.path.split(target)
        os.makedirs(parent, exist_ok=True)
        beside = f"{parent}/.{file}.{uuid.uuid4().hex}"
        with open(beside, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        os.replace(beside, target)

    def names(self, pattern: str) -> list[str]:
        """Return the names of the files that a pattern such as `*.json` matches."""
        self.fs.invalidate_cache(self.path)
        try:
            names = [PurePosixPath(path).name for path in self.fs.ls(self.path, detail=False)]
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(fnmatch.filter(names, pattern))

    def is_empty(self) -> bool:
        """Whether there is nothing in the folder."""
        try:
            return not self.fs.ls(self.path)
        except (FileNotFoundError, NotADirectoryError):
            return not self.fs.exists(self.path)

    def remove_unfinished(self, folder: str) -> None:
        """Remove what a process left that was ended while it wrote."""
        if self._is_local:
            for path in Path(self.path, folder).glob(".*.*.*"):
                with contextlib.suppress(OSError):
                    path.unlink()


def file_system(url: str) -> tuple[Any, str]:
    """Return the file system of a URL and the path in it.

    Raises:
        BatchError: It is of no known file system, or one whose package is not installed.
    """
    try:
        fs, path = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise BatchError(f"{url} cannot be opened: {error}") from None
    return fs, str(path).rstrip("/") or "/"


def partition_values(root: str, path: str) -> dict[str, str | None]:
    """Return the values in the folders between a dataset and a file of it: `date=2026-01-31`.

    They are written as Hive and Spark do: special characters in percent-encoding.
    """
    between = PurePosixPath(path).relative_to(root).parts[:-1]
    pairs = (part.partition("=") for part in between)
    return {
        unquote(name): None if value == MISSING else unquote(value)
        for name, sign, value in pairs
        if sign
    }
