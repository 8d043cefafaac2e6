"""Runs that are ended by `kill -9` after some parts, and started again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.batch._project import environment


def kill_again_and_again(
    root: Path,
    arguments: Sequence[object],
    count_done: Callable[[], int],
    *,
    times: int,
    variables: Mapping[str, str] | None = None,
) -> int:
    """Start a run and kill it after some parts, as often as `times` says; return how often that was."""
    command = [sys.executable, "-m", "batch", *map(str, arguments)]
    generator = random.Random(1)
    for kills in range(times):
        process = subprocess.Popen(command, cwd=root, env={**environment(), **(variables or {})})
        goal = count_done() + generator.randrange(1, 40)
        end = time.monotonic() + 60
        while time.monotonic() < end and process.poll() is None and count_done() < goal:
            time.sleep(0.002)
        if process.poll() is not None:
            return kills
        os.kill(process.pid, signal.SIGKILL)  # its workers end by themselves
        process.wait()
    return times
