"""SHADOW: a share of the records is scored by the model too, and compared with the compiled model.

The model is in a process of its own, `python -m app.shadow`, and gets the records after they were
answered: no request waits for it, and no failure of it ends a request. If it falls behind, records
are left out and counted. Your steps in score.py are left out on both sides.
"""

import logging
import queue
import random
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import Any

import app.serving.metrics  # noqa: F401  # before prometheus_client: worker processes share their metrics

# isort: split
from prometheus_client import Counter
from pydantic import TypeAdapter
from pydantic_core import from_json

from app.schemas import ModelInput
from app.serving import Batcher
from app.serving.logs import HIDDEN
from app.settings import settings

MOST_WAITING = 256  # calls of the model
MOST_LOGGED = 10  # differences

log = logging.getLogger("app.shadow")
_records = Counter("model_shadow_records", "Records that the model scored too.", ["result"])
_input = TypeAdapter(list[ModelInput])


def add_shadow(batcher: Batcher[Any, Any]) -> None:
    """Compare a share of the records that the batcher scores, where SHADOW is not 0."""
    if settings.shadow:
        for result in ("equal", "different", "failed", "dropped"):
            _records.labels(result)
        batcher.run = _observed(batcher.run)


def _observed(run: Callable[..., Any]) -> Callable[..., Any]:
    """Return `run`, which then offers its records to the model."""

    @wraps(run)
    def observed(records: list[Any]) -> Any:
        chosen = [record for record in records if random.random() < settings.shadow]  # noqa: S311
        try:
            answers = run(records)
        except Exception:
            if chosen and len(records) == 1:  # of more, each half is tried again
                _shadow.offer(chosen)
            raise
        if chosen:
            _shadow.offer(chosen)
        return answers

    return observed


class _Shadow:
    """The process of the model, and the thread that asks it. Both begin after the fork."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[list[Any]] = queue.Queue(MOST_WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._has_ended = False
        self._logged = 0

    def offer(self, records: list[Any]) -> None:
        """Enqueue records, if there is room."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._ask, daemon=True)
                self._start(self._thread)
        try:
            if self._has_ended:
                raise queue.Full
            self._waiting.put_nowait(records)
        except queue.Full:
            _records.labels("dropped").inc(len(records))

    def _start(self, thread: threading.Thread) -> None:
        try:
            thread.start()
        except RuntimeError:  # a limit of the container
            self._has_ended = True
            log.exception("The model cannot be compared: its thread does not start.")

    def _ask(self) -> None:
        """Run in the thread: send the records that wait, and count what the process answers."""
        try:
            with (
                suppress(BrokenPipeError),  # of a process that ended
                subprocess.Popen(  # noqa: S603
                    [sys.executable, "-m", __name__],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    cwd=Path(__file__).parents[2],
                ) as process,
            ):
                while self._exchange(process, self._waiting.get()):
                    pass
        except Exception:
            log.exception("The model cannot be compared: its process does not run.")
        self._has_ended = True
        while not self._waiting.empty():
            _records.labels("dropped").inc(len(self._waiting.get()))

    def _exchange(self, process: "subprocess.Popen[bytes]", records: list[Any]) -> bool:
        """Ask about records; return whether the process goes on."""
        line = b""
        if process.stdin and process.stdout:
            with suppress(BrokenPipeError):
                process.stdin.write(_input.dump_json(records, by_alias=True) + b"\n")
                process.stdin.flush()
                line = process.stdout.readline()
        if not line.endswith(b"\n"):
            _records.labels("failed").inc(len(records))
            log.error("The model is not compared any more: exit status %s.", process.wait())
            return False
        found = from_json(line)
        for result in ("equal", "different", "failed"):
            _records.labels(result).inc(found[result])
        for fact in found["facts"]:
            self._log(fact)
        return True

    def _log(self, fact: dict[str, Any]) -> None:
        if self._logged < MOST_LOGGED:
            self._logged += 1
            facts = {
                f"shadow.{name}": value if settings.log_values or name == "field" else HIDDEN
                for name, value in fact.items()
            }
            log.warning("The compiled model differs from the model.", extra=facts)


_shadow = _Shadow()
