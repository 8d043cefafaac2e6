"""seccomp: the system calls that this process is refused, as a filter in the kernel's BPF.

A list of what is refused, not of what is allowed: model libraries use several hundred calls, others on each
version of the C library, and a call that is missing on a list of allowed ones breaks a model for no reason.
What the list leaves open is bounded by Landlock and by the rights of a process without capabilities. A
refused call fails; nothing is killed, so that the library's own error reaches the user.

Source: the kernel's Documentation/userspace-api/seccomp_filter.rst, include/uapi/linux/seccomp.h, filter.h.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from dataclasses import dataclass

from . import _system
from ._calls import FILTERED, LAST_KNOWN, REFUSED
from ._values import Network, Open, Serve

_SECCOMP = (317, 277)
_SET_MODE_FILTER, _TSYNC = 1, 1
_ARCHITECTURES = (0xC000003E, 0xC00000B7)

_LOAD, _AND, _JUMP_EQUAL, _JUMP_ABOVE, _RETURN = 0x20, 0x54, 0x15, 0x25, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16

_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_REFUSE = _ERRNO | errno.EPERM
_ABSENT = _ERRNO | errno.ENOSYS
_PRETEND = _ERRNO  # error 0: the call is left out, and succeeds

_CLONE_THREAD, _CLONE_NAMESPACES = 0x00010000, 0x7E020000
_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK = 1, 2, 10, 16
_SOCK_STREAM, _SOCK_DGRAM, _SOCK_RAW, _SOCK_TYPE = 1, 2, 3, 0xF
_MSG_FASTOPEN = 0x20000000
_PR_SET_PDEATHSIG = 1
_O_ACCMODE, _O_TRUNC = 3, 0o1000
_F_SETOWN, _F_SETOWN_EX, _F_SETLEASE = 8, 15, 1024
# TCGETS, TCGETS2, TIOCGPGRP, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX. Above all not TIOCSTI, which
# types into the user's terminal.
_IOCTLS = (0x5401, 0x802C542A, 0x540F, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)

_ALL_BITS = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class _Check:
    """Whether 32 bits of an argument, masked, are `value`; `high` takes the upper half of the argument."""

    argument: int
    value: int
    mask: int = _ALL_BITS
    high: bool = False


@dataclass(frozen=True, slots=True)
class _Rule:
    """What a call returns: `then` where all checks of one of the cases hold, else `otherwise`."""

    cases: tuple[tuple[_Check, ...], ...] = ()
    then: int = _ALLOW
    otherwise: int = _REFUSE


def install(column: int, *, network: Network, landlock_abi: int) -> None:
    """Filter the system calls of all threads of this process, for good; needs `no_new_privs`.

    Args:
        column: Of the machine in the tables of numbers.
        network: What sockets may do.
        landlock_abi: The version of Landlock in force, 0 for none; the filter covers what old ones lack.

    Raises:
        OSError: The kernel has no filters, or does not give them to this process.
    """
    program = _assemble(column, _rules(network, os.getpid(), landlock_abi))
    code = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: a count of instructions, padding, the address of the first.
    header = struct.pack("=HxxxxxxQ", len(program) // 8, ctypes.addressof(code))
    result = _system.call(
        _SECCOMP[column], _SET_MODE_FILTER, _TSYNC, ctypes.create_string_buffer(header, len(header))
    )
    if result:
        raise OSError(errno.EBUSY, f"thread {result} cannot be confined")


def _rules(network: Network, pid: int, landlock_abi: int) -> dict[str, _Rule]:
    """The rule of each call that is not simply allowed. `pid` is the only process there will ever be."""
    rules = {name: _Rule() for name in REFUSED}
    rules |= _process_rules(pid) | _file_rules(landlock_abi) | _network_rules(network)
    for name in ("clone3", "openat2", "io_uring_setup", "io_uring_enter", "io_uring_register"):
        # A filter cannot read their arguments, which are in memory; callers fall back to older calls.
        rules[name] = _Rule(otherwise=_ABSENT)
    return rules


def _process_rules(pid: int) -> dict[str, _Rule]:
    own_process = _Rule(((_Check(0, pid),),))
    self_or_zero = ((_Check(0, 0),), (_Check(0, pid),))
    return {
        "clone": _Rule(((_Check(0, _CLONE_THREAD, _CLONE_THREAD | _CLONE_NAMESPACES),),)),
        "kill": own_process,
        "tgkill": own_process,
        "rt_sigqueueinfo": own_process,
        "rt_tgsigqueueinfo": own_process,
        "prlimit64": _Rule(self_or_zero),
        # onnxruntime pins each of its threads by its own number, which is not known here.
        "sched_setaffinity": _Rule(self_or_zero, otherwise=_PRETEND),
        "sched_setscheduler": _Rule(self_or_zero),
        "sched_setparam": _Rule(self_or_zero),
        "sched_setattr": _Rule(self_or_zero),
        "setpriority": _Rule(((_Check(0, 0), _Check(1, 0)),)),
        "ioprio_set": _Rule(((_Check(0, 1), _Check(1, 0)),)),
        "prctl": _Rule(((_Check(0, _PR_SET_PDEATHSIG),),), then=_REFUSE, otherwise=_ALLOW),
    }


def _file_rules(landlock_abi: int) -> dict[str, _Rule]:
    pretend = _Rule(otherwise=_PRETEND)

    def times(argument: int) -> _Rule:
        """Explicit times come from copies: pretend to succeed. `touch` passes none and is refused."""
        no_times = (_Check(argument, 0), _Check(argument, 0, high=True))
        return _Rule((no_times,), then=_REFUSE, otherwise=_PRETEND)

    def truncating(argument: int) -> _Rule:
        """Landlock before version 3 does not cover O_TRUNC on opening to read, or in mode 3."""
        mask = _O_ACCMODE | _O_TRUNC
        cases = tuple((_Check(argument, _O_TRUNC | mode, mask),) for mode in (0, 3))
        return _Rule(cases, then=_REFUSE, otherwise=_ALLOW)

    return {
        # Landlock does not cover modes and times. shutil.copy and tarfile set them on what they just wrote,
        # and fail where they cannot; a filter sees no path. So the call succeeds and changes nothing.
        "chmod": pretend,
        "fchmod": pretend,
        "fchmodat": pretend,
        "fchmodat2": pretend,
        "utime": times(1),
        "utimes": times(1),
        "futimesat": times(2),
        "utimensat": times(2),
        "open": truncating(1),
        "openat": truncating(2),
        "truncate": _Rule(otherwise=_ALLOW if landlock_abi >= 3 else _REFUSE),
        "fcntl": _Rule(
            tuple((_Check(1, command),) for command in (_F_SETOWN, _F_SETOWN_EX, _F_SETLEASE)),
            then=_REFUSE,
            otherwise=_ALLOW,
        ),
        "ioctl": _Rule(tuple((_Check(1, command),) for command in _IOCTLS), otherwise=_ERRNO | errno.ENOTTY),
    }


def _network_rules(network: Network) -> dict[str, _Rule]:
    # Stream only: a datagram socket of a pair can be turned to any Unix socket of the machine.
    rules = {"socketpair": _Rule(((_Check(0, _AF_UNIX), _Check(1, _SOCK_STREAM, _SOCK_TYPE)),))}
    internet = (_AF_INET, _AF_INET6)
    if isinstance(network, Open):
        kinds = [(family, kind) for family in internet for kind in (_SOCK_STREAM, _SOCK_DGRAM)]
        cases: list[tuple[_Check, ...]]
        cases = [(_Check(0, family), _Check(1, kind, _SOCK_TYPE)) for family, kind in kinds]
        # The C library asks the kernel for its interfaces when it looks a name up.
        cases += [
            (_Check(0, _AF_NETLINK), _Check(1, kind, _SOCK_TYPE), _Check(2, 0))
            for kind in (_SOCK_DGRAM, _SOCK_RAW)
        ]
        return rules | {"socket": _Rule(tuple(cases))}
    # TCP Fast Open connects without connect(2), and past Landlock.
    for name, flags in (("sendto", 3), ("sendmsg", 2), ("sendmmsg", 3)):
        fastopen = _Check(flags, _MSG_FASTOPEN, _MSG_FASTOPEN)
        rules[name] = _Rule(((fastopen,),), then=_REFUSE, otherwise=_ALLOW)
    rules["connect"] = _Rule()
    if isinstance(network, Serve):
        # Protocol 0 and TCP: Landlock's ports do not bind multipath TCP or SCTP.
        stream = _Check(1, _SOCK_STREAM, _SOCK_TYPE)
        tcp = ((_Check(0, family), stream, _Check(2, number)) for family in internet for number in (0, 6))
        return rules | {"socket": _Rule(tuple(tcp))}
    return rules | {"socket": _Rule(), "bind": _Rule(), "listen": _Rule()}


def _assemble(column: int, rules: dict[str, _Rule]) -> bytes:
    """The filter as BPF: eight bytes an instruction (code, jump if true, jump if false, value)."""
    code = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_JUMP_EQUAL, 1, 0, _ARCHITECTURES[column]),
        (_RETURN, 0, 0, _ABSENT),  # calls of 32-bit programs have other numbers
        (_LOAD, 0, 0, _NUMBER_AT),
        (_JUMP_ABOVE, 0, 1, LAST_KNOWN),  # those of x32 too, which have bit 30 set
        (_RETURN, 0, 0, _ABSENT),
    ]
    for name, rule in rules.items():
        number = (FILTERED | REFUSED)[name][column]
        if number is None:
            continue
        body = _body(rule)
        code += [(_JUMP_EQUAL, 0, len(body), number), *body]
    code.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


def _body(rule: _Rule) -> list[tuple[int, int, int, int]]:
    code: list[tuple[int, int, int, int]] = []
    for case in rule.cases:
        remaining = 3 * len(case)
        for check in case:
            remaining -= 3  # instructions of the checks that follow; then the return
            at = _ARGUMENTS_AT + 8 * check.argument + 4 * check.high  # both machines are little-endian
            code += [
                (_LOAD, 0, 0, at),
                (_AND, 0, 0, check.mask),
                (_JUMP_EQUAL, 0, remaining + 1, check.value),
            ]
        code.append((_RETURN, 0, 0, rule.then))
    code.append((_RETURN, 0, 0, rule.otherwise))
    return code
