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
from scaffold.introspect import _checks
from scaffold.introspect._guard import attribute
from scaffold.introspect._layouts import Layout
from scaffold.introspect._rows import count_rows
from scaffold.introspect.call._advice import advice_for, nothing_to_call
from scaffold.introspect.call._batching import try_call
from scaffold.introspect.call._call_results import CallResult
from scaffold.introspect.call._column_names import find_hidden_mismatch
from scaffold.introspect.call._initial_state import InitialState
from scaffold.introspect.call._invoke import Refused
from scaffold.introspect.call._one_column import column_call
from scaffold.introspect.call._onnx import session_takes
from scaffold.introspect.call._passing import fitting_first, keys_of, parameters_of, ways_to_pass
from scaffold.introspect.call._presentations import presentations
from scaffold.introspect.call._readings import without_written_index
from scaffold.introspect.call._stable import (
    Match,
    call_text,
    find_changed_answer,
    find_index_error,
    find_instability,
)
from scaffold.introspect.hints import _estimators
from scaffold.introspect.hints._estimators import Runtime
from scaffold.introspect.hints._hints import feature_names
from scaffold.spec import Call, PythonCall

_MOST_ATTEMPTS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedCall:
    """How the model is called, the sample as its argument, and its answer."""

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
    """Options beside the arrays of the sample that keep their value: see `CallResult.fixed`."""


def find_call(
    model: object,
    sample: object,
    output: object = None,
    *,
    method: str | None = None,
    nullable: Sequence[str] = (),
) -> ResolvedCall:
    """Find the method to call and the way to pass records, by trying calls on `sample`.

    Args:
        model: Any object that answers; it is not changed.
        sample: The input sample.
        output: The expected answer; `None` if unknown: then the most preferred method is used.
        method: The name of the method; `None` tries all.
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
) -> ResolvedCall:
    search = _Search(model, sample, output, nullable)
    matches = search.by_name(method) if method else search.by_preference()
    match = _choose_match(model, matches)
    if match is None:
        raise search.failure()
    names = keys_of(sample) if _checks.is_array(match.sample) else ()
    return dataclasses.replace(_resolve_call(model, match, output), names=names)


class _Search:
    """Tries calls and records the outcome of each, for the error message."""

    def __init__(self, model: object, sample: object, output: object, nullable: Sequence[str]) -> None:
        self.model, self.sample, self.output, self.nullable = model, sample, output, nullable
        self.initial_state = InitialState(model)
        self.attempts: dict[str, str] = {}
        self.refusals: list[Refused] = []
        """The exceptions of these attempts."""
        self.switches: tuple[tuple[str, bool], ...] = ()
        """Keyword arguments for the attempts: `return_array=True`."""

    def by_name(self, method: str) -> list[Match]:
        if _estimators.changes_something(method):
            raise ChangingMethodError(method)
        if not callable(attribute(self.model, method)):
            raise NoSuchMethodError(type(self.model).__name__, method, _estimators.public_methods(self.model))
        matches = self._first_presentation((method,), self.model)
        return matches or self._with_a_switch((method,))

    def by_preference(self) -> list[Match]:
        standard = _estimators.standard_methods(self.model)
        matches = self._first_presentation(standard, self.model)
        other = () if matches else _estimators.other_methods(self.model)
        # Methods with unknown names may keep state: try them on a copy.
        matches = matches or (self._first_presentation(other, _copy_model(self.model)) if other else [])
        return matches or self._with_a_switch(standard)

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
        """Return the fitting calls for the first presentation of the sample that has any.

        Without an output sample, return the first method that accepts the sample.
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
                    # `predict` has the highest priority: skip the other methods.
                    return [match]
                matches += [match] if match else []
            if matches:
                return matches
        return []

    def _try_method(self, model: object, method: str, label: str, value: object) -> Match | None:
        if self.output is None and not self.switches:
            mismatch = find_hidden_mismatch(model, self.sample, value, self.attempts.values())
            if mismatch is not None:
                self.attempts.setdefault(f"model.{method}(X)", mismatch)
                return None
        for template, argument in ways_to_pass(model, method, value):
            call = (
                dataclasses.replace(template, keywords=self.switches)
                if isinstance(template, PythonCall)
                else template
            )
            result = try_call(
                model, call, argument, self.output, copy_model=self.initial_state.copy, nullable=self.nullable
            )
            if isinstance(result, CallResult):
                call = dataclasses.replace(call, batching=result.batching)
                return Match(call, argument if result.reading is None else result.reading, result)
            if result.reason and not self.switches:
                self.attempts.setdefault(f"{call_text(call)}{label}", result.reason)
                self.refusals += result.refusals
        return None

    def failure(self) -> Exception:
        unstable = self._unstable()
        if unstable is not None:
            return unstable
        takes = session_takes(self.model) if _estimators.runtime_of(self.model) is Runtime.ONNX else {}
        if not self.attempts and not takes:
            return nothing_to_call(self.model)
        expected_names = tuple(takes) if len(takes) > 1 else feature_names(self.model)
        sample_names = keys_of(self.sample)
        gives = self.output is not None and bool(self.attempts)
        attempts = _group_by_outcome(self.attempts)
        remedy, about = self._advice(takes)
        if expected_names and sample_names and expected_names != sample_names:
            # The sample is not a frame of this model: further presentations add nothing.
            attempts, remedy = attempts[:1], "columns"
        return NoFittingCallError(
            gives, attempts, expected_names if sample_names else (), sample_names, remedy, about
        )

    def _advice(self, takes: Mapping[str, str]) -> tuple[Remedy, tuple[str, ...]]:
        rows, answers = count_rows(self.sample), count_rows(self.output)
        if rows and answers and rows != answers:
            return "rows", (str(rows), str(answers))
        if takes:
            return "inputs", tuple(f"{name} {type_}" for name, type_ in takes.items())
        column = "" if self.output is None else column_call(self.model, self.sample, self.output)
        return ("column", (column,)) if column else advice_for(self.model, self.refusals)

    def _unstable(self) -> UnstableModelError | None:
        for method in _estimators.standard_methods(self.model)[:1]:
            for call, argument in ways_to_pass(self.model, method, self.sample):
                error = find_instability(self.model, call, argument)
                if error is not None:
                    return error
        return None


