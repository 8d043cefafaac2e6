"""The worker that examines a model, started before it is known what it is to examine.

A command calls `start_ahead` first, and imports its own modules while the process starts: import little here.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from scaffold.base.variables import minimal_environment
from scaffold.worker import Worker, WorkerSettings

_PROGRAM = "scaffold.verbs._examine"
_ahead: list[Worker] = []


def start_ahead() -> None:
    """Start a worker of this environment."""
    settings = WorkerSettings(python=Path(sys.executable), environ=minimal_environment(os.environ))
    _ahead.append(Worker(_PROGRAM, settings))


def end_ahead() -> None:
    """End the worker that was started ahead, where it was not taken."""
    while _ahead:
        _ahead.pop().close()


def examining_worker(settings: WorkerSettings) -> Worker:
    """Return a worker that waits for a model to examine: the one that was started ahead, where it fits."""
    if _ahead and _ahead[0].runs_in == settings.runs_in:
        return _ahead.pop()
    return Worker(_PROGRAM, settings)
