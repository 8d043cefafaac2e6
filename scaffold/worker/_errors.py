"""Errors as JSON, from the worker to its parent: the name of the class and the arguments."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Any

from scaffold import errors
from scaffold.errors import ScaffoldError, WorkerMessageError

# Control characters, and those that change the direction of text.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def encode_error(error: ScaffoldError) -> dict[str, Any]:
    """Return an error of the tree as JSON."""
    return {"error": type(error).__name__, "arguments": [_plain(argument) for argument in error.args]}


def decode_error(document: dict[str, Any]) -> ScaffoldError:
    """Return the error that `encode_error` wrote.

    Text from the worker may contain anything: control characters, which a terminal would obey, are
    replaced.
    """
    cls = getattr(errors, str(document.get("error")), None)
    arguments = document.get("arguments")
    if not (isinstance(cls, type) and issubclass(cls, ScaffoldError)) or not isinstance(arguments, list):
        return WorkerMessageError("it names no error that is known")
    if cls.__str__ is Exception.__str__:
        return WorkerMessageError(f"{cls.__name__} is a kind of error")
    try:
        error = cls(*(_with_tuples(argument) for argument in arguments))
        str(error)
    except Exception as fault:
        return WorkerMessageError(str(fault), cls.__name__)
    return error


def printable(text: str) -> str:
    """Return `text` with its control characters replaced, newlines and tabs kept."""
    encodable = text.encode("utf-8", "replace").decode("utf-8")  # half a pair of surrogates cannot be printed
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", encodable)


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return str(value) if isinstance(value, PurePath) else value


def _with_tuples(value: Any) -> Any:
    """JSON as the constructors of errors take it: lists as tuples."""
    if isinstance(value, list):
        return tuple(_with_tuples(item) for item in value)
    if isinstance(value, dict):
        return {printable(key): _with_tuples(item) for key, item in value.items()}
    return printable(value) if isinstance(value, str) else value
