"""Change many files of a project at once, or none: staged in it, committed by one rename, taken back whole.

Below `.scaffold/update/`: `new/<n>` and `old/<n>` hold the n-th file as it will be and as it is,
`journal.json` lists the files. Until `journal.json` has its name nothing outside this folder has changed, and
what was staged is thrown away; from then on nothing is missing that the change needs, and whoever comes next
finishes it. A finished change becomes `.scaffold/undo/`.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from scaffold.errors import UndoError, UpgradeError
from scaffold.upgrade._content import Content, Link, Opaque, content_sha256, read_content

FOLDER = ".scaffold"
_UPDATE, _UNDO = f"{FOLDER}/update", f"{FOLDER}/undo"
_JOURNAL = "journal.json"


@dataclass(frozen=True, slots=True)
class _Entry:
    """One file of a change: the hashes of what it had and of what it gets, empty where there is no file."""

    path: str
    had: str
    gets: str


def apply_changes(root: Path, before: Mapping[str, Content], changes: Mapping[str, Content | None]) -> None:
    """Write `changes` into the project `root`: all of them, or none.

    Args:
        root: The project.
        before: What the files held when the change was planned; another content now stops it.
        changes: The new content by path; None where the file goes.

    Raises:
        UpgradeError: A file was changed meanwhile, or another update is under way. Nothing was written.
    """
    finish_interrupted(root)
    folder = root / _UPDATE
    try:
        folder.mkdir(parents=True)
    except FileExistsError as error:
        raise UpgradeError(f"Another update of {root} is under way. Wait for its end.") from error
    try:
        (folder / "pid").write_text(str(os.getpid()))
        entries = [
            _stage(root, folder, number, path, before.get(path), content)
            for number, (path, content) in enumerate(sorted(changes.items()))
        ]
        _write_durably(folder / "journal.partial", json.dumps([asdict(entry) for entry in entries]).encode())
        (folder / "journal.partial").rename(folder / _JOURNAL)
        _sync_folder(folder)
    except BaseException:
        if not (folder / _JOURNAL).exists():
            shutil.rmtree(folder, ignore_errors=True)
        raise
    try:
        _carry_out(root, folder, entries)
    except KeyboardInterrupt:
        finish_interrupted(root)
        raise


def finish_interrupted(root: Path) -> None:
    """Carry out a change that was committed when its process was killed; throw away one that was not."""
    folder = root / _UPDATE
    if not folder.is_dir() or _is_under_way(folder):
        return
    if (folder / _JOURNAL).is_file():
        _carry_out(root, folder, _read_journal(folder))
    else:
        shutil.rmtree(folder)


def undo_change(root: Path) -> list[str]:
    """Bring the files of the last change back to what they held before it; return their paths.

    Undone twice, the change is there again.

    Raises:
        UndoError: There is no change to take back, or a file of it was changed since.
    """
    finish_interrupted(root)
    folder = root / _UNDO
    if not (folder / _JOURNAL).is_file():
        raise UndoError(
            f"{root} has no update to take back.\nOlder states are in version control, if you use it."
        )
    entries = _read_journal(folder)
    current = {entry.path: _read(root / entry.path) for entry in entries}
    touched = [entry.path for entry in entries if _digest(current[entry.path]) != entry.gets]
    if touched:
        raise UndoError(
            f"The last update of {root} cannot be taken back, for these files were changed since:\n"
            + "\n".join(f"  {path}" for path in touched)
            + f"\nWhat they held before the update lies in {folder / 'old'}, by their place in {_JOURNAL}."
        )
    changes = {entry.path: _read(folder / "old" / str(n)) for n, entry in enumerate(entries)}
    apply_changes(root, {path: held for path, held in current.items() if held is not None}, changes)
    return sorted(changes)


def _stage(
    root: Path, folder: Path, number: int, path: str, before: Content | None, content: Content | None
) -> _Entry:
    current = _read(root / path)
    if _digest(current) != _digest(before):
        raise UpgradeError(
            f"{root / path} was changed while the update ran. Nothing was written; run it again."
        )
    if current is not None:
        _copy(root / path, folder / "old" / str(number))
    if content is not None:
        _write(folder / "new" / str(number), content, like=root / path)
    return _Entry(path=path, had=_digest(current), gets=_digest(content))


def _carry_out(root: Path, folder: Path, entries: list[_Entry]) -> None:
    """Move what is staged to its place; each step may have been done already by a process that was killed."""
    for number, entry in enumerate(entries):
        target, staged = root / entry.path, folder / "new" / str(number)
        if staged.is_symlink() or staged.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            staged.replace(target)
        elif not entry.gets:
            target.unlink(missing_ok=True)
            _remove_empty(target.parent, root)
    shutil.rmtree(root / _UNDO, ignore_errors=True)
    folder.rename(root / _UNDO)


def _write(target: Path, content: Content, like: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    match content:
        case bytes():
            _write_durably(target, content)
        case Opaque(path=Path() as source):
            shutil.copyfile(source, target)
        case Link(destination):
            target.symlink_to(destination)
            return
        case _:
            raise UpgradeError("A file of the new state is known by its hash alone.")
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
    with target.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _read(path: Path) -> Content | None:
    return read_content(path) if path.is_symlink() or path.is_file() else None


def _digest(content: Content | None) -> str:
    return "" if content is None else content_sha256(content)


def _read_journal(folder: Path) -> list[_Entry]:
    return [_Entry(**entry) for entry in json.loads((folder / _JOURNAL).read_text())]


def _is_under_way(folder: Path) -> bool:
    """Whether the process that made the folder still runs; our own never left one behind while it runs."""
    try:
        pid = int((folder / "pid").read_text())
    except (OSError, ValueError):
        return False
    if pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _remove_empty(folder: Path, root: Path) -> None:
    while folder != root:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent
