"""Find how a model is called, by trying calls on the sample until one gives the output sample."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scaffold.errors import (
    AmbiguousCallError,
    CallError,
    ChangingMethodError,
    EmptySampleError,
    NoFittingCallError,
    NoSuchMethodError,
    Remedy,
    UnstableModelError,
)
from scaffold.introspect import _estimators, _kinds
from scaffold.introspect._advice import advice_for, nothing_to_call
from scaffold.introspect._ask import Refused
from scaffold.introspect._estimators import Runtime
from scaffold.introspect._feeding import Fed, feed
from scaffold.introspect._guard import attribute
from scaffold.introspect._hints import feature_names
from scaffold.introspect._layouts import Layout
from scaffold.introspect._one_column import column_call
from scaffold.introspect._onnx import session_takes
from scaffold.introspect._presentations import presentations
from scaffold.introspect._readings import without_written_index
from scaffold.introspect._rows import count_rows
from scaffold.introspect._stable import Match, changed_answer, index_error, instability, written_call
from scaffold.introspect._untouched import Untouched
from scaffold.introspect._ways import fitting_first, keys_of, parameters_of, ways_to_pass
from scaffold.spec import Call, PythonCall

_MOST_ATTEMPTS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCall:
    """How the model is called, with the sample as it is given to it and what it answers."""

    call: Call
    sample: Any
    """As presented to the model: a JSON list may have become an array or a frame."""
    output: Any
    """The model's own answer, in the model's own container: of one call for all records if `call.batched`
    or `rows` is `None`; otherwise a list with the answer to each record's call."""
    rows: int | None
    """How many records the sample holds; `None`: the sample as a whole is one record."""
    layout: Layout
    """How an answer holds its records: `ROWS` along its first axis, `PARTS` along that of each member of a
    dict, tuple or list; `WHOLE`: the answer is one record's. `wrapped` answers of `ROWS` hold one row."""
    names: tuple[str, ...] = ()
    """The columns of the sample's frame, where the model is given an array of its values."""
    notes: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    """Options beside the arrays of the sample that keep their value: see `Fed.fixed`."""


def find_call(
    model: object,
    sample: object,
    output: object = None,
    *,
    method: str | None = None,
    nullable: Sequence[str] = (),
) -> FoundCall:
    """Find which method of `model` answers, and how records go in, by trying it on `sample`.

    Args:
        model: Any object that answers; it is not changed.
        sample: The input sample.
        output: What the model should give; `None` where that is not known: then the natural method is taken.
        method: The method's name where it is known.
        nullable: Fields that may be null, whether or not the sample shows it.

    Raises:
        CallError: No method takes the sample, or none gives the output.
        AmbiguousCallError: Several methods give it, and `predict` is not among them.
        UnstableModelError: The model answers the same input differently from one call to the next.
    """
    if count_rows(sample) == 0:
        raise EmptySampleError()
    bare = without_written_index(sample)
    if bare is None:
        return _find_call(model, sample, output, method, nullable)
    try:
        return _find_call(model, bare, output, method, nullable)
    except CallError as error:
        with contextlib.suppress(CallError):
            return _find_call(model, sample, output, method, nullable)
        raise error


def _find_call(
    model: object, sample: object, output: object, method: str | None, nullable: Sequence[str]
) -> FoundCall:
    search = _Search(model, sample, output, nullable)
    matches = search.by_name(method) if method else search.by_preference()
    match = _choose(model, matches)
    if match is None:
        raise search.failure()
    names = keys_of(sample) if _kinds.is_array(match.sample) else ()
    return dataclasses.replace(_found(model, match, output), names=names)


