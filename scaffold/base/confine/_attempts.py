"""What a process tries, recorded by an audit hook: exceptions seldom name the path or the address."""

from __future__ import annotations

import collections
import enum
import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ._values import Confinement


class Action(enum.Enum):
    """The kind of an attempted action."""

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
    """An action that the confinement does not allow.

    Args:
        action: The kind of an attempted action.
        target: A path, an address, a program, a process, or the limit with its unit. Empty where unknown.
    """

    action: Action
    target: str = ""


ON_PATHS = (Action.READ, Action.WRITE)
UNIX = "a Unix socket"
"""The target of each socket of that family, those of an allowed pair among them."""
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_MOST_PATHS, _MOST_OTHERS = 5000, 200  # importing torch opens 2000


class Attempts:
    """The latest actions of the process, recorded by an audit hook, which cannot be removed."""

    def __init__(self, confinement: Confinement, memory_bytes: int) -> None:
        self.confinement, self.memory_bytes = confinement, memory_bytes
        self.paths: collections.deque[Refused] = collections.deque(maxlen=_MOST_PATHS)
        self.others: collections.deque[Refused] = collections.deque(maxlen=_MOST_OTHERS)
        self.is_checking = False  # caused by our own checks of paths

    def hook(self) -> Callable[[str, tuple[Any, ...]], None]:
        """Return a function for `sys.addaudithook`; a method would take twice the time at each event."""
        readers = _READERS  # when Python ends, the names of modules are gone

        def note(event: str, arguments: tuple[Any, ...]) -> None:
            if event in readers and not self.is_checking:
                try:
                    for attempt in readers[event](arguments):
                        (self.paths if attempt.action in ON_PATHS else self.others).append(attempt)
                except Exception:  # noqa: S110 - it would become the model's error
                    pass

        return note


def _path(
    action: Action, *positions: int, folder: bool = False
) -> Callable[[tuple[Any, ...]], Iterator[Refused]]:
    """The paths at `positions`; where `folder`, the last argument is the folder that they are in, or -1."""

    def attempts(arguments: tuple[Any, ...]) -> Iterator[Refused]:
        for position in () if folder and arguments[-1] != -1 else positions:
            if isinstance(arguments[position], str | bytes | os.PathLike):
                yield Refused(action=action, target=os.fsdecode(arguments[position]))

    return attempts


def _open_attempts(arguments: tuple[Any, ...]) -> Iterator[Refused]:
    path, _, flags = arguments
    return _path(Action.WRITE if (flags or 0) & _WRITING else Action.READ, 0)((path,))


def _address(action: Action, position: int) -> Callable[[tuple[Any, ...]], Iterator[Refused]]:
    def attempts(arguments: tuple[Any, ...]) -> Iterator[Refused]:
        address = arguments[position]
        if isinstance(address, tuple):
            address = f"{address[0]}:{address[1]}"
        yield Refused(
            action=action, target=os.fsdecode(address) if isinstance(address, bytes) else str(address)
        )

    return attempts


def _socket_attempts(arguments: tuple[Any, ...]) -> Iterator[Refused]:
    unix = arguments[1] == getattr(socket, "AF_UNIX", None)
    yield Refused(action=Action.CONNECT, target=UNIX if unix else "")


def _lookup_attempts(arguments: tuple[Any, ...]) -> Iterator[Refused]:
    host, port, *_ = (*arguments, None)
    host = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if host:
        yield Refused(action=Action.CONNECT, target=f"{host}:{port}" if port else host)


def _program(position: int) -> Callable[[tuple[Any, ...]], Iterator[Refused]]:
    def attempts(arguments: tuple[Any, ...]) -> Iterator[Refused]:
        yield Refused(action=Action.RUN, target=os.fsdecode(arguments[position]))

    return attempts


def _plain(action: Action) -> Callable[[tuple[Any, ...]], Iterator[Refused]]:
    return lambda _arguments: iter([Refused(action=action)])


def _signal_attempts(arguments: tuple[Any, ...]) -> Iterator[Refused]:
    if arguments[0] != os.getpid():
        yield Refused(action=Action.SIGNAL, target=f"process {arguments[0]}")


# Source: the table of audit events in Python's documentation.
_READERS: dict[str, Callable[[tuple[Any, ...]], Iterator[Refused]]] = {
    "open": _open_attempts,
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
    "socket.__new__": _socket_attempts,
    "socket.connect": _address(Action.CONNECT, 1),
    "socket.sendto": _address(Action.CONNECT, 1),
    "socket.bind": _address(Action.LISTEN, 1),
    "socket.getaddrinfo": _lookup_attempts,
    "socket.gethostbyname": _lookup_attempts,
    "os.exec": _program(0),
    "os.posix_spawn": _program(0),
    "os.system": _program(0),
    "subprocess.Popen": _program(0),
    "os.fork": _plain(Action.FORK),
    "os.forkpty": _plain(Action.FORK),
    "os.kill": _signal_attempts,
    "os.killpg": _signal_attempts,
}
