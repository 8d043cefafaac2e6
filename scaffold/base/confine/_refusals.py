"""The actions that a confined process was refused, as values."""

from __future__ import annotations

import errno
import os
import re
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from ._attempts import ON_PATHS, UNIX, Action, Attempts, Refused
from ._paths import DEVICES
from ._values import Confinement, Open

_NO_RIGHT = (errno.EACCES, errno.EPERM)
_MOST_CAUSES = 20
# Quoted text, and words that begin with a slash.
_PATHS_IN_TEXT = re.compile(r"'([^'\n]+)'|\"([^\"\n]+)\"|(/[^\s'\",:;()\[\]]+)")

_AFTER_PATH = ".,:;)]'\""

_current: Attempts | None = None


def watch(confinement: Confinement, memory_bytes: int) -> None:
    """Record the attempts of this process from now on; `memory_bytes` is the limit in force, 0 for none."""
    global _current
    _current = Attempts(confinement, memory_bytes)
    sys.addaudithook(_current.hook())


def explain(error: BaseException) -> Refused | None:
    """Return the action that the confinement refused, if it caused `error` or an error before it.

    To be called in the confined process, before much else is done there. None also if the operating system
    would have refused the same action without the confinement.
    """
    if _current is None:
        return None
    _current.is_checking = True
    try:
        for cause in _causes(error):
            if refused := _explain_one(cause, _current):
                return refused
    except Exception:  # noqa: S110 - an error of the model's own class may do anything when it is looked at
        pass
    finally:
        _current.is_checking = False
    return None


def refusals() -> tuple[Refused, ...]:
    """Return the refused actions of this process, without duplicates: the newest first, paths last.

    For errors that `explain` cannot say anything about: a library may swallow the refusal and fail later.
    """
    if _current is None:
        return ()
    _current.is_checking = True
    try:
        attempts = dict.fromkeys([*reversed(_current.others), *reversed(_current.paths)])
        # Each socket pair, which is allowed, looks like an attempt on a Unix socket.
        certain = (attempt for attempt in attempts if attempt.target != UNIX)
        return tuple(attempt for attempt in certain if _is_refused(attempt, _current.confinement))
    finally:
        _current.is_checking = False


