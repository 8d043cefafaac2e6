"""The ways to pass a sample to a method: as one argument, by keyword, by position."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator
from typing import Any

from scaffold.introspect import _estimators, _kinds
from scaffold.introspect._built import built_arguments, built_records
from scaffold.introspect._estimators import Runtime
from scaffold.introspect._onnx import session_calls
from scaffold.spec import Arguments, BoosterCall, Call, PythonCall, TorchCall


def ways_to_pass(model: object, method: str, value: object) -> Iterator[tuple[Call, object]]:
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
    names = keys_of(value)
    parameters = parameters_of(model, method)
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


def parameters_of(model: object, method: str) -> list[inspect.Parameter]:
    """Return the parameters of a method; none where it does not tell them."""
    signature = _estimators.signature_of(model, method)
    return [] if signature is None else list(signature.parameters.values())


def _are_needed(parameters: list[inspect.Parameter], count: int) -> bool:
    """Whether the first `count` parameters must be given, and no others."""
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    needed = [p for p in parameters if p.default is p.empty and p.kind not in variable]
    return needed == parameters[:count] and len(needed) == count


def _as_annotated(
    one: PythonCall | TorchCall, parameters: list[inspect.Parameter], value: object, names: tuple[str, ...]
) -> Iterator[tuple[Call, object]]:
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


def fitting_first(model: object, methods: tuple[str, ...], sample: object) -> list[str]:
    """Return the methods, first those whose parameters have the very names of the sample's keys."""
    names = keys_of(sample)
    return sorted(methods, key=lambda method: not (names and _takes_keywords(model, method, names)))


def _by_name(model: object, method: str, value: Any) -> object:
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


def keys_of(value: object) -> tuple[str, ...]:
    """Return what may be names of arguments: the keys of a mapping, of a list of them, columns."""
    record = value[0] if isinstance(value, (list, tuple)) and value else value
    if _kinds.is_mapping(record):
        return tuple(record) if all(isinstance(key, str) for key in record) else ()
    return _column_names(value)


def _takes_keywords(model: object, method: str, names: tuple[str, ...]) -> bool:
    """Whether the method has parameters of these very names, and no others that must be given."""
    signature = _estimators.signature_of(model, method)
    if signature is None:
        return False
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    named = [parameter for parameter in signature.parameters.values() if parameter.kind in kinds]
    needed = {parameter.name for parameter in named if parameter.default is parameter.empty}
    return needed <= set(names) <= {parameter.name for parameter in named}


def _takes_any_keywords(model: object, method: str) -> bool:
    signature = _estimators.signature_of(model, method)
    if signature is None:
        return True
    return any(p.kind is inspect.Parameter.VAR_KEYWORD for p in signature.parameters.values())


def _column_names(sample: Any) -> tuple[str, ...]:
    if _kinds.kin(sample, "pandas.DataFrame", "polars.DataFrame"):
        return tuple(str(name) for name in sample.columns)
    return ()
