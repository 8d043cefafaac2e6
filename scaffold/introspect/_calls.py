"""Find how a model is called, by trying it on the sample: what gives the output sample is the answer."""

from __future__ import annotations

import copy
import dataclasses
import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scaffold.errors import (
    AmbiguousCallError,
    CallError,
    ChangingMethodError,
    EmptySampleError,
    IndexNeededError,
    NoFittingCallError,
    NoSuchMethodError,
    Remedy,
    UnstableModelError,
)
from scaffold.introspect import _estimators, _kinds
from scaffold.introspect._advice import advice_for, nothing_to_call
from scaffold.introspect._ask import Refused, ask
from scaffold.introspect._built import built_arguments, built_records
from scaffold.introspect._compare import difference, same
from scaffold.introspect._estimators import Runtime
from scaffold.introspect._feeding import Fed, feed
from scaffold.introspect._guard import attribute
from scaffold.introspect._hints import feature_names
from scaffold.introspect._layouts import Layout
from scaffold.introspect._onnx import session_calls, session_takes
from scaffold.introspect._presentations import presentations
from scaffold.introspect._rows import count_rows, without_index
from scaffold.introspect._untouched import Untouched
from scaffold.spec import Arguments, BoosterCall, Call, PythonCall, SessionCall, TorchCall

_MOST_ATTEMPTS = 8
_INSIDE = {
    Arguments.ONE: "X",
    Arguments.AFTER_CONTEXT: "None, X",
    Arguments.KEYWORDS: "**X",
    Arguments.POSITIONAL: "*X",
}


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


@dataclass(frozen=True, slots=True)
class _Match:
    call: Call
    sample: Any
    fed: Fed


