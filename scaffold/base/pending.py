"""Unfinished changes that this user began here, recorded outside the projects. Standard library only.

Anybody may have written a project, and an unfinished change in it. A change is continued only if its id is
recorded here: in `$XDG_STATE_HOME/model-scaffold/changes`, or in a private folder below the temporary
one where the home folder cannot be written.

Source: the XDG Base Directory Specification, `XDG_STATE_HOME`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path


def note_pending(root: Path, change: str) -> None:
    """Record durably that this user began the change with the id `change` of the project `root`.

    Raises:
        OSError: No folder for the note can be written.
    """
    text = json.dumps(_note(root, change)).encode()
    failure: OSError | None = None
    for folder in _folders():
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not _is_private(folder):
                continue
            partial = folder / f"{_name(root)}.{os.getpid()}.partial"
            with partial.open("wb") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(folder / _name(root))
            return
        except OSError as error:
            failure = error
    raise failure or PermissionError("no private folder to note a change in")


def is_pending(root: Path, change: str) -> bool:
    """Whether this user began the change with this id of the project `root` and did not finish it."""
    for folder in _folders():
        with contextlib.suppress(OSError, ValueError):
            note = folder / _name(root)
            if change and _is_private(folder) and json.loads(note.read_text("utf-8")) == _note(root, change):
                return True
    return False


def forget_pending(root: Path) -> None:
    """Remove the record of the change of `root`, which is finished or undone."""
    for folder in _folders():
        with contextlib.suppress(OSError):
            (folder / _name(root)).unlink()


def _note(root: Path, change: str) -> dict[str, object]:
    return {"root": str(root.resolve()), "inode": root.stat().st_ino, "change": change}


def _name(root: Path) -> str:
    return hashlib.sha256(os.fsencode(root.resolve())).hexdigest()


def _folders() -> Iterator[Path]:
    """Yield the folders for these records, the preferred one first."""
    state_home = os.environ.get("XDG_STATE_HOME", "")
    with contextlib.suppress(RuntimeError):  # a user without a home folder
        state = Path(state_home) if Path(state_home).is_absolute() else Path.home() / ".local" / "state"
        yield state / "model-scaffold" / "changes"
    user = os.getuid() if hasattr(os, "getuid") else 0
    yield Path(tempfile.gettempdir()) / f"model-scaffold-{user}"


def _is_private(folder: Path) -> bool:
    """Whether this is a real folder that only this user can write to."""
    status = folder.lstat()
    if os.name != "posix":
        return stat.S_ISDIR(status.st_mode)
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o022
