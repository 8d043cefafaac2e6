"""Confine this process by the kernel before it reads a file that may be hostile.

    enforced = enforce(Confinement(readable=(model.parent,), writable=(temporary_folder,)))

A model file is a program. Once it runs, it may do whatever its process may do: it can call the C library
through `ctypes`, write over this module in memory and remove any check made in Python. So the only walls
that count are irreversible, kept by the kernel, and need no privileges:

- **Landlock** bounds the files that can be opened and the TCP ports. It knows paths, which seccomp cannot
  read.
- **seccomp** refuses what has no path: programs, processes, sockets, other processes, rare parts of the
  kernel. No process can be started at all, so nothing is left running.
- **Limits** of memory, processor time, file size and open files, for models that are merely wrong. A hostile
  one gets past the limit of memory, which does not count shared memory: `oom_score_adj` has the kernel end
  that process first.
- **Capabilities** of root are dropped, for they would lift the limits; `no_new_privs` keeps them away.
- **The parent's end** is this process's end.

Why a package of this size and not a dependency: a third of it is tables, no maintained package does both
Landlock and seccomp, and the launcher takes it into environments in which nothing of ours is installed. For
the same reason it needs the standard library only, from Python 3.10 on. Where a wall cannot stand (old
kernels, a container's own filter, macOS, Windows) `Enforced.missing` says which and why; nothing is raised
for that.

Open files stay open: start the process with `close_fds=True` (the default of `subprocess`), give it only
pipes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from . import _landlock, _paths, _seccomp, _system
from ._attempts import Action, Refused
from ._paths import readable_system_paths
from ._refusals import explain, explain_exit, refusals, watch
from ._values import Closed, Confinement, Enforced, Missing, Network, Open, Serve, Wall

__all__ = [
    "Action",
    "Closed",
    "Confinement",
    "Enforced",
    "Missing",
    "Network",
    "Open",
    "Refused",
    "Serve",
    "Wall",
    "confined_environment",
    "enforce",
    "explain",
    "explain_exit",
    "launch_command",
    "readable_system_paths",
    "refusals",
]

_LINUX_ONLY = "only Linux on x86_64 and aarch64 has this"


def enforce(confinement: Confinement) -> Enforced:
    """Confine this process irreversibly, and return which walls are in force.

    To be called before the process starts a thread and before it reads anything that may be hostile.

    Raises:
        RuntimeError: The process has several threads: Landlock would bind this one alone.
        ProcessLookupError: The parent process has ended.
    """
    if _system.thread_count() > 1:
        raise RuntimeError("a process must be confined before it starts threads")
    missing: list[Missing] = []
    column = _system.machine()
    if column is None:
        memory_bytes = _set_limits(confinement, missing)
        walls = (Wall.FILES, Wall.SYSTEM_CALLS, Wall.PARENT, Wall.CAPABILITIES)
        missing += [Missing(wall=wall, reason=_LINUX_ONLY) for wall in walls]
        watch(confinement, memory_bytes)
        return Enforced(memory_bytes=memory_bytes, missing=tuple(missing))
    if confinement.parent_pid is not None:
        try:
            _system.die_with_parent(column, confinement.parent_pid)
        except ProcessLookupError:
            raise
        except OSError as error:
            missing.append(Missing(wall=Wall.PARENT, reason=str(error)))
    _system.prefer_for_oom_kill()
    memory_bytes = _set_limits(confinement, missing)
    abi, unread = _wall_off_files(column, confinement, missing)
    filtered = _filter_calls(column, confinement, abi, missing)
    watch(confinement, memory_bytes)
    return Enforced(
        landlock_abi=abi, seccomp=filtered, memory_bytes=memory_bytes, missing=tuple(missing), unread=unread
    )


def confined_environment(folder: Path) -> dict[str, str]:
    """Return the variables with which libraries write into the writable `folder` and start no processes."""
    text = str(folder)
    return {
        "HOME": text,
        "TMPDIR": text,
        "XDG_CACHE_HOME": text,
        "XDG_CONFIG_HOME": text,
        "XDG_DATA_HOME": text,
        "MPLCONFIGDIR": text,
        "NUMBA_CACHE_DIR": text,
        "JOBLIB_TEMP_FOLDER": text,
        # joblib then runs sequentially, or in threads, instead of starting processes.
        "JOBLIB_MULTIPROCESSING": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def launch_command(
    python: Path, confinement: Confinement, module: str, arguments: Sequence[str] = ()
) -> list[str]:
    """Return the command that runs `python -m module` confined; `python` may be of any environment.

    Args:
        python: The interpreter, of any environment.
        confinement: What the process may do.
        module: A dotted name.
        arguments: What the module finds in `sys.argv[1:]`.
    """
    launcher = Path(__file__).parent / "launcher.py"
    return [str(python), str(launcher), confinement.as_json(), "-m", module, *arguments]


def _set_limits(confinement: Confinement, missing: list[Missing]) -> int:
    memory_bytes = confinement.memory_bytes or _system.default_memory_bytes()
    try:
        _system.set_limits(
            memory_bytes=memory_bytes,
            cpu_s=confinement.cpu_s,
            file_bytes=confinement.file_bytes,
            open_files=confinement.open_files,
        )
    except (OSError, ValueError, ImportError) as error:
        missing.append(Missing(wall=Wall.LIMITS, reason=str(error)))
        return 0
    return memory_bytes


def _wall_off_files(
    column: int, confinement: Confinement, missing: list[Missing]
) -> tuple[int, tuple[str, ...]]:
    """Apply Landlock and drop the capabilities; return its version and the folders that it cannot grant."""
    version, ruleset = 0, -1
    unread: tuple[str, ...] = ()
    try:
        version = _landlock.abi()
        allowed, unread = _paths.grants(
            confinement.readable, confinement.readable_whole, confinement.writable
        )
        match confinement.network:
            case Open():
                ports: tuple[int, ...] | None = None
            case Serve(port=port):
                ports = (port,)
            case _:
                ports = ()
        ruleset = _landlock.make_ruleset(version, allowed, ports)
    except OSError as error:
        version = 0
        missing.append(Missing(wall=Wall.FILES, reason=_landlock.reason(error)))
    try:
        _system.drop_capabilities(column, keep_dac_override=version > 0)
    except OSError as error:
        missing.append(Missing(wall=Wall.CAPABILITIES, reason=str(error)))
    try:
        _system.prctl(column, _system.PR_SET_NO_NEW_PRIVS, 1)
        if version:
            _landlock.restrict(ruleset)
    except OSError as error:
        version = 0
        missing.append(Missing(wall=Wall.FILES, reason=_landlock.reason(error)))
    return version, unread


def _filter_calls(column: int, confinement: Confinement, abi: int, missing: list[Missing]) -> bool:
    try:
        _seccomp.install(column, network=confinement.network, landlock_abi=abi)
    except OSError as error:
        missing.append(Missing(wall=Wall.SYSTEM_CALLS, reason=f"seccomp cannot be used: {error.strerror}"))
        return False
    return True
