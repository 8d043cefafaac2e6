"""Change many files of a project, or none: stage the change, commit it by one rename, undo it as a whole.

Below `.scaffold/update/`: `new/<n>` and `old/<n>` hold the n-th file as it will be and as it is,
`journal.json` lists the files. Until `journal.json` exists, nothing outside this folder has changed, and the
staged files are discarded; from then on the change is complete. A small process of its own (`_finish`) moves
the files, so that all of them arrive even if this process is killed; if the machine stops, the next command
of this user runs it again. A finished change becomes `.scaffold/undo/`.

The journal contains an id that was recorded outside the project before (`base/pending`): a change that
somebody else left in a project is not carried out.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from scaffold.base.checked import path_below
from scaffold.base.layout import UNDO, UPDATE
from scaffold.base.pending import note_pending
from scaffold.base.process import start_command
from scaffold.base.temporary import remove_folder
from scaffold.errors import (
    ChangedMeanwhileError,
    ChangedSinceError,
    ChangeFailedError,
    DamagedBackupError,
    NothingToUndoError,
    UnknownContentError,
)
from scaffold.upgrade import _finish
from scaffold.upgrade._content import Content, Link, Opaque, content_sha256, read_content
from scaffold.upgrade._finish import (
    JOURNAL,
    Entry,
    digest,
    project_lock,
    read_journal,
    read_pending,
)

# `_finish` gets a path with this package only, not with the other installed distributions.
_FINISH = "import runpy, sys; sys.path.append(sys.argv[2]); runpy.run_path(sys.argv[3], run_name='__main__')"
_PACKAGES = str(Path(__file__).parents[2])


def apply_changes(root: Path, before: Mapping[str, Content], changes: Mapping[str, Content | None]) -> None:
    """Write `changes` into the project `root`: all of them, or none.

    Args:
        root: The project.
        before: The content of the files when the change was planned; other content now is an error.
        changes: The new content by path; None where the file goes.

    Raises:
        UpgradeError: A file was changed meanwhile, or there is no room. Nothing was written.
    """
    finish_interrupted(root)
    try:
        with project_lock(root):
            _commit(root, path_below(root, UPDATE), before, changes)
    except OSError as error:
        raise ChangeFailedError(str(root), str(error.strerror or error), "write") from error
    if reason := _finish_change(root):
        raise ChangeFailedError(str(root), reason, "change")


def finish_interrupted(root: Path) -> None:
    """Carry out a change that was committed when its process was killed; throw away one that was not.

    Raises:
        ForeignChangeError: It was not begun here, and is not touched.
        UnsafePathError: It leads out of the project, and is not touched.
        UpgradeError: It could not be carried out and was taken back.
    """
    folder = path_below(root, UPDATE)
    if not folder.is_dir():
        return
    if os.path.lexists(folder / JOURNAL):
        read_pending(root)
    if reason := _finish_change(root):
        raise ChangeFailedError(str(root), reason, "resume")


def _commit(
    root: Path, folder: Path, before: Mapping[str, Content], changes: Mapping[str, Content | None]
) -> None:
    """Stage a change and commit it by one rename."""
    try:
        folder.mkdir()
        entries = [
            _stage(root, folder, number, path, before.get(path), content)
            for number, (path, content) in enumerate(sorted(changes.items()))
        ]
        journal = {"change": secrets.token_hex(16), "files": [entry._asdict() for entry in entries]}
        _write_durably(folder / "journal.partial", json.dumps(journal).encode())
        note_pending(root, str(journal["change"]))
        (folder / "journal.partial").rename(folder / JOURNAL)
    except BaseException:
        if not (folder / JOURNAL).exists():
            remove_folder(folder)
        raise


def _finish_change(root: Path) -> str:
    """Apply the committed change in a separate process; return the reason if it was rolled back."""
    command = [sys.executable, "-I", "-S", "-c", _FINISH, str(root.absolute()), _PACKAGES, _finish.__file__]
    process = start_command(command)
    try:
        output, _ = process.communicate()
    except BaseException:
        process.wait()
        raise
    if process.returncode == 0:
        return ""
    # If `_finish` was killed or did nothing, finish here, where an error can be raised.
    return output.decode(errors="replace").strip() if process.returncode == 1 else _finish.finish(root)


def undo_change(root: Path) -> list[str]:
    """Bring the files of the last change back to what they held before it; return their paths.

    A second undo restores the change.

    Raises:
        UndoError: There is no change to take back, or a file of it was changed since.
    """
    finish_interrupted(root)
    folder = path_below(root, UNDO)
    if not path_below(root, f"{UNDO}/{JOURNAL}").is_file():
        raise NothingToUndoError(str(root))
    entries = read_journal(folder)
    touched = [entry.path for entry in entries if digest(root / entry.path) != entry.gets]
    if touched:
        raise ChangedSinceError(str(root), tuple(touched), str(folder / "old"), JOURNAL)
    changes = {entry.path: _read(folder / "old" / str(n)) for n, entry in enumerate(entries)}
    if damaged := [entry.path for entry in entries if _hash(changes[entry.path]) != entry.had]:
        raise DamagedBackupError(str(root), tuple(damaged), str(folder / "old"))
    current = {path: content for path in changes if (content := _read(root / path)) is not None}
    apply_changes(root, current, changes)
    return sorted(changes)


def _stage(
    root: Path, folder: Path, number: int, path: str, before: Content | None, content: Content | None
) -> Entry:
    had, gets = map(_hash, (before, content))
    if digest(path_below(root, path, link=True)) != had:
        raise ChangedMeanwhileError(str(root / path))
    if had:
        _copy(root / path, folder / "old" / str(number))
    if content is not None:
        _write(folder / "new" / str(number), content, like=root / path)
    return Entry(path=path, had=had, gets=gets)


def _hash(content: Content | None) -> str:
    return "" if content is None else content_sha256(content)


def _write(target: Path, content: Content, like: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    match content:
        case bytes():
            _write_durably(target, content)
        case Opaque(path=Path() as source):
            shutil.copyfile(source, target)
            _make_durable(target)
        case Link(destination):
            target.symlink_to(destination)
            return
        case _:
            raise UnknownContentError(str(like))
    with contextlib.suppress(OSError):
        target.chmod(like.stat().st_mode & 0o777)


def _copy(source: Path, target: Path) -> None:
    """The same file under another name, where the file system allows that."""
    target.parent.mkdir(exist_ok=True)
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def _write_durably(target: Path, content: bytes) -> None:
    target.write_bytes(content)
    _make_durable(target)


def _make_durable(target: Path) -> None:
    with target.open("rb") as file:
        os.fsync(file.fileno())


def _read(path: Path) -> Content | None:
    return read_content(path) if path.is_symlink() or path.is_file() else None
