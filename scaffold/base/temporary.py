"""Temporary folders that a later run removes if the process that made them was killed. Standard library only.

A process holds a lock on each of its folders. The kernel releases the lock when the process ends, in whatever
way: a folder without a lock is in use by no process.

Source: flock(2); it works on a folder, and across PID namespaces that share the folder.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from scaffold.errors import NoTemporaryFolderError

_PREFIX, _SUFFIX = "scaffold-", ".run"
_LEAST_AGE_S = 600.0
"""A younger folder may be one that its process is about to lock."""


class TemporaryFolder(tempfile.TemporaryDirectory[str]):
    """A folder below the temporary one. The first of a process removes the folders of killed processes."""

    def __init__(self, purpose: str) -> None:
        """`purpose` is part of the folder's name.

        Raises:
            NoTemporaryFolderError: No folder can be written.
        """
        _sweep_once()
        try:
            super().__init__(prefix=f"{_PREFIX}{purpose}-", suffix=_SUFFIX, ignore_cleanup_errors=True)
        except OSError as error:
            cause = error.strerror or str(error)
            if error.filename:
                cause = f"{cause}: {Path(error.filename).parent}"
            raise NoTemporaryFolderError(cause) from error
        self._lock = _locked(Path(self.name))

    def cleanup(self) -> None:
        """Remove the folder. An interrupt in the middle of this is raised when the folder is gone."""
        _finish(super().cleanup)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def remove_folder(folder: Path) -> None:
    """Remove a folder and ignore errors. An interrupt in the middle of this is raised when it is gone."""
    _finish(lambda: shutil.rmtree(folder, ignore_errors=True))


def _finish(remove: Callable[[], None]) -> None:
    """Run a removal; after an interrupt run it again, and raise the interrupt then."""
    try:
        remove()
    except KeyboardInterrupt:
        remove()
        raise


@functools.cache
def _sweep_once() -> None:
    with contextlib.suppress(OSError):
        sweep(Path(tempfile.gettempdir()))


def sweep(parent: Path) -> None:
    """Remove the folders in `parent` that this user's killed processes left."""
    for folder in parent.glob(f"{_PREFIX}*{_SUFFIX}"):
        if not _is_old_and_own(folder):
            continue
        lock = _locked(folder)
        if lock is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def _is_old_and_own(folder: Path) -> bool:
    try:
        status = folder.lstat()
    except OSError:
        return False
    is_own = hasattr(os, "getuid") and status.st_uid == os.getuid()
    return is_own and stat.S_ISDIR(status.st_mode) and time.time() - status.st_mtime > _LEAST_AGE_S


def _locked(folder: Path) -> int | None:
    """Return a descriptor that holds the lock of a folder; `None` if another process has it."""
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    return lock
