"""Files and folders that are written completely or not at all, and their hashes. Standard library only."""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from scaffold.base.temporary import TemporaryFolder, remove_folder
from scaffold.errors import FolderNotMadeError, TargetNotEmptyError

_BLOCK_BYTES = 1 << 20


def sha256_file(path: Path) -> str:
    """Return the sha256 of the file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def is_file(path: str | Path) -> bool:
    """Whether a file is at a path; no file is at one that is too long or no path at all."""
    return os.path.isfile(path)  # noqa: PTH113 - Path.is_file raises an error for those


def is_folder(path: str | Path) -> bool:
    """Whether a folder is at a path; none is at one that is too long or no path at all."""
    return os.path.isdir(path)  # noqa: PTH112 - Path.is_dir raises an error for those


def keep_until_exit(path: Path, digest: str) -> Path:
    """Move a file out of a temporary folder and return its new path, which stays until this process ends.

    Args:
        path: The file.
        digest: Its sha256: files with the same content become one.
    """
    target = Path(_kept_files().name) / digest / path.name
    if not target.is_file():
        target.parent.mkdir(exist_ok=True)
        shutil.move(path, target)
    return target


@functools.cache
def _kept_files() -> TemporaryFolder:
    """A folder that Python removes when this process ends, and a later run where this one is killed."""
    return TemporaryFolder("kept")


def copy_below(root: Path, relative: Path, target: Path) -> None:
    """Copy the regular file `relative` below `root`, whose content somebody else may change meanwhile.

    Args:
        root: A folder; it is not left, not even through a link.
        relative: The file, relative to `root`.
        target: Where the copy goes; an older file there is overwritten.

    Raises:
        OSError: A part of the path is a link, or the file is no regular one.
    """
    if os.open not in os.supports_dir_fd or not hasattr(os, "O_NOFOLLOW"):
        _copy_checked(root, relative, target)
        return
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in relative.parts[:-1]:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = inner
        file = os.open(relative.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    finally:
        os.close(folder)
    with open(file, "rb") as source, target.open("wb") as copy:  # noqa: PTH123 - a descriptor
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise OSError(errno.EINVAL, "no regular file", str(relative))
        shutil.copyfileobj(source, copy)


def _copy_checked(root: Path, relative: Path, target: Path) -> None:
    """Copy a file as `copy_below` does, on systems (Windows) that open no file relative to a folder.

    A link that appears between check and copy is followed.
    """
    place = root
    for part in relative.parts:
        place /= part
        if place.is_symlink():
            raise OSError(errno.ELOOP, "a symbolic link", str(relative))
    if not place.is_file():
        raise OSError(errno.EINVAL, "no regular file", str(relative))
    shutil.copyfile(place, target)


def require_empty(target: Path) -> None:
    """Return if `target` is absent or an empty folder.

    Raises:
        TargetNotEmptyError: It is a file, or holds something.
    """
    if target.is_dir():
        names = sorted(entry.name for entry in target.iterdir())
        if names:
            raise TargetNotEmptyError(str(target), tuple(names))
    elif target.exists() or target.is_symlink():
        raise TargetNotEmptyError(str(target))


@contextlib.contextmanager
def staged(target: Path) -> Iterator[Path]:
    """Give an empty folder beside `target` that becomes `target`, in one rename, when the block ends well.

    When the block raises, whatever it is, the folder is removed and `target` is as it was. A folder that a
    killed process left behind is removed by the next call for the same target.
    """
    require_empty(target)
    target = target.absolute()
    parents = _missing_parents(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FolderNotMadeError(str(target.parent), error.strerror or str(error)) from error
    prefix = f".{target.name}.partial-"
    for leftover in target.parent.glob(f"{prefix}*"):
        if not _runs(leftover.name.removeprefix(prefix).partition("-")[0]):
            shutil.rmtree(leftover, ignore_errors=True)
    try:
        folder = Path(tempfile.mkdtemp(prefix=f"{prefix}{os.getpid()}-", dir=target.parent))
    except OSError as error:
        raise FolderNotMadeError(str(target), error.strerror or str(error)) from error
    try:
        folder.chmod(0o777 & ~_umask())
        yield folder
        require_empty(target)
        folder.rename(target)
    except BaseException:
        remove_folder(folder)
        for parent in parents:
            with contextlib.suppress(OSError):
                parent.rmdir()
        raise


def _missing_parents(target: Path) -> list[Path]:
    """The folders above `target` that are not there yet, the deepest first."""
    return [parent for parent in target.parents if not parent.exists()]


def _runs(pid: str) -> bool:
    if not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
