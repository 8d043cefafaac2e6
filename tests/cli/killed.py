"""Run a command as the only one in its PID namespace, kill it after a while, and print what is left of it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

_END_S = 60.0
"""How long the clean-up of a command may take."""
_SETTLE_S = 2.0
"""How long processes may live on that end with the command."""


def main() -> None:
    """`killed.py SIGTERM SECONDS COMMAND ...`, as process 1. The seconds begin when Python has started."""
    number, delay_s = signal.Signals[sys.argv[1]], float(sys.argv[2])
    signal.signal(number, signal.SIG_DFL)  # `nohup` ignores SIGHUP
    process = subprocess.Popen(sys.argv[3:], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    ended_before = False
    while process.poll() is None and not _handles_signals(process.pid):
        time.sleep(0.01)
    try:
        process.wait(delay_s)
        ended_before = True
    except subprocess.TimeoutExpired:
        process.send_signal(number)
    _, said = process.communicate(timeout=_END_S)
    until = time.monotonic() + _SETTLE_S
    while (left := _others()) and time.monotonic() < until:
        time.sleep(0.05)
    print(json.dumps({"status": process.returncode, "said": said, "left": left, "ended": ended_before}))


def _handles_signals(pid: int) -> bool:
    """Whether a process has a handler of SIGTERM. Before it has one, Python itself is still starting."""
    with contextlib.suppress(OSError):
        status = Path(f"/proc/{pid}/status").read_text()
        caught = int(status.partition("SigCgt:")[2].split()[0], 16)
        return bool(caught >> (signal.SIGTERM - 1) & 1)
    return False


def _others() -> list[str]:
    """The commands of the other processes, without those that have ended."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            if folder.name != "1" and command:
                found.append(command)
    return found


if __name__ == "__main__":
    main()
