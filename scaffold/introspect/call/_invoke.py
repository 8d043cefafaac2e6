"""Call a model with a copy of the input; return its answer or its exception."""

from __future__ import annotations

import contextlib
import copy
import io
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from scaffold.base import model as base_model
from scaffold.errors.wording import in_one_line
from scaffold.introspect import _checks
from scaffold.spec import Call

Predict = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Refused:
    """The exception that the model raised, or the reason why its result is not an answer."""

    message: str
    """In one line."""
    deferred: str = ""
    """The type of a lazy answer: `coroutine`, `generator`."""
    absent: str = ""
    """The relative path that the model failed to open."""


def call_model(model: object, call: Call, value: object) -> object:
    """Call the model with a copy of `value`, because models modify their input; suppress its output."""
    try:
        argument = copy.deepcopy(value)
    except Exception:
        # An input that cannot be copied (an open file, a lock inside) is passed uncopied.
        argument = value
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            answer = base_model.invoke(model, call, argument)
    except BaseException as error:  # nobody interrupts this process: the model raises it
        return Refused(in_one_line(error), absent=_absent_file(error))
    if isinstance(answer, (AsyncIterator, Awaitable, Iterator)):
        name = type(answer).__name__
        return Refused(f"gives a {name}, whose values are made when asked for", deferred=name)
    # Rows of an `np.matrix` are matrices again.
    return answer.A if _checks.is_a(answer, "numpy.matrix") else answer


def _absent_file(error: BaseException) -> str:
    """Return the relative path of the file that was not found."""
    name = error.filename if isinstance(error, FileNotFoundError) else None
    return name if isinstance(name, str) and not name.startswith("/") else ""