def _group_by_outcome(attempts: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """Group the attempts by outcome."""
    groups: dict[str, list[str]] = {}
    for call, outcome in attempts.items():
        groups.setdefault(outcome, []).append(call)
    shown = [
        (calls[0] if len(calls) == 1 else f"{calls[0]} and {len(calls) - 1} more", outcome)
        for outcome, calls in groups.items()
    ]
    return tuple(shown[:_MOST_ATTEMPTS])


def _choose_match(model: object, matches: list[Match]) -> Match | None:
    """Return the only fitting call; raise if several differ."""
    if len(matches) < 2:
        return matches[0] if matches else None
    first = matches[0]
    different = [
        m for m in matches[1:] if not _estimators.same_method(model, first.call.method, m.call.method)
    ]
    if not different:
        return first
    raise AmbiguousCallError(tuple(match.call.method for match in (first, *different)))


def _resolve_call(model: object, match: Match, output: object) -> ResolvedCall:
    error = find_changed_answer(model, match) or find_index_error(model, match)
    if error is not None:
        raise error
    why = "gives the output sample" if output is not None else "takes the input sample"
    evidence = f"{call_text(match.call)} {why}; {match.result.evidence}"
    call = dataclasses.replace(match.call, evidence=evidence)
    if isinstance(call, PythonCall):
        call = dataclasses.replace(call, estimator=_estimators.native_class(model))
    return ResolvedCall(
        call=call,
        sample=match.sample,
        output=match.result.output,
        rows=match.result.rows,
        layout=match.result.layout,
        notes=match.result.notes,
        fixed=match.result.fixed,
    )


def _copy_model(model: object) -> object:
    try:
        return copy.deepcopy(model)
    except Exception:
        # A model that cannot be copied is called itself: the names of its methods promise no change.
        return model
