"""Files of any file system that fsspec knows: a path, `s3://bucket/key`, `gs://`, `abfs://`."""

import contextlib
import fnmatch
import os
import uuid
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

import fsspec
from fsspec.implementations.local import LocalFileSystem

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

MISSING = "__HIVE_DEFAULT_PARTITION__"


class BatchError(Exception):
    """What went wrong, in one message: it ends the run with exit status 1."""


@contextlib.contextmanager
def reading(url: str, *, what: str = "read") -> Iterator[None]:
    """Make one message of what goes wrong while a file is read; each file system has own errors."""
    try:
        yield
    except BatchError:
        raise
    except Exception as error:
        raise BatchError(f"{url} cannot be {what}: {error or type(error).__name__}") from error


def writing(url: str) -> contextlib.AbstractContextManager[None]:
    """Make one message of what goes wrong while a file is written."""
    return reading(url, what="written")


class Folder:
    """A folder that gets files, each of them whole."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.fs, self.path = file_system(self.url)
        self._is_local = isinstance(self.fs, LocalFileSystem)
        self._locked = -1

    def lock(self, *, alone: bool) -> None:
        """Make the folder, and keep other runs out until this process ends; shares let shares in.

        An object store has no locks. There two runs write the same objects twice.

        Raises:
            BatchError: Another run has the folder, or it cannot be made.
        """
        if not self._is_local or fcntl is None:
            return
        with writing(self.url):
            os.makedirs(self.path, exist_ok=True)
            self._locked = os.open(self.path, os.O_RDONLY)
            try:
                kind = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
                fcntl.flock(self._locked, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BatchError(
                    f"Another run writes to {self.url}. Wait until it has ended, or end it."
                ) from None
            except OSError:
                pass  # a file system without locks

    def read(self, name: str) -> bytes | None:
        """Return the content of a file; None if there is no such file."""
        try:
            with reading(f"{self.url}/{name}"):
                return bytes(self.fs.cat_file(f"{self.path}/{name}"))
        except BatchError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return None
            raise

    def write(self, name: str, content: bytes) -> None:
        """Write a file. Until it is whole there is no file of this name, or the old one."""
        with writing(f"{self.url}/{name}"):
            self._write(f"{self.path}/{name}", content)

    def _write(self, target: str, content: bytes) -> None:
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
        return sorted(fnmatch.filter(self._names(), pattern))

    def is_empty(self) -> bool:
        """Whether there is nothing in the folder.

        Raises:
            BatchError: It is a file.
        """
        return not self._names()

    def _names(self) -> list[str]:
        self.fs.invalidate_cache(self.path)
        with reading(self.url):
            if not self.fs.exists(self.path):
                return []
            if self._is_local and not self.fs.isdir(self.path):
                raise BatchError(f"{self.url} is a file. Name a folder.")
            return [PurePosixPath(path).name for path in self.fs.ls(self.path, detail=False)]

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
    with reading(url, what="opened"):
        fs, path = fsspec.core.url_to_fs(url)
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
