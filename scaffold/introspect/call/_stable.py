"""Reasons not to serve a fitting call: its answers change, or depend on the index of a frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scaffold.errors import CallError, IndexNeededError, UnstableModelError
from scaffold.introspect._compare import difference, same
from scaffold.introspect._rows import without_index
from scaffold.introspect.call._call_results import CallResult
from scaffold.introspect.call._invoke import Refused, call_model
from scaffold.spec import Arguments, Call, PythonCall, SessionCall

_INSIDE = {
    Arguments.ONE: "X",
    Arguments.AFTER_CONTEXT: "None, X",
    Arguments.KEYWORDS: "**X",
    Arguments.POSITIONAL: "*X",
}


@dataclass(frozen=True, slots=True)
class Match:
    """A call that fits, with its argument and its result."""

    call: Call
    sample: Any
    result: CallResult


def find_changed_answer(model: object, match: Match) -> UnstableModelError | None:
    """Return an error if a second call with the sample, or its first record, gives another answer."""
    unstable = match.result.unstable
    if unstable is not None:
        return UnstableModelError(call_text(match.call), unstable.difference, unstable.when)
    together = match.call.batched or match.result.rows is None
    value, before = (
        (match.sample, match.result.output) if together else (match.result.first, match.result.output[0])
    )
    again = call_model(model, match.call, value)
    if isinstance(again, Refused) or same(again, before):
        return None
    return UnstableModelError(call_text(match.call), difference(again, before, name="the call before") or "")


def find_index_error(model: object, match: Match) -> CallError | None:
    """Return an error if the answers depend on the index of a frame: the service has no index."""
    numbered = without_index(match.sample)
    together = match.call.batched or match.result.rows is None
    if not together or numbered is match.sample:
        return None
    answer = call_model(model, match.call, numbered)
    where = (
        answer.message
        if isinstance(answer, Refused)
        else difference(answer, match.result.output, name="with it")
    )
    if where is None:
        return None
    return IndexNeededError(call_text(match.call), where)


def find_instability(model: object, call: Call, value: object) -> UnstableModelError | None:
    """Return an error if two calls with the same input give different answers."""
    first, second = call_model(model, call, value), call_model(model, call, value)
    if isinstance(first, Refused) or isinstance(second, Refused) or same(first, second):
        return None
    where = difference(second, first, name="the call before") or ""
    return UnstableModelError(call_text(call), where)


def call_text(call: Call) -> str:
    """Return the call as Python text, for messages."""
    if isinstance(call, SessionCall):
        return f"session.run({list(call.outputs)})"
    inside = _INSIDE[call.arguments]
    name = "model" if call.method == "__call__" else f"model.{call.method}"
    switches = call.keywords if isinstance(call, PythonCall) else ()
    return f"{name}({inside}{''.join(f', {switch}={on}' for switch, on in switches)})"
