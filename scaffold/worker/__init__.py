"""The separate process that loads a model: its start, its limits, and how it ended.

The parent never holds a model. Messages of the worker are JSON and parsed as values of `spec`, because the
worker may be hostile.
"""

from __future__ import annotations

from scaffold.worker._errors import encode_error, printable
from scaffold.worker._host import REHEARSAL, Worker, WorkerFaultError, WorkerSettings
from scaffold.worker._plain import require_plain

__all__ = [
    "REHEARSAL",
    "Worker",
    "WorkerFaultError",
    "WorkerSettings",
    "encode_error",
    "is_inside",
    "printable",
    "require_plain",
]

_inside = False


def mark_inside() -> None:
    """Remember that this process is a worker."""
    global _inside
    _inside = True


def is_inside() -> bool:
    """Whether this process is a worker: a model's code that calls this package must not start another one."""
    return _inside
