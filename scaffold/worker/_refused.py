"""Errors for actions of the model that the confinement refused."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from scaffold.base.confine import Action, Refused, explain, refusals
from scaffold.errors import (
    ConfinementError,
    IntrospectionError,
    LoadFailedError,
    MissingLibraryError,
    NoFittingCallError,
    NotASampleError,
    ScaffoldError,
    VersionMismatchError,
    WorkerLimitError,
)

_WORDS = {
    Action.READ: "reads",
    Action.WRITE: "writes",
    Action.LISTEN: "listens on",
    Action.RUN: "runs the program",
    Action.SIGNAL: "sends a signal to",
}

_OF_MODEL = (IntrospectionError, LoadFailedError, MissingLibraryError, NotASampleError, VersionMismatchError)
"""Errors that may be caused by a refusal to the model, or to a library that reads a file."""
_DATABASE = ("readonly database", "unable to open database file")
_SEMAPHORE = re.compile(r"PermissionError: \[Errno 13\] Permission denied$", re.MULTILINE)
"""An error that names no path."""
_REFUSALS = ("permission", "permitted", "denied", "connection", "name resolution", "network", "max retries")


def refused_error(error: BaseException) -> ScaffoldError | None:
    """Return the error for a failure that the confinement caused; `None` for any other failure.

    An error of this package with the model's message is attributed to the last refusal only if the message
    mentions a refusal, because libraries try many actions that they do not need.
    """
    if isinstance(error, ScaffoldError) and not isinstance(error, _OF_MODEL):
        return None
    text = str(error)
    if any(words in text for words in _DATABASE):
        return _database_error(error)
    refused = explain(error)
    if refused is None and isinstance(error, ScaffoldError) and any(w in text.lower() for w in _REFUSALS):
        refused = _refused_semaphore(text) or next(iter(refusals()), None)
    return None if refused is None else _as_error(refused, _cause(error))


def _cause(error: BaseException) -> str:
    """Return the model's own error in one line."""
    if isinstance(error, NoFittingCallError) and error.attempts:
        return ": ".join(error.attempts[0])
    if isinstance(error, LoadFailedError):
        return error.cause
    if isinstance(error, VersionMismatchError):
        return error.detail
    text = str(error) if isinstance(error, ScaffoldError) else f"{type(error).__name__}: {error}"
    return text.splitlines()[0]


def _database_error(error: BaseException) -> ScaffoldError | None:
    """Return the error for an SQLite database; errors of SQLite have no path."""
    written = [refused.target for refused in refusals() if refused.action is Action.WRITE]
    if not written:
        return None
    path = Path(written[0])
    try:
        path.open("rb").close()
    except PermissionError:
        return _as_error(Refused(action=Action.READ, target=str(path)), _cause(error))
    except OSError:
        pass  # the model would create the file
    return ConfinementError("writes to the database", str(path), _cause(error))


def _refused_semaphore(text: str) -> Refused | None:
    """Return the refusal of process creation, if an error without a path has that cause.

    `multiprocessing` first creates a semaphore, for which there is no audit event.
    """
    if "_multiprocessing" not in sys.modules or not _SEMAPHORE.search(text):
        return None
    candidates = (refused for refused in refusals() if refused.action not in (Action.READ, Action.WRITE))
    return next(candidates, Refused(action=Action.FORK))


def _as_error(refused: Refused, cause: str) -> ScaffoldError:
    match refused.action:
        case Action.MEMORY:
            return WorkerLimitError("memory", refused.target)
        case Action.CONNECT:
            return ConfinementError("connects to", refused.target or "the network", cause)
        case Action.FORK:
            return ConfinementError("starts a process", "", cause)
    action = _WORDS.get(refused.action, f"wants to {refused.action.value}")
    current = Path.cwd()
    target = Path(os.path.abspath(refused.target))  # noqa: PTH100 - a link stays what it is
    if refused.action is Action.WRITE and target.is_relative_to(current):
        # The current folder is private to the worker: do not show its path to the user.
        name = str(target.relative_to(current))
        cause = cause.replace(str(target), name)
        return ConfinementError(action, f"{name} in the current folder", cause)
    return ConfinementError(action, refused.target, cause)
