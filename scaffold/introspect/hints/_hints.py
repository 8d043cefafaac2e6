"""Metadata of a model about its input and output: names, counts, classes, categories, annotations."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scaffold.introspect import _checks
from scaffold.introspect._guard import attribute, hint
from scaffold.introspect.hints._encoders import Categories, categories
from scaffold.introspect.hints._estimators import Runtime, runtime_of, signature_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of the function or method that is called."""

    name: str
    annotation: Any
    """Resolved, or the source string; `inspect.Parameter.empty` if absent."""
    default: Any
    """`inspect.Parameter.empty` if the parameter is required."""
    kind: inspect._ParameterKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """One named input or output of an ONNX model."""

    name: str
    dtype: str
    """The numpy name: `float32`; `object` for text."""
    shape: tuple[int | str | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """Metadata that the model stores; empty if it has none."""

    feature_names: tuple[str, ...] = ()
    n_features: int | None = None
    feature_types: tuple[str, ...] = ()
    """For each feature `float` where it had fractions in training; other words are xgboost's own."""
    classes: tuple[Any, ...] = ()
    """Of a classifier with several outputs, a tuple of the classes of each output."""
    categories: Mapping[str | int, Categories] = field(default_factory=dict)
    """By column name, or position where the model knows no names."""
    parameters: tuple[Parameter, ...] = ()
    returns: Any = inspect.Parameter.empty
    inputs: tuple[Port, ...] = ()
    outputs: tuple[Port, ...] = ()


def model_hints(model: Any, method: str = "predict") -> Hints:
    """Return the metadata of `model` about the input and output of `method`."""
    parameters, returns = _parameters(model, method)
    return Hints(
        feature_names=feature_names(model),
        n_features=_feature_count(model),
        feature_types=_feature_types(model),
        classes=_classes(model),
        categories=categories(model),
        parameters=parameters,
        returns=returns,
        inputs=ports(model.get_inputs()) if runtime_of(model) is Runtime.ONNX else (),
        outputs=ports(model.get_outputs()) if runtime_of(model) is Runtime.ONNX else (),
    )


def ports(arguments: Iterable[Any]) -> tuple[Port, ...]:
    """Return the inputs or outputs of an ONNX session with their numpy dtypes."""
    result = []
    for argument in arguments:
        kind = str(argument.type).removeprefix("tensor(").removesuffix(")")
        shape = tuple(argument.shape or ())
        result.append(Port(name=argument.name, dtype=_ONNX_DTYPES.get(kind, kind), shape=shape))
    return tuple(result)


_ONNX_DTYPES = {"float": "float32", "double": "float64", "string": "object"}


@hint(otherwise=())
def feature_names(model: object) -> tuple[str, ...]:
    """Return the names of the columns that the model was fitted on, in order; empty if it has none."""
    for step in steps_of(model):
        for read in (_sklearn_names, _xgboost_names, _lightgbm_names, _catboost_names):
            names = read(step)
            if names:
                return tuple(str(name) for name in names)
    return ()


def steps_of(model: object) -> Iterator[object]:
    """Yield the model and the inner models with the same input: first pipeline steps, best estimators."""
    for _ in range(20):
        yield model
        steps = attribute(model, "steps")
        if isinstance(steps, list) and steps and isinstance(steps[0], tuple):
            inner = (step for _, step in steps if step is not None and step != "passthrough")
        else:
            inner = (value for name in _INNER if (value := attribute(model, name)) is not None)
        model = next(inner, None)
        if model is None:
            return


_INNER = ("best_estimator_", "estimator_", "regressor_", "classifier_", "_Booster")


@hint(otherwise=[])
def _sklearn_names(model: object) -> list[Any]:
    names = attribute(model, "feature_names_in_")
    return list(names) if _checks.is_a(names, "numpy.ndarray") or _checks.is_sequence(names) else []


@hint(otherwise=[])
def _xgboost_names(model: object) -> list[Any]:
    return list(attribute(model, "feature_names") or ()) if _checks.is_a(model, "xgboost.Booster") else []


@hint(otherwise=[])
def _lightgbm_names(model: Any) -> list[object]:
    if _checks.is_a(model, "lightgbm.Booster"):
        names = list(model.feature_name())
        # Default names, for columns without names.
        return [] if names == [f"Column_{i}" for i in range(len(names))] else names
    return []


@hint(otherwise=[])
def _catboost_names(model: object) -> list[Any]:
    if not _checks.is_a(model, "catboost._CatBoostBase"):
        return []
    names = list(attribute(model, "feature_names_") or ())
    return [] if names == [str(i) for i in range(len(names))] else names


@hint(otherwise=None)
def _feature_count(model: object) -> int | None:
    for step in steps_of(model):
        count = attribute(step, "n_features_in_")
        if isinstance(count, int):
            return count
    return None


@hint(otherwise=())
def _feature_types(model: object) -> tuple[str, ...]:
    for step in steps_of(model):
        types = attribute(step, "feature_types") or attribute(attribute(step, "_Booster"), "feature_types")
        if isinstance(types, (list, tuple)):
            return tuple(str(kind) for kind in types)
        if _checks.is_a(step, "lightgbm.Booster"):
            return _lightgbm_types(step)
    return ()


def _lightgbm_types(booster: Any) -> tuple[str, ...]:
    """Return `float` for each feature whose least or greatest value in training had a fraction."""
    text = booster.model_to_string(num_iteration=1)
    match = re.search(r"^feature_infos=(.*)$", text, re.MULTILINE)
    ends = (
        [feature.strip("[]").split(":") if feature[0] == "[" else [] for feature in match[1].split()]
        if match
        else []
    )
    return tuple("" if all(float(end).is_integer() for end in pair) else "float" for pair in ends)


@hint(otherwise=())
def _classes(model: object) -> tuple[Any, ...]:
    """Return the classes; for a classifier with several outputs, a tuple of those of each output."""
    classes = attribute(model, "classes_")
    if isinstance(classes, list) and classes:
        outputs = tuple(map(_listed_classes, classes))
        return outputs if all(outputs) else ()
    return _listed_classes(classes)


def _listed_classes(classes: object) -> tuple[Any, ...]:
    if not _checks.is_a(classes, "numpy.ndarray") or classes.ndim != 1:  # type: ignore[attr-defined]
        return ()
    return tuple(classes.tolist())  # type: ignore[attr-defined]


def _parameters(model: object, method: str) -> tuple[tuple[Parameter, ...], object]:
    """Return the parameters of the method, without `self`, and its return annotation."""
    signature = signature_of(model, method)
    if signature is None:
        return (), inspect.Parameter.empty
    parameters = tuple(
        Parameter(name=p.name, annotation=p.annotation, default=p.default, kind=p.kind)
        for p in signature.parameters.values()
    )
    return parameters, signature.return_annotation
