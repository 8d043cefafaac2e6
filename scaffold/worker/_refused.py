"""What a person is told of something that the confinement refused to the model."""

from __future__ import annotations

from scaffold._confine import Action, Refused, explain, refusals
from scaffold.errors import (
    ConfinementError,
    IntrospectionError,
    LoadFailedError,
    MissingLibraryError,
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
    Action.FORK: "starts a process",
    Action.SIGNAL: "sends a signal to",
}

_OF_MODEL = (IntrospectionError, LoadFailedError, MissingLibraryError, NotASampleError, VersionMismatchError)
"""Errors that may stand for what the model, or a library that reads a file, was refused."""
_REFUSALS = ("permission", "permitted", "denied", "connection", "name resolution", "network", "max retries")


def refused_error(error: BaseException) -> ScaffoldError | None:
    """Return the error for a model that failed because the confinement refused something; `None` if not so.

    Errors that repeat what the model said in words have what was refused last for their cause, if the words
    speak of that: libraries try many things that they can do without.
    """
    if isinstance(error, ScaffoldError) and not isinstance(error, _OF_MODEL):
        return None
    refused = explain(error)
    if refused is None and isinstance(error, ScaffoldError) and _sounds_refused(error):
        refused = next(iter(refusals()), None)
    if refused is None:
        return None
    cause = f"{type(error).__name__}: {error}" if not isinstance(error, ScaffoldError) else str(error)
    return _told(refused, cause.splitlines()[0])


def _sounds_refused(error: ScaffoldError) -> bool:
    text = str(error).lower()
    return any(word in text for word in _REFUSALS)


def _told(refused: Refused, cause: str) -> ScaffoldError:
    match refused.action:
        case Action.MEMORY:
            return WorkerLimitError("memory", refused.target)
        case Action.CONNECT:
            return ConfinementError("connects to", refused.target or "the network", cause)
    action = _WORDS.get(refused.action, f"wants to {refused.action.value}")
    return ConfinementError(action, refused.target, cause)
