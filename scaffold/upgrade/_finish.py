"""Move the files of a committed change to their places: all of them, or none.

Run as a process of its own, in a session of its own and with nothing but the standard library, it goes on
when the command that started it is killed. Cut off itself, by a power cut, it is run again by whoever comes
next.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FOLDER = ".scaffold"
UPDATE, UNDO = f"{FOLDER}/update", f"{FOLDER}/undo"
JOURNAL = "journal.json"


class Entry(NamedTuple):
    """One file of a change: the hashes of what it had and of what it gets, empty where there is no file."""

    path: str
    had: str
    gets: str


def finish(root: Path) -> str:
    """Carry out the change that is staged in `root`, or take it back; return why, if it was taken back.

    A change without a journal was not committed, and one whose files were touched since is no longer wanted.
    """
    with held(root):
        folder = root / UPDATE
        if not (folder / JOURNAL).is_file():
            shutil.rmtree(folder, ignore_errors=True)
            return ""
        # What goes is removed last, for that never fails for want of space.
        entries = sorted(enumerate(read_journal(folder)), key=lambda item: not item[1].gets)
        try:
            for number, entry in entries:
                _move(root, folder, number, entry)
            for parent in {(root / entry.path).parent for _, entry in entries}:
                _sync(parent)
            shutil.rmtree(root / UNDO, ignore_errors=True)
            folder.rename(root / UNDO)
        except OSError as error:
            return _taken_back(root, folder, entries, error)
        return ""


@contextlib.contextmanager
def held(root: Path) -> Iterator[None]:
    """Keep others from changing the project's files through us; whoever holds it and dies lets it go."""
    (root / FOLDER).mkdir(exist_ok=True)
    descriptor = os.open(root / FOLDER, os.O_RDONLY)
    try:
        with contextlib.suppress(ImportError, OSError):  # not every file system has locks
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def read_journal(folder: Path) -> list[Entry]:
    """The files of a change, in the order of their numbers."""
    return [Entry(**entry) for entry in json.loads((folder / JOURNAL).read_text(encoding="utf-8"))]


def digest(path: Path) -> str:
    """The hash of a file's bytes, or of the name that a link leads to; empty where there is none."""
    if path.is_symlink():
        return hashlib.sha256(str(path.readlink()).encode()).hexdigest()
    if not path.is_file():
        return ""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()


def _move(root: Path, folder: Path, number: int, entry: Entry) -> None:
    """Bring one file to its new state, which it may have already."""
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


def _taken_back(root: Path, folder: Path, entries: list[tuple[int, Entry]], error: OSError) -> str:
    """Bring back what the moved files held; one that somebody else changed meanwhile is left to them."""
    left = False
    for number, entry in entries:
        target, old = root / entry.path, folder / "old" / str(number)
        if digest(target) == entry.had:
            continue
        if digest(target) != entry.gets:
            left = left or not os.path.lexists(folder / "new" / str(number))
        elif entry.had:
            target.parent.mkdir(parents=True, exist_ok=True)
            old.replace(target)
        else:
            target.unlink()
            _remove_empty(target.parent, root)
    reason = error.strerror or str(error)
    if left:
        kept = folder.with_name(f"update-{os.getpid()}")
        folder.rename(kept)
        return f"{reason}; what the files held before is in {kept}/old"
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
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    try:
        reason = finish(Path(sys.argv[1]))
    except OSError as error:
        reason = f"{error}; the next command that looks at the project tries again"
    sys.stdout.write(reason)
    sys.exit(1 if reason else 0)
