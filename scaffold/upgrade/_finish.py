"""Move the files of a committed change to their places: all of them, or none.

It runs as a separate process in its own session and imports only the standard library, so that it
continues if the command that started it is killed. After a power cut, the next command of the same user on
the same machine runs it again; a change that came with a project is never carried out.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from scaffold.base.checked import path_below, read_below
from scaffold.base.layout import STATE, UNDO, UPDATE
from scaffold.base.pending import forget_pending, is_pending
from scaffold.errors import DamagedJournalError, ForeignChangeError, ScaffoldError

JOURNAL = "journal.json"
NOT_TOUCHED = 2
"""The exit status if the change was neither applied nor rolled back."""


class Entry(NamedTuple):
    """One file of a change: the hashes of what it had and of what it gets, empty where there is no file."""

    path: str
    had: str
    gets: str


def finish(root: Path) -> str:
    """Carry out the change that is staged in `root`, or take it back; return why, if it was taken back.

    A change without a journal was not committed, and one whose files were touched since is no longer wanted.

    Raises:
        ForeignChangeError: It was not begun here. Nothing was done.
        UnsafePathError: It leads out of the project. Nothing was done.
    """
    with project_lock(root):
        folder = path_below(root, UPDATE)
        if not os.path.lexists(folder / JOURNAL):
            shutil.rmtree(folder, ignore_errors=True)
            return ""
        # Files are removed last, because that cannot fail for lack of space.
        entries = sorted(enumerate(read_pending(root)), key=lambda item: not item[1].gets)
        try:
            for number, entry in entries:
                _move(root, folder, number, entry)
            for parent in {(root / entry.path).parent for _, entry in entries}:
                _sync(parent)
            shutil.rmtree(root / UNDO, ignore_errors=True)
            folder.rename(root / UNDO)
        except OSError as error:
            reason = _restore(root, folder, entries, error)
        else:
            reason = ""
        forget_pending(root)
        return reason


@contextlib.contextmanager
def project_lock(root: Path) -> Iterator[None]:
    """Hold the lock for changes of the project's files; the system releases it if the process dies."""
    folder = path_below(root, STATE)
    folder.mkdir(exist_ok=True)
    with contextlib.ExitStack() as stack:
        # Not every file system has locks, and Windows opens no folders.
        with contextlib.suppress(ImportError, OSError):
            import fcntl

            descriptor = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


def read_pending(root: Path) -> list[Entry]:
    """The files of the change that is staged in `root`, which this user began on this machine.

    Raises:
        ForeignChangeError: It was begun elsewhere.
        UpgradeError, ProjectError: Its journal is damaged, or leads out of the project.
    """
    change, entries = _read_journal(root, UPDATE)
    if not is_pending(root, change):
        raise ForeignChangeError(str(root))
    return entries


def read_journal(folder: Path) -> list[Entry]:
    """The files of the change in `folder`, which is `UPDATE` or `UNDO` of a project, by their numbers.

    Raises:
        UpgradeError, ProjectError: Its journal is damaged, or leads out of the project.
    """
    root = folder.parent.parent
    return _read_journal(root, folder.relative_to(root).as_posix())[1]


def _read_journal(root: Path, folder: str) -> tuple[str, list[Entry]]:
    """The id of a change and its files; each path was checked, and so was where its content is staged."""
    text = read_below(root, f"{folder}/{JOURNAL}")
    try:
        document = json.loads(text)
        # Version 0.1 wrote the list without an id: such a change can be undone, but not continued.
        old = isinstance(document, list)
        change, files = ("", document) if old else (document["change"], document["files"])
        entries = [Entry(**entry) for entry in files]
        hashes = [value for entry in entries for value in (entry.had, entry.gets)]
        if not isinstance(change, str) or not all(re.fullmatch("([0-9a-f]{64})?", value) for value in hashes):
            raise ValueError("a hash is none")
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise DamagedJournalError(str(root / folder / JOURNAL)) from error
    for number, entry in enumerate(entries):
        path_below(root, entry.path, link=True)
        for side in ("old", "new"):
            path_below(root, f"{folder}/{side}/{number}", link=True)
    return change, entries


def digest(path: Path) -> str:
    """The hash of a file's bytes, or of the name that a link leads to; empty where there is none."""
    if path.is_symlink():
        return hashlib.sha256(str(path.readlink()).encode()).hexdigest()
    if not path.is_file():
        return ""
    sha256 = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            sha256.update(block)
    return sha256.hexdigest()


def _move(root: Path, folder: Path, number: int, entry: Entry) -> None:
    """Move one file to its new state, unless it has that already."""
    target, staged = root / entry.path, folder / "new" / str(number)
    current = digest(target)
    if current not in {entry.had, entry.gets}:
        raise OSError(f"{entry.path} was changed meanwhile")
    if current != entry.gets and entry.gets and not os.path.lexists(staged):
        raise OSError(f"{entry.path} was brought back already")
    if os.path.lexists(staged):
        target.parent.mkdir(parents=True, exist_ok=True)
        staged.replace(target)
    elif not entry.gets:
        target.unlink(missing_ok=True)
        _remove_empty(target.parent, root)


def _restore(root: Path, folder: Path, entries: list[tuple[int, Entry]], error: OSError) -> str:
    """Restore the former content of the moved files, except of files that changed in the meantime."""
    is_incomplete = False
    for number, entry in entries:
        target, old = root / entry.path, folder / "old" / str(number)
        if digest(target) == entry.had:
            continue
        if digest(target) != entry.gets:
            is_incomplete = is_incomplete or not os.path.lexists(folder / "new" / str(number))
        elif entry.had:
            target.parent.mkdir(parents=True, exist_ok=True)
            old.replace(target)
        else:
            target.unlink()
            _remove_empty(target.parent, root)
    reason = error.strerror or str(error)
    if is_incomplete:
        backup = folder.with_name(f"update-{os.getpid()}")
        folder.rename(backup)
        return f"{reason}; what the files held before is in {backup}/old"
    shutil.rmtree(folder, ignore_errors=True)
    return reason


def _remove_empty(folder: Path, root: Path) -> None:
    while folder != root:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent


def _sync(folder: Path) -> None:
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


if __name__ == "__main__":
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):  # Windows has no SIGHUP
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    try:
        reason = finish(Path(sys.argv[1]))
    except ScaffoldError:
        sys.exit(NOT_TOUCHED)  # the parent process reads the same state and raises the error
    except OSError as error:
        reason = f"{error}; the next command for the project tries again"
    sys.stdout.write(reason)
    sys.exit(1 if reason else 0)
