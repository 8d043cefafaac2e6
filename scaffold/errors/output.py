"""The error in the output of a process that failed."""

from __future__ import annotations

import itertools
import json

_TRACEBACK = "Traceback (most recent call last):"
_OF_UVICORN = "Application startup failed. Exiting."
"""The last line of a log, after the error."""


def error_in_traceback(output: str) -> str:
    """Return the type and the message of the last traceback; without a traceback, the last line."""
    lines = output.rstrip().splitlines()
    starts = [number for number, line in enumerate(lines, 1) if line.endswith(_TRACEBACK)]
    if not starts:
        return lines[-1] if lines else ""
    return "\n".join(itertools.dropwhile(lambda line: line.startswith(" "), lines[starts[-1] :]))


def error_in_log(log: str) -> str:
    """Return the last error in the log of a service; empty if the log has no error."""
    lines = [_error_text(line) for line in log.splitlines()]
    return error_in_traceback("\n".join(line for line in lines if not line.endswith(_OF_UVICORN)))


def _error_text(line: str) -> str:
    """Return a line of text as it is; of a JSON record the message, if it is an error."""
    try:
        record = json.loads(line)
    except ValueError:
        return line
    if not isinstance(record, dict):
        return line
    return str(record.get("message", "")) if record.get("level") in ("ERROR", "CRITICAL") else ""
