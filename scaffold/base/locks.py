"""The lock of a project, whichever tool keeps it: `requirements.txt`, or what uv exports from `uv.lock`."""

from __future__ import annotations

from pathlib import Path

from scaffold.base.checked import path_below, read_below
from scaffold.base.layout import FAST_LOCK, LOCK, PYPROJECT
from scaffold.base.lockfile import Lock, checked_lock, from_model_lock, read_lock
from scaffold.base.other_tools import UV_EXPORT, UV_LOCK, find_locking_tool
from scaffold.base.process import Runner, run_command
from scaffold.base.uv import uv_command, uv_environment
from scaffold.errors import CommandError, UnreadableLockError


def lock_file(root: Path) -> str:
    """Return the name of the file that the lock of a project is read from; empty where none can be read."""
    tool = find_locking_tool(root)
    if (root / LOCK).is_file() or not tool:
        return LOCK if (root / LOCK).is_file() else ""
    return tool.lock if tool.lock == UV_LOCK else ""


def open_lock(root: Path, run: Runner = run_command) -> Lock:
    """Return the lock of a project; that of uv as it stands, which may be older than its `pyproject.toml`.

    Args:
        root: The project.
        run: Runs uv.

    Raises:
        UnsafeLockError: A line of it is more than a pinned distribution.
        UnsafePathError: uv would read it from another place.
        ProjectError: It is not there, or cannot be read.
    """
    if lock_file(root) != UV_LOCK:
        return read_lock(root)
    for name in (UV_LOCK, PYPROJECT):
        path_below(root, name)
    options = ("--quiet", "--no-header", "--project", str(root))
    try:
        text = run([uv_command(), *UV_EXPORT, *options], env=uv_environment()).stdout
    except CommandError as error:
        raise UnreadableLockError(str(root / UV_LOCK), error.tail.strip().rstrip(".")) from error
    return checked_lock(text, root, UV_LOCK)


def open_model_lock(root: Path, run: Runner = run_command) -> Lock | None:
    """Return the lock of a project with the libraries of its model; None where its own lock has them.

    The versions are those of its own lock, for these are what the service runs with.

    Args:
        root: The project.
        run: Runs uv.

    Raises:
        UnsafeLockError: A line of it is more than a pinned distribution.
        ProjectError: One of the locks cannot be read.
    """
    more = read_model_lock(root)
    if more is None:
        return None
    lock = open_lock(root, run)
    pins = [*lock.pins, *(pin for pin in more.pins if pin.name not in lock.names)]
    options = [line for line in more.head.splitlines(keepends=True) if line.startswith("--")]
    head = lock.head + "".join(line for line in options if line not in lock.head.splitlines(keepends=True))
    return Lock(pins=tuple(pins), head=head)


def read_model_lock(root: Path) -> Lock | None:
    """Return the lock in `tests/fast` of a slim project, as if it were that of the project; None without.

    Raises:
        UnsafeLockError: A line of it is more than a pinned distribution.
        UnreadableLockError: It cannot be read.
    """
    if not path_below(root, FAST_LOCK).is_file():
        return None
    try:
        text = read_below(root, FAST_LOCK).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableLockError(str(root / FAST_LOCK), str(error)) from error
    return checked_lock(from_model_lock(text), root, FAST_LOCK)