def find_call(
    model: Any, sample: Any, output: Any = None, *, method: str | None = None, nullable: Sequence[str] = ()
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
    search = _Search(model, sample, output, nullable)
    matches = search.by_name(method) if method else search.by_preference()
    match = _choose(model, matches)
    if match is None:
        raise search.failure()
    names = _keys(sample) if _kinds.is_array(match.sample) else ()
    return dataclasses.replace(_found(model, match, output), names=names)


class _Search:
    """Tries calls and keeps what came of each, for the message where none fits."""

    def __init__(self, model: Any, sample: Any, output: Any, nullable: Sequence[str]) -> None:
        self.model, self.sample, self.output, self.nullable = model, sample, output, nullable
        self.untouched = Untouched(model)
        self.attempts: dict[str, str] = {}
        self.switches: tuple[tuple[str, bool], ...] = ()
        """Set for the calls that are tried: `return_array=True`."""

    def by_name(self, method: str) -> list[_Match]:
        if _estimators.changes_something(method):
            raise ChangingMethodError(method)
        if not callable(attribute(self.model, method)):
            raise NoSuchMethodError(type(self.model).__name__, method, _estimators.public_methods(self.model))
        matches = self._first_presentation((method,), self.model)
        return matches or self._with_a_switch((method,))

    def by_preference(self) -> list[_Match]:
        known = _estimators.known_methods(self.model)
        matches = self._first_presentation(known, self.model)
        others = () if matches else _estimators.other_methods(self.model)
        # Whose names we do not know may keep state: they are tried on a copy.
        matches = matches or (self._first_presentation(others, _copied(self.model)) if others else [])
        return matches or self._with_a_switch(known)

    def _with_a_switch(self, methods: tuple[str, ...]) -> list[_Match]:
        """Return the calls that give the output with one boolean parameter against its default."""
        if self.output is None or _estimators.runtime_of(self.model) is not Runtime.PYTHON:
            return []
        for method in methods:
            for parameter in _parameters(self.model, method):
                if isinstance(parameter.default, bool) and parameter.name not in _keys(self.sample):
                    self.switches = ((parameter.name, not parameter.default),)
                    if matches := self._first_presentation((method,), self.model):
                        return matches
        self.switches = ()
        return []

    def _first_presentation(self, methods: tuple[str, ...], model: Any) -> list[_Match]:
        """Return the calls that fit, all of the first way to present the sample that any fits.

        Where there is no output to tell them apart, that is the first method that takes the sample at all.
        """
        if self.output is None:
            for method in _fitting_first(model, methods, self.sample):
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
                    # It wins over whatever else agrees: no need to ask.
                    return [match]
                matches += [match] if match else []
            if matches:
                return matches
        return []

    def _try_method(self, model: Any, method: str, label: str, value: Any) -> _Match | None:
        for way, given in _ways(model, method, value):
            call = dataclasses.replace(way, keywords=self.switches) if isinstance(way, PythonCall) else way
            fed = feed(model, call, given, self.output, copied=self.untouched.copy, nullable=self.nullable)
            if isinstance(fed, Fed):
                call = dataclasses.replace(call, batching=fed.batching)
                return _Match(call, given, fed)
            if fed and not self.switches:
                self.attempts.setdefault(f"{_written(call)}{label}", fed)
        return None

    def failure(self) -> Exception:
        unstable = self._unstable()
        if unstable is not None:
            return unstable
        takes = session_takes(self.model) if _estimators.runtime_of(self.model) is Runtime.ONNX else {}
        if not self.attempts and not takes:
            return nothing_to_call(self.model)
        wanted, found = tuple(takes) if len(takes) > 1 else feature_names(self.model), _keys(self.sample)
        gives = self.output is not None and bool(self.attempts)
        attempts = _grouped(self.attempts)
        remedy, about = self._advice(takes)
        if wanted and found and wanted != found:
            # The sample is no frame of this model: how it fares as anything else says nothing more.
            attempts, remedy = attempts[:1], "columns"
        return NoFittingCallError(gives, attempts, wanted if found else (), found, remedy, about)

    def _advice(self, takes: Mapping[str, str]) -> tuple[Remedy, tuple[str, ...]]:
        rows, answers = count_rows(self.sample), count_rows(self.output)
        if rows and answers and rows != answers:
            return "rows", (str(rows), str(answers))
        if takes:
            return "inputs", tuple(f"{name} {type_}" for name, type_ in takes.items())
        return advice_for(self.model, self.attempts)

    def _unstable(self) -> UnstableModelError | None:
        for method in _estimators.known_methods(self.model)[:1]:
            for call, given in _ways(self.model, method, self.sample):
                error = _instability(self.model, call, given)
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


def _choose(model: Any, matches: list[_Match]) -> _Match | None:
    """Return the call that is meant among those that fit."""
    if len(matches) < 2:
        return matches[0] if matches else None
    first = matches[0]
    others = [m for m in matches[1:] if not _estimators.same_method(model, first.call.method, m.call.method)]
    if not others:
        return first
    raise AmbiguousCallError(tuple(match.call.method for match in (first, *others)))


def _found(model: Any, match: _Match, output: Any) -> FoundCall:
    error = _changed(model, match) or _index_error(model, match)
    if error is not None:
        raise error
    why = "gives the output sample" if output is not None else "takes the input sample"
    evidence = f"{_written(match.call)} {why}; {match.fed.evidence}"
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


def _changed(model: Any, match: _Match) -> UnstableModelError | None:
    """Return how the answer to the sample, or to its first record, has changed since it was first given."""
    unstable = match.fed.unstable
    if unstable is not None:
        return UnstableModelError(_written(match.call), unstable.difference, unstable.when)
    together = match.call.batched or match.fed.rows is None
    value, before = (match.sample, match.fed.output) if together else (match.fed.first, match.fed.output[0])
    again = ask(model, match.call, value)
    if isinstance(again, Refused) or same(again, before):
        return None
    return UnstableModelError(_written(match.call), difference(again, before, name="the call before") or "")


def _index_error(model: Any, match: _Match) -> CallError | None:
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
    return IndexNeededError(_written(match.call), where)


def _instability(model: Any, call: Call, value: Any) -> UnstableModelError | None:
    first, second = ask(model, call, value), ask(model, call, value)
    if isinstance(first, Refused) or isinstance(second, Refused) or same(first, second):
        return None
    where = difference(second, first, name="the call before") or ""
    return UnstableModelError(_written(call), where)


def _ways(model: Any, method: str, value: Any) -> Iterator[tuple[Call, Any]]:
    """Yield the ways to pass `value`: as one argument, by keyword, by position; the likelier first."""
    runtime = _estimators.runtime_of(model)
    if runtime is Runtime.ONNX:
        for call in session_calls(model, value):
            yield call, value
        return
    if runtime is Runtime.XGBOOST_BOOSTER:
        yield BoosterCall(), value
        return
    one: PythonCall | TorchCall = PythonCall(method=method)
    if runtime is Runtime.TORCH:
        one = TorchCall(method=method)
    spread = dataclasses.replace(one, arguments=Arguments.KEYWORDS)
    names = _keys(value)
    parameters = _parameters(model, method)
    if runtime is Runtime.PYTHON and parameters:
        if parameters[0].name == "context" and _are_needed(parameters, 2):
            one = dataclasses.replace(one, arguments=Arguments.AFTER_CONTEXT)
            parameters = parameters[1:]
        yield from _as_annotated(one, parameters, value, names)
    if names and _takes_keywords(model, method, names):
        yield spread, value
    if isinstance(value, tuple) and (named := _by_name(model, method, value)) is not None:
        # Nothing but several arguments comes as a tuple: a file says a list.
        yield spread, named
    yield one, value
    if isinstance(one, TorchCall) and _kinds.kin(value, "numpy.ndarray"):
        yield dataclasses.replace(one, tensor=True), value
    if names and not _takes_keywords(model, method, names) and _takes_any_keywords(model, method):
        yield spread, value
    elif _kinds.is_sequence(value) and not (value and _kinds.is_series(value[0])):
        named = _by_name(model, method, value)
        # Arguments have names on the wire: those of the parameters, where they may be passed by name.
        yield (
            (spread, named)
            if named is not None
            else (dataclasses.replace(one, arguments=Arguments.POSITIONAL), value)
        )


def _parameters(model: Any, method: str) -> list[inspect.Parameter]:
    signature = _estimators.signature_of(model, method)
    return [] if signature is None else list(signature.parameters.values())


def _are_needed(parameters: list[inspect.Parameter], count: int) -> bool:
    """Whether the first `count` parameters must be given, and no others."""
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    needed = [p for p in parameters if p.default is p.empty and p.kind not in variable]
    return needed == parameters[:count] and len(needed) == count


def _as_annotated(
    one: PythonCall | TorchCall, parameters: list[inspect.Parameter], value: Any, names: tuple[str, ...]
) -> Iterator[tuple[Call, Any]]:
    """Yield the objects that the annotations ask for, made of plain values."""
    annotations = {parameter.name: parameter.annotation for parameter in parameters}
    if names and set(names) <= set(annotations) and one.arguments is Arguments.ONE:
        made = built_arguments(annotations, value)
        if made is not None:
            yield dataclasses.replace(one, arguments=Arguments.KEYWORDS), made
    if _are_needed(parameters, 1):
        made = built_records(parameters[0].annotation, value)
        if made is not None:
            yield one, made


def _fitting_first(model: Any, methods: tuple[str, ...], sample: Any) -> list[str]:
    """Return the methods, first those whose parameters have the very names of the sample's keys."""
    names = _keys(sample)
    return sorted(methods, key=lambda method: not (names and _takes_keywords(model, method, names)))


def _by_name(model: Any, method: str, value: Any) -> Any:
    """Return the arguments in a list or tuple, or in each of a list of them, as a dict by parameter name."""
    signature = _estimators.signature_of(model, method)
    if signature is None or not value:
        return None
    parameters = list(signature.parameters.values())
    if any(parameter.kind is not inspect.Parameter.POSITIONAL_OR_KEYWORD for parameter in parameters):
        return None
    names = [parameter.name for parameter in parameters]
    if len(names) < 2:
        return None
    if all(_kinds.is_sequence(item) and len(item) <= len(names) for item in value):
        return [dict(zip(names, item, strict=False)) for item in value]
    return dict(zip(names, value, strict=False)) if len(value) <= len(names) else None


def _keys(value: Any) -> tuple[str, ...]:
    """Return what may be names of arguments: the keys of a mapping, of a list of them, columns."""
    record = value[0] if isinstance(value, (list, tuple)) and value else value
    if _kinds.is_mapping(record):
        return tuple(record) if all(isinstance(key, str) for key in record) else ()
    return _column_names(value)


def _takes_keywords(model: Any, method: str, names: tuple[str, ...]) -> bool:
    """Whether the method has parameters of these very names, and no others that must be given."""
    signature = _estimators.signature_of(model, method)
    if signature is None:
        return False
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    named = [parameter for parameter in signature.parameters.values() if parameter.kind in kinds]
    needed = {parameter.name for parameter in named if parameter.default is parameter.empty}
    return needed <= set(names) <= {parameter.name for parameter in named}


def _takes_any_keywords(model: Any, method: str) -> bool:
    signature = _estimators.signature_of(model, method)
    if signature is None:
        return True
    return any(p.kind is inspect.Parameter.VAR_KEYWORD for p in signature.parameters.values())


def _column_names(sample: Any) -> tuple[str, ...]:
    if _kinds.kin(sample, "pandas.DataFrame", "polars.DataFrame"):
        return tuple(str(name) for name in sample.columns)
    return ()


def _written(call: Call) -> str:
    """Return the call as a person would write it."""
    if isinstance(call, SessionCall):
        return f"session.run({list(call.outputs)})"
    inside = _INSIDE[call.arguments]
    name = "model" if call.method == "__call__" else f"model.{call.method}"
    switches = call.keywords if isinstance(call, PythonCall) else ()
    return f"{name}({inside}{''.join(f', {switch}={on}' for switch, on in switches)})"


def _copied(model: Any) -> Any:
    try:
        return copy.deepcopy(model)
    except Exception:
        # What cannot be copied is tried itself: the names of its methods promise no change.
        return model
