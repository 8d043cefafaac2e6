"""A system under test as a process tree: started on its core, measured, ended."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.serving._places import LOAD_CORE, SERVER_CORE

CHILD_SUBREAPER = 36
TICKS = os.sysconf("SC_CLK_TCK")


def adopt_orphans() -> None:
    """Stay the ancestor of what a system under test starts and lets go of, so that it can be ended.

    And go first on a machine that others use too, with all that is started from here, where that is allowed.
    """
    ctypes.CDLL(None).prctl(CHILD_SUBREAPER, 1, 0, 0, 0)
    _go_first(os.getpid())


def _go_first(process: int) -> None:
    """Raise the priority of a session: Linux weighs sessions, and niceness only within one."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{process}/autogroup").write_text("-20")


def leave_server_core() -> None:
    """Run on the core of the load, with all that is started from here and has no core of its own."""
    subprocess.run(["taskset", "-c", "-p", LOAD_CORE, str(os.getpid())], check=True, capture_output=True)


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on now."""
    with contextlib.ExitStack() as stack:
        found = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in found:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in found]


@contextlib.contextmanager
def running(
    command: Sequence[str], folder: str, variables: Mapping[str, str], log: Path, core: str = SERVER_CORE
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `command` on one core; at the end it is ended, with all that was started here meanwhile."""
    others = set(family())
    log.parent.mkdir(parents=True, exist_ok=True)
    path = f"{Path(command[0]).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, **variables, "PATH": path}
    environment.pop("PYTHONPATH", None)
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["taskset", "-c", core, *command],
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        _go_first(process.pid)
    try:
        yield process
    finally:
        resume(process.pid)
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(15)
        for left in set(family()) - others:
            with contextlib.suppress(ProcessLookupError):
                os.kill(left, signal.SIGKILL)
        process.wait()
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def freeze(process: int) -> None:
    """Take the cores from a process and all below it."""
    _signal(process, signal.SIGSTOP)


def resume(process: int) -> None:
    """Let a process and all below it go on."""
    _signal(process, signal.SIGCONT)


def _signal(process: int, number: signal.Signals) -> None:
    for each in family(process):
        with contextlib.suppress(ProcessLookupError):
            os.kill(each, number)


def family(process: int | None = None) -> list[int]:
    """A process and all below it; all below this one, if none is named."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
                if state != "Z":
                    children.setdefault(int(parent), []).append(int(entry.name))
    found, todo = [process] if process else [], [process or os.getpid()]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


def memory_mb(process: int | None = None) -> float:
    """Resident memory of a process and all below it; of all below this one, if none is named."""
    pages = 0
    for each in family(process):
        with contextlib.suppress(OSError):
            pages += int(Path(f"/proc/{each}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def cpu_s() -> tuple[float, float]:
    """CPU seconds: of the processes below this one, ended ones too, and of the whole machine."""
    times = os.times()
    own = times.user + times.system + times.children_user + times.children_system
    for process in family():
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            own += (int(fields[11]) + int(fields[12])) / TICKS
    machine = [int(value) for value in Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
    return own, (sum(machine) - machine[3] - machine[4]) / TICKS


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], seconds: float) -> float:
    """Seconds from now until `ready()` is true.

    Raises:
        RuntimeError: The process ended, or the time is over.
    """
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        with contextlib.suppress(OSError):
            if ready():
                return time.perf_counter() - began
        if process.poll() is not None:
            break
        time.sleep(0.01)
    raise RuntimeError(f"did not start: exit status {process.poll()}")
