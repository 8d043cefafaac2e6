"""What a confined process was refused, as a value: the errors that reach us seldom say all of it."""

from __future__ import annotations

import collections
import contextlib
import enum
import errno
import os
import re
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ._values import Confinement, Open


class Action(enum.Enum):
    """What was tried."""

    READ = "read"
    WRITE = "write"
    CONNECT = "connect to"
    LISTEN = "listen on"
    RUN = "run the program"
    FORK = "start a process"
    SIGNAL = "send a signal to"
    MEMORY = "use memory beyond"
    FILE_SIZE = "write a file beyond"
    OPEN_FILES = "open files beyond"
    CPU = "use the processor beyond"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Something that the confinement does not allow.

    Args:
        action: What was tried.
        target: A path, an address, a program, a process, or the limit with its unit. Empty where unknown.
    """

    action: Action
    target: str = ""


_NO_RIGHT = (errno.EACCES, errno.EPERM)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_MOST_PATHS, _MOST_OTHERS = 1000, 200
_MOST_CAUSES = 20
_UNIX = "a Unix socket"
# Quoted text, and words that begin with a slash.
_PATHS_IN_TEXT = re.compile(r"'([^'\n]+)'|\"([^\"\n]+)\"|(/[^\s'\",:;()\[\]]+)")


class _Attempts:
    """What the process tried last, seen by an audit hook, which cannot be removed."""

    def __init__(self, confinement: Confinement) -> None:
        self.confinement = confinement
        self.paths: collections.deque[Refused] = collections.deque(maxlen=_MOST_PATHS)
        self.others: collections.deque[Refused] = collections.deque(maxlen=_MOST_OTHERS)
        self.looking = False  # we try paths ourselves

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        seen = _SEEN.get(event)
        if seen is None or self.looking:
            return
        with contextlib.suppress(Exception):  # an error here would become the model's
            for attempt in seen(arguments):
                (self.paths if attempt.action in _ON_PATHS else self.others).append(attempt)


_ON_PATHS = (Action.READ, Action.WRITE)
_current: _Attempts | None = None


def watch(confinement: Confinement) -> None:
    """Remember from now on what this process tries."""
    global _current
    _current = _Attempts(confinement)
    sys.addaudithook(_current.hook)


def explain(error: BaseException) -> Refused | None:
    """Return what the confinement refused, if that is why `error`, or an error before it, was raised.

    To be called in the confined process, before much else is done there. None also where the operating system
    would have refused the same thing without the confinement.
    """
    if _current is None:
        return None
    _current.looking = True
    try:
        for cause in _causes(error):
            if refused := _explain_one(cause, _current):
                return refused
    finally:
        _current.looking = False
    return None


def refusals() -> tuple[Refused, ...]:
    """Return what this process tried and the confinement refused, newest first, each once.

    For errors that `explain` cannot say anything about: a library may swallow the refusal and fail later.
    """
    if _current is None:
        return ()
    _current.looking = True
    try:
        tried = dict.fromkeys([*reversed(_current.others), *reversed(_current.paths)])
        # Each socket pair, which is allowed, looks like an attempt on a Unix socket.
        certain = (attempt for attempt in tried if attempt.target != _UNIX)
        return tuple(attempt for attempt in certain if _is_refused(attempt, _current.confinement))
    finally:
        _current.looking = False


def explain_exit(status: int) -> Refused | None:
    """Return the limit that ended a confined process, from its exit status as `subprocess` gives it."""
    if status == -getattr(signal, "SIGXCPU", 24):
        return Refused(action=Action.CPU)
    if status == -getattr(signal, "SIGXFSZ", 25):
        return Refused(action=Action.FILE_SIZE)
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and those that led to it."""
    waiting, seen = [error], set[int]()
    while waiting and len(seen) < _MOST_CAUSES:
        cause = waiting.pop(0)
        if id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            waiting += [before for before in (cause.__cause__, cause.__context__) if before is not None]


