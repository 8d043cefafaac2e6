"""Reasons not to serve a fitting call: its answers change, or depend on the index of a frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scaffold.errors import CallError, IndexNeededError, UnstableModelError
from scaffold.introspect._ask import Refused, ask
from scaffold.introspect._compare import difference, same
from scaffold.introspect._feeding import Fed
from scaffold.introspect._rows import without_index
from scaffold.spec import Arguments, Call, PythonCall, SessionCall

_INSIDE = {
    Arguments.ONE: "X",
    Arguments.AFTER_CONTEXT: "None, X",
    Arguments.KEYWORDS: "**X",
    Arguments.POSITIONAL: "*X",
}


@dataclass(frozen=True, slots=True)
class Match:
    """A call that fits, with the sample as it is given to it and how records go in."""

    call: Call
    sample: Any
    fed: Fed


def changed_answer(model: object, match: Match) -> UnstableModelError | None:
    """Return how the answer to the sample, or to its first record, has changed since it was first given."""
    unstable = match.fed.unstable
    if unstable is not None:
        return UnstableModelError(written_call(match.call), unstable.difference, unstable.when)
    together = match.call.batched or match.fed.rows is None
    value, before = (match.sample, match.fed.output) if together else (match.fed.first, match.fed.output[0])
    again = ask(model, match.call, value)
    if isinstance(again, Refused) or same(again, before):
        return None
    return UnstableModelError(
        written_call(match.call), difference(again, before, name="the call before") or ""
    )


def index_error(model: object, match: Match) -> CallError | None:
    """Return what is wrong if the answers depend on the index of a frame: the service has none to give."""
    numbered = without_index(match.sample)
    together = match.call.batched or match.fed.rows is None
    if not together or numbered is match.sample:
        return None
    answer = ask(model, match.call, numbered)
    where = (
        answer.message
        if isinstance(answer, Refused)
        else difference(answer, match.fed.output, name="with it")
    )
    if where is None:
        return None
    return IndexNeededError(written_call(match.call), where)


def instability(model: object, call: Call, value: object) -> UnstableModelError | None:
    """Return how the same input gets two different answers; None where it does not."""
    first, second = ask(model, call, value), ask(model, call, value)
    if isinstance(first, Refused) or isinstance(second, Refused) or same(first, second):
        return None
    where = difference(second, first, name="the call before") or ""
    return UnstableModelError(written_call(call), where)


def written_call(call: Call) -> str:
    """Return the call as a person would write it."""
    if isinstance(call, SessionCall):
        return f"session.run({list(call.outputs)})"
    inside = _INSIDE[call.arguments]
    name = "model" if call.method == "__call__" else f"model.{call.method}"
    switches = call.keywords if isinstance(call, PythonCall) else ()
    return f"{name}({inside}{''.join(f', {switch}={on}' for switch, on in switches)})"
