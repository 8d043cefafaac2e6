"""The main program of the worker process. Standard library only, until the job names its program.

The process confines itself before it reads any file of the model: see `scaffold.base.confine`.
"""

from __future__ import annotations

import gc
import importlib
import mmap
import os
import sys
from collections.abc import Callable
from pathlib import Path

from scaffold import worker
from scaffold.base import unpickle
from scaffold.base.confine import Confinement, enforce
from scaffold.worker._channel import LOOKUP_BYTES, LOOKUP_FILE, Channel
from scaffold.worker._variables import watch_variables
from scaffold.worker._witness import Finder, Witness


def main() -> None:
    """Read the job from standard input, carry it out, and exit without running destructors."""
    vars(sys.modules["__main__"]).pop("main", None)  # the `__main__` of a model has no such name
    worker.mark_inside()
    # Imports create little garbage: the programs enable collection when they load the model.
    gc.disable()
    channel = _channel()
    program = importlib.import_module(sys.argv.pop(1))
    job = channel.receive()
    sys.path[:] = job["path"]
    witness = Witness(job["folder"], job["hidden"], job["installed"])
    witness.passed_over = (job["folder"], os.getcwd())  # noqa: PTH109 - text, as the audit hook compares it
    witness.named.update(job["named"])
    # Before any file of the model is read.
    enforced = enforce(Confinement.from_json(job["confinement"]))
    # The confinement forbids writing beside the libraries.
    sys.dont_write_bytecode = True
    job["confined"], job["enforced"] = enforced.holds, enforced.as_json()
    os.environ.clear()
    os.environ.update(job["environ"])
    sys.meta_path[:] = [Finder(list(sys.meta_path), witness, job["local"])]
    sys.addaudithook(witness.audit_hook())
    watch_variables(witness)
    unpickle.on_lookup = _lookup_writer(Path(job["folder"]) / LOOKUP_FILE)
    program.run(channel, job, witness)
    # No destructors: some libraries hang or crash in theirs.
    os._exit(0)


def _lookup_writer(path: Path) -> Callable[[str], None]:
    """Return a function that writes a name to a memory-mapped file, which survives a crash."""
    with path.open("rb+") as file:
        file.truncate(LOOKUP_BYTES)
        content = mmap.mmap(file.fileno(), LOOKUP_BYTES)

    def note(text: str) -> None:
        content[:] = text.encode()[:LOOKUP_BYTES].ljust(LOOKUP_BYTES, b"\0")

    return note


def _channel() -> Channel:
    """Move the two pipes off standard input and output, which the model may use."""
    channel = Channel(os.dup(0), os.dup(1))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    return channel
