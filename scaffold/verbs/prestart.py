"""The worker that examines a model, started before the command knows which model that is.

A command calls `prestart_worker` first and imports its other modules while the process starts: this module
must import little.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from scaffold.base.variables import minimal_environment
from scaffold.worker import Worker, WorkerSettings

_PROGRAM = "scaffold.verbs._examine"
_prestarted: list[Worker] = []


def prestart_worker() -> None:
    """Start a worker of this environment."""
    settings = WorkerSettings(python=Path(sys.executable), environ=minimal_environment(os.environ))
    _prestarted.append(Worker(_PROGRAM, settings))


def end_prestarted() -> None:
    """End the prestarted worker if no command took it."""
    while _prestarted:
        _prestarted.pop().close()


def examining_worker(settings: WorkerSettings) -> Worker:
    """Return a worker that waits for a model to examine: the prestarted one if its settings match."""
    if _prestarted and _prestarted[0].runs_in == settings.runs_in:
        return _prestarted.pop()
    return Worker(_PROGRAM, settings)
