"""The ways to pass a sample to a method: as one argument, by keyword, by position."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator
from typing import Any

from scaffold.introspect import _checks
from scaffold.introspect.call._build import build_arguments, build_records
from scaffold.introspect.call._onnx import session_calls
from scaffold.introspect.hints import _estimators
from scaffold.introspect.hints._estimators import Runtime
from scaffold.spec import Arguments, BoosterCall, Call, PythonCall, TorchCall


def ways_to_pass(model: object, method: str, value: object) -> Iterator[tuple[Call, object]]:
    """Yield the ways to pass `value`: as one argument, by keyword, by position; the most likely first."""
    runtime = _estimators.runtime_of(model)
    if runtime is Runtime.ONNX:
        for call in session_calls(model, value):
            yield call, value
        return
    if runtime is Runtime.XGBOOST_BOOSTER:
        yield BoosterCall(), value
        return
    single: PythonCall | TorchCall = PythonCall(method=method)
    if runtime is Runtime.TORCH:
        single = TorchCall(method=method)
    spread = dataclasses.replace(single, arguments=Arguments.KEYWORDS)
    names = keys_of(value)
    parameters = parameters_of(model, method)
    if runtime is Runtime.PYTHON and parameters:
        if parameters[0].name == "context" and _are_needed(parameters, 2):
            single = dataclasses.replace(single, arguments=Arguments.AFTER_CONTEXT)
            parameters = parameters[1:]
        yield from _as_annotated(single, parameters, value, names)
    if names and _takes_keywords(model, method, names):
        yield spread, value
    if isinstance(value, tuple) and (named := _by_name(model, method, value)) is not None:
        # A tuple is several arguments: samples from files are lists.
        yield spread, named
    yield single, value
    if isinstance(single, TorchCall) and _checks.is_a(value, "numpy.ndarray"):
        yield dataclasses.replace(single, tensor=True), value
    if names and not _takes_keywords(model, method, names) and _takes_any_keywords(model, method):
        yield spread, value
    elif _checks.is_sequence(value) and not (value and _checks.is_series(value[0])):
        named = _by_name(model, method, value)
        # On the wire arguments have the names of the parameters, if they can be passed by name.
        yield (
            (spread, named)
            if named is not None
            else (dataclasses.replace(single, arguments=Arguments.POSITIONAL), value)
        )


def parameters_of(model: object, method: str) -> list[inspect.Parameter]:
    """Return the parameters of a method; empty if it has no signature."""
    signature = _estimators.signature_of(model, method)
    return [] if signature is None else list(signature.parameters.values())


def _are_needed(parameters: list[inspect.Parameter], count: int) -> bool:
    """Whether the first `count` parameters are required, and no others."""
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    needed = [p for p in parameters if p.default is p.empty and p.kind not in variable]
    return needed == parameters[:count] and len(needed) == count


def _as_annotated(
    single: PythonCall | TorchCall, parameters: list[inspect.Parameter], value: object, names: tuple[str, ...]
) -> Iterator[tuple[Call, object]]:
    """Yield calls with the values converted to the annotated types."""
    annotations = {parameter.name: parameter.annotation for parameter in parameters}
    if names and set(names) <= set(annotations) and single.arguments is Arguments.ONE:
        built = build_arguments(annotations, value)
        if built is not None:
            yield dataclasses.replace(single, arguments=Arguments.KEYWORDS), built
    if _are_needed(parameters, 1):
        built = build_records(parameters[0].annotation, value)
        if built is not None:
            yield single, built


def fitting_first(model: object, methods: tuple[str, ...], sample: object) -> list[str]:
    """Return the methods, first those whose parameter names are the sample's keys."""
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
    if all(_checks.is_sequence(item) and len(item) <= len(names) for item in value):
        return [dict(zip(names, item, strict=False)) for item in value]
    return dict(zip(names, value, strict=False)) if len(value) <= len(names) else None


def keys_of(value: object) -> tuple[str, ...]:
    """Return the possible argument names: keys of a mapping or of a list of mappings, or columns."""
    record = value[0] if isinstance(value, (list, tuple)) and value else value
    if _checks.is_mapping(record):
        return tuple(record) if all(isinstance(key, str) for key in record) else ()
    return _column_names(value)


def _takes_keywords(model: object, method: str, names: tuple[str, ...]) -> bool:
    """Whether the method has parameters of these names, and no other required ones."""
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
    if _checks.is_a(sample, "pandas.DataFrame", "polars.DataFrame"):
        return tuple(str(name) for name in sample.columns)
    return ()