class _Search:
    """Tries calls and keeps what came of each, for the message where none fits."""

    def __init__(self, model: object, sample: object, output: object, nullable: Sequence[str]) -> None:
        self.model, self.sample, self.output, self.nullable = model, sample, output, nullable
        self.untouched = Untouched(model)
        self.attempts: dict[str, str] = {}
        self.refusals: list[Refused] = []
        """What the model raised in them."""
        self.switches: tuple[tuple[str, bool], ...] = ()
        """Set for the calls that are tried: `return_array=True`."""

    def by_name(self, method: str) -> list[Match]:
        if _estimators.changes_something(method):
            raise ChangingMethodError(method)
        if not callable(attribute(self.model, method)):
            raise NoSuchMethodError(type(self.model).__name__, method, _estimators.public_methods(self.model))
        matches = self._first_presentation((method,), self.model)
        return matches or self._with_a_switch((method,))

    def by_preference(self) -> list[Match]:
        known = _estimators.known_methods(self.model)
        matches = self._first_presentation(known, self.model)
        others = () if matches else _estimators.other_methods(self.model)
        # Methods with unknown names may keep state: try them on a copy.
        matches = matches or (self._first_presentation(others, _copied(self.model)) if others else [])
        return matches or self._with_a_switch(known)

    def _with_a_switch(self, methods: tuple[str, ...]) -> list[Match]:
        """Return the calls that give the output with one boolean parameter against its default."""
        if self.output is None or _estimators.runtime_of(self.model) is not Runtime.PYTHON:
            return []
        for method in methods:
            for parameter in parameters_of(self.model, method):
                if isinstance(parameter.default, bool) and parameter.name not in keys_of(self.sample):
                    self.switches = ((parameter.name, not parameter.default),)
                    if matches := self._first_presentation((method,), self.model):
                        return matches
        self.switches = ()
        return []

    def _first_presentation(self, methods: tuple[str, ...], model: object) -> list[Match]:
        """Return the calls that fit, all of the first way to present the sample that any fits.

        Where there is no output to tell them apart, that is the first method that takes the sample at all.
        """
        if self.output is None:
            for method in fitting_first(model, methods, self.sample):
                for label, value in presentations(model, self.sample):
                    match = self._try_method(model, method, label, value)
                    if match:
                        return [match]
            return []
        for label, value in presentations(model, self.sample):
            matches = []
            for method in methods:
                match = self._try_method(model, method, label, value)
                if match and method == "predict":
                    # It wins over all others that agree: skip them.
                    return [match]
                matches += [match] if match else []
            if matches:
                return matches
        return []

    def _try_method(self, model: object, method: str, label: str, value: object) -> Match | None:
        for way, given in ways_to_pass(model, method, value):
            call = dataclasses.replace(way, keywords=self.switches) if isinstance(way, PythonCall) else way
            fed = feed(model, call, given, self.output, copied=self.untouched.copy, nullable=self.nullable)
            if isinstance(fed, Fed):
                call = dataclasses.replace(call, batching=fed.batching)
                return Match(call, given if fed.reading is None else fed.reading, fed)
            if fed.reason and not self.switches:
                self.attempts.setdefault(f"{written_call(call)}{label}", fed.reason)
                self.refusals += fed.refusals
        return None

    def failure(self) -> Exception:
        unstable = self._unstable()
        if unstable is not None:
            return unstable
        takes = session_takes(self.model) if _estimators.runtime_of(self.model) is Runtime.ONNX else {}
        if not self.attempts and not takes:
            return nothing_to_call(self.model)
        wanted, found = tuple(takes) if len(takes) > 1 else feature_names(self.model), keys_of(self.sample)
        gives = self.output is not None and bool(self.attempts)
        attempts = _grouped(self.attempts)
        remedy, about = self._advice(takes)
        if wanted and found and wanted != found:
            # The sample is not a frame of this model: further presentations add nothing.
            attempts, remedy = attempts[:1], "columns"
        return NoFittingCallError(gives, attempts, wanted if found else (), found, remedy, about)

    def _advice(self, takes: Mapping[str, str]) -> tuple[Remedy, tuple[str, ...]]:
        rows, answers = count_rows(self.sample), count_rows(self.output)
        if rows and answers and rows != answers:
            return "rows", (str(rows), str(answers))
        if takes:
            return "inputs", tuple(f"{name} {type_}" for name, type_ in takes.items())
        column = "" if self.output is None else column_call(self.model, self.sample, self.output)
        return ("column", (column,)) if column else advice_for(self.model, self.refusals)

    def _unstable(self) -> UnstableModelError | None:
        for method in _estimators.known_methods(self.model)[:1]:
            for call, given in ways_to_pass(self.model, method, self.sample):
                error = instability(self.model, call, given)
                if error is not None:
                    return error
        return None


def _grouped(attempts: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """Return what was tried, once for each outcome."""
    groups: dict[str, list[str]] = {}
    for call, outcome in attempts.items():
        groups.setdefault(outcome, []).append(call)
    shown = [
        (calls[0] if len(calls) == 1 else f"{calls[0]} and {len(calls) - 1} more", outcome)
        for outcome, calls in groups.items()
    ]
    return tuple(shown[:_MOST_ATTEMPTS])


def _choose(model: object, matches: list[Match]) -> Match | None:
    """Return the call that is meant among those that fit."""
    if len(matches) < 2:
        return matches[0] if matches else None
    first = matches[0]
    others = [m for m in matches[1:] if not _estimators.same_method(model, first.call.method, m.call.method)]
    if not others:
        return first
    raise AmbiguousCallError(tuple(match.call.method for match in (first, *others)))


def _found(model: object, match: Match, output: object) -> FoundCall:
    error = changed_answer(model, match) or index_error(model, match)
    if error is not None:
        raise error
    why = "gives the output sample" if output is not None else "takes the input sample"
    evidence = f"{written_call(match.call)} {why}; {match.fed.evidence}"
    call = dataclasses.replace(match.call, evidence=evidence)
    if isinstance(call, PythonCall):
        call = dataclasses.replace(call, estimator=_estimators.native_class(model))
    return FoundCall(
        call=call,
        sample=match.sample,
        output=match.fed.output,
        rows=match.fed.rows,
        layout=match.fed.layout,
        notes=match.fed.notes,
        fixed=match.fed.fixed,
    )


def _copied(model: object) -> object:
    try:
        return copy.deepcopy(model)
    except Exception:
        # A model that cannot be copied is called itself: the names of its methods promise no change.
        return model