def _explain_one(error: BaseException, seen: _Attempts) -> Refused | None:
    confinement = seen.confinement
    if isinstance(error, MemoryError):
        return Refused(action=Action.MEMORY, target=f"{_memory_limit()} bytes")
    if isinstance(error, socket.gaierror):
        return _newest(seen, Action.CONNECT) if not isinstance(confinement.network, Open) else None
    if isinstance(error, OSError) and error.errno == errno.EFBIG:
        return Refused(action=Action.FILE_SIZE, target=f"{confinement.file_bytes} bytes")
    if isinstance(error, OSError) and error.errno == errno.EMFILE:
        return Refused(action=Action.OPEN_FILES, target=str(confinement.open_files))
    if isinstance(error, OSError) and error.errno in _NO_RIGHT:
        named = [
            str(name) for name in (error.filename, error.filename2) if isinstance(name, str | os.PathLike)
        ]
        return _explain_no_right(named, seen) if named else _newest_refused(seen)
    return _explain_text(str(error), confinement)


def _explain_no_right(names: list[str], seen: _Attempts) -> Refused | None:
    """From the paths in the error, and the attempt that named the same ones."""
    for attempt in [*reversed(seen.others), *reversed(seen.paths)]:
        if attempt.target in names and _is_refused(attempt, seen.confinement):
            return attempt
    for name in names:
        for action in _ON_PATHS:
            if _is_refused(guess := Refused(action=action, target=name), seen.confinement):
                return guess
    return None


def _newest_refused(seen: _Attempts) -> Refused | None:
    """The newest attempt of those that name no path in their error."""
    for attempt in reversed(seen.others):
        if _is_refused(attempt, seen.confinement):
            if attempt.action is Action.CONNECT and not attempt.target:
                return _newest(seen, Action.CONNECT)
            return attempt
    return None


def _newest(seen: _Attempts, action: Action) -> Refused:
    named = (attempt for attempt in reversed(seen.others) if attempt.action is action and attempt.target)
    return next(named, Refused(action=action))


def _explain_text(text: str, confinement: Confinement) -> Refused | None:
    """From the paths in the message of a library that opens its files in C++: the audit hook saw nothing."""
    for found in _PATHS_IN_TEXT.finditer(text[:10_000]):
        path = next(part for part in found.groups() if part).rstrip(".")
        if os.path.lexists(path) and _is_refused(
            read := Refused(action=Action.READ, target=path), confinement
        ):
            return read
        write = Refused(action=Action.WRITE, target=path)
        if os.sep in path and not os.path.lexists(path) and _is_refused(write, confinement):
            return write
    return None


def _is_refused(attempt: Refused, confinement: Confinement) -> bool:
    match attempt.action:
        case Action.READ:
            return _is_read_refused(attempt.target)
        case Action.WRITE:
            return _is_write_refused(attempt.target, confinement)
        case Action.CONNECT | Action.LISTEN:
            return attempt.target == _UNIX or not isinstance(confinement.network, Open)
        case _:
            return True


def _is_read_refused(path: str) -> bool:
    """Whether a path cannot be opened though its permissions (which Landlock leaves alone) would allow it."""
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))
    except PermissionError:
        return os.access(path, os.R_OK)
    except (OSError, ValueError):
        return False
    return False


def _is_write_refused(path: str, confinement: Confinement) -> bool:
    real = Path(os.path.realpath(path))
    if any(real.is_relative_to(os.path.realpath(folder)) for folder in confinement.writable):
        return False
    if real.is_relative_to("/dev"):
        return False
    return os.access(real if real.exists() else real.parent, os.W_OK)


def _memory_limit() -> int:
    import resource

    return resource.getrlimit(resource.RLIMIT_DATA)[0]


