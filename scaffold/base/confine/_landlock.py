"""Landlock: which paths this process may read and write, and which TCP ports it may use.

Source: the kernel's Documentation/userspace-api/landlock.rst and include/uapi/linux/landlock.h.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import stat
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from . import _system

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every machine
_VERSION_FLAG = 1
_PATH_BENEATH, _NET_PORT = 1, 2
_BIND_TCP, _CONNECT_TCP = 1, 2
_SCOPE_ABSTRACT_UNIX_SOCKET, _SCOPE_SIGNAL = 1, 2

_EXECUTE, _WRITE_FILE, READ_FILE, READ_DIR, _REMOVE_DIR, _REMOVE_FILE = (1 << bit for bit in range(6))
_MAKE_DIR, _MAKE_REG, _MAKE_SYM, _REFER, _TRUNCATE, _IOCTL_DEV = (1 << bit for bit in (7, 8, 12, 13, 14, 15))
READ = READ_FILE | READ_DIR
USE_DEVICE = READ_FILE | _WRITE_FILE
# No devices, sockets or pipes: root could make the disk's device below a writable folder, and write to that.
WRITE = (
    READ | _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _MAKE_SYM | _REFER | _TRUNCATE
)
_OF_FILES = _EXECUTE | _WRITE_FILE | READ_FILE | _TRUNCATE | _IOCTL_DEV
_RIGHTS_OF_ABI = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""How many rights on files each version knows; later versions know as many as 5."""

_REASONS = {
    errno.ENOSYS: "this kernel has no Landlock (Linux 5.13 and later have)",
    errno.EOPNOTSUPP: "Landlock is switched off on this machine (`lsm=` on the kernel's command line)",
    errno.EPERM: "the container's seccomp profile forbids Landlock",
    errno.EACCES: "the container's seccomp profile forbids Landlock",
    errno.E2BIG: "too many Landlock rule sets are in force already",
}


@dataclass(frozen=True, slots=True)
class Grant:
    """Rights on a path, and on all that is below where it is a folder."""

    path: str
    rights: int
    follow: bool = True


def reason(error: OSError) -> str:
    """Why Landlock cannot be used, in words."""
    return _REASONS.get(error.errno or 0, f"Landlock failed: {error.strerror}")


def abi() -> int:
    """The version of Landlock that this kernel has, at least 1.

    Raises:
        OSError: It has none, or does not give it to this process.
    """
    return _system.call(_CREATE_RULESET, None, 0, _VERSION_FLAG)


def make_ruleset(version: int, grants: Iterable[Grant], ports: Sequence[int] | None) -> int:
    """Return a file descriptor of a rule set that allows `grants` and nothing else.

    Args:
        version: Of Landlock.
        grants: Paths that do not exist or cannot be opened are left out.
        ports: The TCP ports that may be bound, where nothing may be connected to; None leaves TCP alone.

    Raises:
        OSError: The kernel refused it.
    """
    handled = (1 << _RIGHTS_OF_ABI.get(version, 16)) - 1
    tcp = _BIND_TCP | _CONNECT_TCP if version >= 4 and ports is not None else 0
    scoped = _SCOPE_ABSTRACT_UNIX_SOCKET | _SCOPE_SIGNAL if version >= 6 else 0
    words = struct.pack("=QQQ", handled, tcp, scoped)
    size_bytes = {1: 8, 2: 8, 3: 8, 4: 16, 5: 16}.get(version, 24)
    ruleset = _system.call(_CREATE_RULESET, _buffer(words[:size_bytes]), size_bytes, 0)
    try:
        for grant in grants:
            with contextlib.suppress(OSError):
                _add_path(ruleset, grant, handled)
        for port in ports or () if tcp else ():
            _system.call(_ADD_RULE, ruleset, _NET_PORT, _buffer(struct.pack("=QQ", _BIND_TCP, port)), 0)
    except OSError:
        os.close(ruleset)
        raise
    return ruleset


def restrict(ruleset: int) -> None:
    """Put the rule set in force for this thread, and for those that it will start.

    Raises:
        OSError: The kernel refused it.
    """
    try:
        _system.call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _add_path(ruleset: int, grant: Grant, handled: int) -> None:
    links = 0 if grant.follow else os.O_NOFOLLOW
    place = os.open(grant.path, os.O_PATH | os.O_CLOEXEC | links)
    try:
        rights = grant.rights & handled
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            rights &= _OF_FILES
        rule = struct.pack("=Qi", rights, place)
        _system.call(_ADD_RULE, ruleset, _PATH_BENEATH, _buffer(rule), 0)
    finally:
        os.close(place)


def _buffer(content: bytes) -> ctypes.Array[ctypes.c_char]:
    return ctypes.create_string_buffer(content, len(content))