def explain_exit(status: int) -> Refused | None:
    """Return the limit that ended a confined process, from its exit status as `subprocess` gives it."""
    if status == -getattr(signal, "SIGXCPU", 24):
        return Refused(action=Action.CPU)
    if status == -getattr(signal, "SIGXFSZ", 25):
        return Refused(action=Action.FILE_SIZE)
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and its causes."""
    waiting, visited = [error], set[int]()
    while waiting and len(visited) < _MOST_CAUSES:
        cause = waiting.pop(0)
        if id(cause) not in visited:
            visited.add(id(cause))
            yield cause
            waiting += [before for before in (cause.__cause__, cause.__context__) if before is not None]


def _explain_one(error: BaseException, attempts: Attempts) -> Refused | None:
    confinement = attempts.confinement
    if isinstance(error, ModuleNotFoundError) and error.name:
        return _explain_import(error.name.partition(".")[0])
    if isinstance(error, MemoryError) and attempts.memory_bytes:
        return Refused(action=Action.MEMORY, target=f"{attempts.memory_bytes} bytes")
    if isinstance(error, socket.gaierror):
        return _newest(attempts, Action.CONNECT) if not isinstance(confinement.network, Open) else None
    if isinstance(error, OSError) and error.errno == errno.EFBIG:
        return Refused(action=Action.FILE_SIZE, target=f"{confinement.file_bytes} bytes")
    if isinstance(error, OSError) and error.errno == errno.EMFILE:
        return Refused(action=Action.OPEN_FILES, target=str(confinement.open_files))
    if isinstance(error, OSError) and error.errno in _NO_RIGHT:
        paths = [
            str(name) for name in (error.filename, error.filename2) if isinstance(name, str | os.PathLike)
        ]
        return _explain_no_right(paths, attempts) if paths else _newest_refused(attempts)
    return _explain_text(str(error), confinement)


def _explain_no_right(names: list[str], attempts: Attempts) -> Refused | None:
    """From the paths in the error, and the attempt that named the same ones."""
    for attempt in [*reversed(attempts.others), *reversed(attempts.paths)]:
        if attempt.target in names and _is_refused(attempt, attempts.confinement):
            return attempt
    for name in names:
        for action in ON_PATHS:
            if _is_refused(guess := Refused(action=action, target=name), attempts.confinement):
                return guess
    return None


def _explain_import(module: str) -> Refused | None:
    """From the folders of `sys.path`: Python passes over those that it may not list."""
    for folder in sys.path:
        for path in (os.path.join(folder, module), os.path.join(folder, module + ".py")):  # noqa: PTH118
            if os.path.lexists(path) and _is_read_refused(path):
                return Refused(action=Action.READ, target=path)
    return None


def _newest_refused(attempts: Attempts) -> Refused | None:
    """The newest attempt of those that name no path in their error."""
    for attempt in reversed(attempts.others):
        if _is_refused(attempt, attempts.confinement):
            if attempt.action is Action.CONNECT and not attempt.target:
                return _newest(attempts, Action.CONNECT)
            return attempt
    return None


def _newest(attempts: Attempts, action: Action) -> Refused:
    matching = (
        attempt for attempt in reversed(attempts.others) if attempt.action is action and attempt.target
    )
    return next(matching, Refused(action=action))


def _explain_text(text: str, confinement: Confinement) -> Refused | None:
    """From the paths in the message of a library that opens its files in C++: the audit hook saw nothing."""
    for path in _paths_in(text[:10_000]):
        if os.path.lexists(path) and _is_refused(
            read := Refused(action=Action.READ, target=path), confinement
        ):
            return read
        write = Refused(action=Action.WRITE, target=path)
        if os.sep in path and not os.path.lexists(path) and _is_refused(write, confinement):
            return write
    return None


def _paths_in(text: str) -> Iterator[str]:
    start = 0
    while match := _PATHS_IN_TEXT.search(text, start):
        path = next(part for part in match.groups() if part).rstrip(".")
        if match[3]:
            path = _with_spaces(text[match.start() :].partition("\n")[0]) or path
        start = max(match.end(), match.start() + len(path))
        yield path


def _with_spaces(line: str) -> str | None:
    """The longest path at the start of a line that exists and ends where one of its words does."""
    ends = [len(line), *(space.start() for space in reversed([*re.finditer(r"\s", line)]))]
    paths = (line[:end].rstrip(_AFTER_PATH) for end in ends)
    return next((path for path in paths if os.path.lexists(path)), None)


def _is_refused(attempt: Refused, confinement: Confinement) -> bool:
    match attempt.action:
        case Action.READ:
            return _is_read_refused(attempt.target)
        case Action.WRITE:
            return _is_write_refused(attempt.target, confinement)
        case Action.CONNECT | Action.LISTEN:
            return attempt.target == UNIX or not isinstance(confinement.network, Open)
        case _:
            return True


def _is_read_refused(path: str) -> bool:
    """Whether a path cannot be opened though its permissions (which Landlock leaves alone) would allow it."""
    try:
        os.close(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)))  # a pipe would wait
    except PermissionError:
        return os.access(path, os.R_OK)
    except (OSError, ValueError):
        return False
    return False


def _is_write_refused(path: str, confinement: Confinement) -> bool:
    try:
        real = Path(os.path.realpath(path))
    except (OSError, ValueError):  # a link below /proc of another process, a path with a null byte
        return False
    if any(real.is_relative_to(os.path.realpath(folder)) for folder in confinement.writable):
        return False
    if str(real) in DEVICES:
        return False
    return os.access(real if real.exists() else real.parent, os.W_OK)