def _path(
    action: Action, *positions: int, folder: bool = False
) -> Callable[[tuple[Any, ...]], Iterator[Refused]]:
    """The paths at `positions`; where `folder`, the last argument is the folder that they are in, or -1."""

    def seen(arguments: tuple[Any, ...]) -> Iterator[Refused]:
        for position in () if folder and arguments[-1] != -1 else positions:
            if isinstance(arguments[position], str | bytes | os.PathLike):
                yield Refused(action=action, target=os.fsdecode(arguments[position]))

    return seen


def _opened(arguments: tuple[Any, ...]) -> Iterator[Refused]:
    path, _, flags = arguments
    return _path(Action.WRITE if (flags or 0) & _WRITING else Action.READ, 0)((path,))


def _address(action: Action, position: int) -> Callable[[tuple[Any, ...]], Iterator[Refused]]:
    def seen(arguments: tuple[Any, ...]) -> Iterator[Refused]:
        address = arguments[position]
        if isinstance(address, tuple):
            address = f"{address[0]}:{address[1]}"
        yield Refused(
            action=action, target=os.fsdecode(address) if isinstance(address, bytes) else str(address)
        )

    return seen


def _made_socket(arguments: tuple[Any, ...]) -> Iterator[Refused]:
    unix = arguments[1] == getattr(socket, "AF_UNIX", None)
    yield Refused(action=Action.CONNECT, target=_UNIX if unix else "")


def _resolved(arguments: tuple[Any, ...]) -> Iterator[Refused]:
    host, port, *_ = (*arguments, None)
    host = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if host:
        yield Refused(action=Action.CONNECT, target=f"{host}:{port}" if port else host)


def _program(position: int) -> Callable[[tuple[Any, ...]], Iterator[Refused]]:
    def seen(arguments: tuple[Any, ...]) -> Iterator[Refused]:
        yield Refused(action=Action.RUN, target=os.fsdecode(arguments[position]))

    return seen


def _plain(action: Action) -> Callable[[tuple[Any, ...]], Iterator[Refused]]:
    return lambda _arguments: iter([Refused(action=action)])


def _signalled(arguments: tuple[Any, ...]) -> Iterator[Refused]:
    if arguments[0] != os.getpid():
        yield Refused(action=Action.SIGNAL, target=f"process {arguments[0]}")


# Source: the table of audit events in Python's documentation.
_SEEN: dict[str, Callable[[tuple[Any, ...]], Iterator[Refused]]] = {
    "open": _opened,
    "os.listdir": _path(Action.READ, 0),
    "os.scandir": _path(Action.READ, 0),
    "ctypes.dlopen": _path(Action.READ, 0),
    "sqlite3.connect": _path(Action.WRITE, 0),
    "os.mkdir": _path(Action.WRITE, 0, folder=True),
    "os.remove": _path(Action.WRITE, 0, folder=True),
    "os.rmdir": _path(Action.WRITE, 0, folder=True),
    "os.truncate": _path(Action.WRITE, 0),
    "os.chown": _path(Action.WRITE, 0, folder=True),
    "os.utime": _path(Action.WRITE, 0, folder=True),
    "os.setxattr": _path(Action.WRITE, 0),
    "os.rename": _path(Action.WRITE, 0, 1, folder=True),
    "os.link": _path(Action.WRITE, 0, 1, folder=True),
    "os.symlink": _path(Action.WRITE, 1, folder=True),
    "socket.__new__": _made_socket,
    "socket.connect": _address(Action.CONNECT, 1),
    "socket.sendto": _address(Action.CONNECT, 1),
    "socket.bind": _address(Action.LISTEN, 1),
    "socket.getaddrinfo": _resolved,
    "socket.gethostbyname": _resolved,
    "os.exec": _program(0),
    "os.posix_spawn": _program(0),
    "os.system": _program(0),
    "subprocess.Popen": _program(0),
    "os.fork": _plain(Action.FORK),
    "os.forkpty": _plain(Action.FORK),
    "os.kill": _signalled,
    "os.killpg": _signalled,
}
