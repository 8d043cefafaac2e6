"""System calls by number, and one-time settings of a process: limits, capabilities, the parent's end."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import platform
import sys
from pathlib import Path

MACHINES = {"x86_64": 0, "aarch64": 1}
"""The machines whose system call numbers are known, and their column in the tables of numbers."""

_PRCTL, _CAPGET, _CAPSET = (157, 167), (125, 90), (126, 91)
_PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
_SIGKILL = 9
_CAPABILITY_VERSION_3 = 0x20080522
_CAP_DAC_OVERRIDE = 1 << 1
_LEAST_MEMORY_BYTES = 4 << 30  # torch, polars and pyarrow together reserve 3 GiB
_MOST_THREADS = 16_384  # of all processes of the user; root is not counted
_UNLIMITED_BYTES = 1 << 60
_OOM_SCORE = "900"


def machine() -> int | None:
    """The column of this process's machine in the tables of numbers; None where confining is not possible."""
    if sys.platform != "linux" or ctypes.sizeof(ctypes.c_void_p) != 8:
        return None
    return MACHINES.get(platform.machine())


def call(number: int, *arguments: int | ctypes.Array[ctypes.c_char] | None) -> int:
    """Return what system call `number` returned.

    Raises:
        OSError: The call failed.
    """
    libc = _libc()
    words = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    result: int = libc.syscall(ctypes.c_long(number), *words)
    if result == -1:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def prctl(column: int, option: int, value: int) -> None:
    """Set `option` of this process.

    Raises:
        OSError: The kernel refused it.
    """
    call(_PRCTL[column], option, value, 0, 0, 0)


def thread_count() -> int:
    """How many threads this process has; 1 where the system does not say."""
    try:
        return len(os.listdir("/proc/self/task"))  # noqa: PTH208 - one listing, no paths
    except OSError:
        return 1


def die_with_parent(column: int, parent_pid: int) -> None:
    """Have the kernel kill this process when its parent ends.

    Raises:
        OSError: The kernel refused it.
        ProcessLookupError: The parent has ended already.
    """
    prctl(column, _PR_SET_PDEATHSIG, _SIGKILL)
    if os.getppid() != parent_pid:  # the parent ended before the line above, so no signal will come
        raise ProcessLookupError(f"the parent process {parent_pid} has ended")


def drop_capabilities(column: int, *, keep_dac_override: bool) -> None:
    """Give up the rights of root, which would undo the limits.

    Args:
        column: Of the machine.
        keep_dac_override: Keep the right to files of other users. In a container root often serves files of
            the user outside; Landlock bounds which.

    Raises:
        OSError: The kernel refused it.
    """
    header = ctypes.create_string_buffer(
        _CAPABILITY_VERSION_3.to_bytes(4, sys.byteorder) + bytes(4),
        8,
    )
    capabilities = ctypes.create_string_buffer(24)  # two of: effective, permitted, inheritable
    call(_CAPGET[column], header, capabilities)
    kept_bits = _CAP_DAC_OVERRIDE if keep_dac_override else 0
    effective, permitted = (
        int.from_bytes(capabilities.raw[at : at + 4], sys.byteorder) & kept_bits for at in (0, 4)
    )
    new = b"".join(word.to_bytes(4, sys.byteorder) for word in (effective, permitted, 0, 0, 0, 0))
    call(_CAPSET[column], header, ctypes.create_string_buffer(new, 24))


def set_limits(*, memory_bytes: int, cpu_s: int, file_bytes: int, open_files: int) -> None:
    """Set the limits of this process, never above its hard limits.

    Raises:
        OSError, ValueError: A limit could not be set.
        ImportError: The system has no such limits.
    """
    import resource

    # RLIMIT_AS would count what torch and others only reserve; RLIMIT_DATA counts private writable memory.
    limits = {"RLIMIT_DATA": memory_bytes, "RLIMIT_FSIZE": file_bytes, "RLIMIT_NOFILE": open_files}
    limits["RLIMIT_NPROC"] = _MOST_THREADS
    # 1, not 0: the kernel starts a core_pattern program for a crash at any limit but 1.
    limits["RLIMIT_CORE"] = 1
    for name, value in limits.items():
        limit = getattr(resource, name)
        _, hard = resource.getrlimit(limit)
        capped = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (capped, capped))
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft, last = cpu_s, cpu_s + 5  # SIGXCPU first, which names the limit; SIGKILL if that is ignored
    if hard != resource.RLIM_INFINITY:
        soft, last = min(soft, hard), min(last, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, last))


def prefer_for_oom_kill() -> None:
    """Have this process killed first when the machine runs out of memory."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE)


def default_memory_bytes() -> int:
    """Three quarters of the memory that is available to this process now, at least 4 GiB."""
    return max(_LEAST_MEMORY_BYTES, _available_memory_bytes() * 3 // 4)


def _available_memory_bytes() -> int:
    available = _UNLIMITED_BYTES
    with contextlib.suppress(OSError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                available = int(line.split()[1]) * 1024
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers == "":
                available = min(available, _available_in_cgroup("/sys/fs/cgroup", path, "max", "current"))
            elif "memory" in controllers.split(","):
                names = ("limit_in_bytes", "usage_in_bytes")
                available = min(available, _available_in_cgroup("/sys/fs/cgroup/memory", path, *names))
    return available if available < _UNLIMITED_BYTES else 0


def _available_in_cgroup(root: str, path: str, most: str, used: str) -> int:
    """Return the least memory that is left in the process's cgroup and its ancestors."""
    available, folder = _UNLIMITED_BYTES, Path(root + path)
    while True:
        with contextlib.suppress(OSError, ValueError):  # the outermost group has no limit: "max"
            limit = int((folder / f"memory.{most}").read_text())
            available = min(available, limit - int((folder / f"memory.{used}").read_text()))
        if str(folder) == root or not folder.is_relative_to(root):
            return max(available, 0)
        folder = folder.parent
