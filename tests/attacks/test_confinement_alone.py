"""The attack corpus against the confinement alone: no gate checks the files, and nothing may happen."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from scaffold.base.confine import Confinement
from scaffold.errors import WorkerError
from scaffold.worker import Worker, WorkerSettings
from tests.attacks.corpus import CASES, Case, Place, effects

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux confines a process so"),
]

# A file that never ends, or fills the memory, is stopped soon.
LIMITS = Confinement(cpu_s=6, memory_bytes=3 << 30, file_bytes=1 << 20)


def processes_of(session: int) -> list[str]:
    """Return the processes of a session that still run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session:
            found.append(stat.parent.name)
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_confinement_alone_stops_every_attack(case: Case, place: Place) -> None:
    folder = place.markers.parent / "model"
    for file, source in case.companions(place).items():
        (folder / file).write_text(source)
    (folder / case.file).write_bytes(case.content(place))
    confinement = replace(LIMITS, readable=(folder, folder / case.file), parent_pid=os.getpid())
    settings = WorkerSettings(confinement=confinement, time_s=20)
    job = {"model": str(folder / case.file), "local": [str(folder)]}
    settings = replace(settings, path=[*settings.path, str(folder)])
    # Where the file ended the process, that is reported.
    with Worker("tests.attacks.unguarded", settings) as worker, contextlib.suppress(WorkerError):
        worker.begin(job, settings)
        assert worker.receive()["holds"]
    assert effects(place) == []
    assert processes_of(worker._process.pid) == []
    assert sorted(path.name for path in folder.iterdir()) == sorted([case.file, *case.companions(place)])
