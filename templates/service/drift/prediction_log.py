"""LOG_PREDICTIONS: a share of the requests, with the predictions, as JSON lines.

A line is `{"at": time, "id": request id, "model": sha256, "input": record, "output": prediction}`.
A thread writes them. If it falls behind, records are left out of the log, and requests never wait
for it. A file is opened for each write, so that logrotate may move it away: nothing is rotated here.
"""

import logging
import queue
import random
import sys
import threading
from collections.abc import Sequence
from datetime import datetime, timezone
from multiprocessing.util import Finalize
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import to_json

from app.schemas import ModelInput, ModelOutput
from app.settings import MODEL_SHA256, settings

MOST_WAITING = 10_000  # records
MOST_AT_ONCE = 500
LAST_S = 2.0  # to write what waits at the end of the process

Entry = tuple[datetime, str, Any, Any]

log = logging.getLogger("app.prediction_log")
_omitted = [name.strip() for name in settings.log_predictions_omit.split(",") if name.strip()]
_input, _output = TypeAdapter(ModelInput), TypeAdapter(ModelOutput)


def log_predictions(records: Sequence[Any], answers: Sequence[Any], request_id: str = "") -> int:
    """Log a request, or not, by the share. Return the number of records that it had no room for."""
    if random.random() >= settings.log_predictions:  # noqa: S311
        return 0
    if _writer.waiting.qsize() + len(records) > MOST_WAITING:
        return len(records)
    at = datetime.now(timezone.utc)
    _writer.start()
    for record, answer in zip(records, answers, strict=True):
        _writer.waiting.put((at, request_id, record, answer))
    return 0


class _Writer:
    """The thread that writes. It begins with the first entry, which comes after the fork."""

    def __init__(self) -> None:
        self.waiting: queue.SimpleQueue[Entry | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._has_failed = False

    def start(self) -> None:
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._work, daemon=True)
                    self._thread.start()
                    Finalize(None, self._end, exitpriority=1)  # of a worker process too

    def _work(self) -> None:
        entry = self.waiting.get()
        while entry:
            lines = [_line_of(*entry)]
            while not self.waiting.empty() and len(lines) < MOST_AT_ONCE:
                if not (entry := self.waiting.get()):
                    break
                lines.append(_line_of(*entry))
            self._write(b"".join(lines))
            entry = entry and self.waiting.get()

    def _write(self, lines: bytes) -> None:
        try:
            if settings.log_predictions_to == "stdout":
                sys.stdout.buffer.write(lines)
                sys.stdout.buffer.flush()
            else:
                with open(settings.log_predictions_to, "ab", buffering=0) as file:
                    file.write(lines)
        except OSError as error:
            if not self._has_failed:
                log.error("predictions are not logged: %s", error.strerror)
            self._has_failed = True

    def _end(self) -> None:
        self.waiting.put(None)
        if self._thread:
            self._thread.join(LAST_S)


def _line_of(at: datetime, request_id: str, record: Any, answer: Any) -> bytes:
    """Return the line of a record, without the fields of LOG_PREDICTIONS_OMIT."""
    line = {"at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z")}
    if request_id:
        line["id"] = request_id
    line["model"] = MODEL_SHA256[:12]  # a log may have the predictions of several models
    line["input"] = _input.dump_python(record, mode="json", by_alias=True)
    line["output"] = _output.dump_python(answer, mode="json", by_alias=True, warnings=False)
    for name in _omitted:
        for part in (line["input"], line["output"]):
            _remove(part, name)
    return to_json(line, inf_nan_mode="null") + b"\n"


def _remove(value: Any, name: str) -> None:
    """Remove a field; within objects by its dotted name."""
    if isinstance(value, dict):
        value.pop(name, None)
        for key, inner in value.items():
            if name.startswith(f"{key}."):
                _remove(inner, name[len(key) + 1 :])


_writer = _Writer()
