"""The process of its own in which a model is loaded: its start, its limits, and what became of it.

The parent never holds a model. What comes out of the worker is JSON, read as values of `spec`: the worker may
be hostile.
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
