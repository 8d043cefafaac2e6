"""The program of the worker process. Standard library only, until the job names what is to run.

It confines itself by the kernel before it reads anything of the model's, see `scaffold.base.confine`.
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
    """Take the job from standard input, carry it out, and end without the destructors of libraries."""
    vars(sys.modules["__main__"]).pop("main", None)  # the model's own `__main__` has no such name
    worker.mark_inside()
    # Imports make hardly any garbage. The programs collect it from when the model is loaded.
    gc.disable()
    channel = _channel()
    program = importlib.import_module(sys.argv.pop(1))
    job = channel.receive()
    sys.path[:] = job["path"]
    witness = Witness(job["folder"], job["hidden"], job["installed"])
    witness.named.update(job["named"])
    # Before anything of the model's is read.
    enforced = enforce(Confinement.from_json(job["confinement"]))
    # Nothing can be written beside the libraries any more.
    sys.dont_write_bytecode = True
    job["confined"], job["enforced"] = enforced.holds, enforced.as_json()
    os.environ.clear()
    os.environ.update(job["environ"])
    sys.meta_path[:] = [Finder(list(sys.meta_path), witness, job["local"])]
    sys.addaudithook(witness.audit)
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
    """Take the two pipes away from standard input and output, which the model may use as it likes."""
    channel = Channel(os.dup(0), os.dup(1))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    return channel
