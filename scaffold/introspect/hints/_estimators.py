"""The methods and call conventions of model libraries, which `_hints` and `call` need."""

from __future__ import annotations

import enum
import functools
import inspect
import re
from collections.abc import Callable
from typing import Any

from scaffold.introspect import _checks
from scaffold.introspect._guard import attribute, hint


class Runtime(enum.Enum):
    """Whose call convention a model follows."""

    PYTHON = "python"
    TORCH = "torch"
    ONNX = "onnx"
    XGBOOST_BOOSTER = "xgboost booster"


# In the order of preference.
_STANDARD_METHODS = (
    "predict",
    "predict_proba",
    "transform",
    "decision_function",
    "score_samples",
    "kneighbors",
    "kneighbors_graph",
    "forecast",
    "get_forecast",
    "predict_log_proba",
    "predict_quantiles",
    "predict_interval",
    "predict_var",
    "predict_partial_hazard",
    "predict_log_partial_hazard",
    "predict_median",
    "predict_expectation",
    "predict_survival_function",
    "predict_cumulative_hazard_function",
    "predict_cumulative_hazard",
    "predict_hazard",
    "predict_joint_log_proba",
    "inverse_transform",
    "get_prediction",
    "apply",
    "decision_path",
    "survival_function_at_times",
    "cumulative_hazard_at_times",
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# First words of methods that change something, in the model or outside.
_CHANGES = _words(
    """
    add append backward build calibrate cancel clear close clone commit compile configure connect copy
    cpu create cuda delete deploy disable discard download drop dump enable eval export extend fit flush
    freeze from half finetune init initialize insert kill learn load log make mutate open partial plot
    pop print publish push put quantize refit refresh register release reload remove rename reset
    restart restore save send set setup share show shutdown sort staged start stop store summary sync
    teardown to train tune unregister update upload validate warm write zero
    """
)
_GETTERS = _words("get is has list check count describe repr info")
# Libraries of which all prediction methods are in `_STANDARD_METHODS`.
_LIBRARIES = _words(
    """
    abc builtins catboost category_encoders collections imblearn keras lifelines lightgbm numpy
    onnxruntime pandas pydantic scipy sklearn statsmodels tensorflow torch torchvision transformers
    typing xgboost
    """
)


def runtime_of(model: object) -> Runtime:
    """Return whose call convention `model` follows."""
    if _checks.is_a(model, "torch.Module"):
        return Runtime.TORCH
    if _checks.is_a(model, "onnxruntime.InferenceSession"):
        return Runtime.ONNX
    if _checks.is_a(model, "xgboost.Booster"):
        return Runtime.XGBOOST_BOOSTER
    return Runtime.PYTHON


def native_class(model: object) -> str:
    """Return the class that an xgboost or catboost file is loaded as, empty for any other model."""
    return type(model).__name__ if _checks.is_a(model, "xgboost.XGBModel", "catboost.CatBoost") else ""


def standard_methods(model: object) -> tuple[str, ...]:
    """Return the prediction methods of common libraries that the model has, in the order of preference."""
    runtime = runtime_of(model)
    if runtime is Runtime.ONNX:
        return ("run",)
    if runtime is Runtime.XGBOOST_BOOSTER:
        return ("predict",)
    if inspect.isroutine(model) or _checks.is_a(model, "functools.partial"):
        return ("__call__",)
    # A torch module's `apply` changes its parts.
    excluded = ("apply",) if runtime is Runtime.TORCH else ()
    names = [name for name in _STANDARD_METHODS if name not in excluded and _is_method(model, name)]
    if callable(model) and not isinstance(model, type):
        names.insert(1 if names[:1] == ["predict"] else 0, "__call__")
    return tuple(names)


def other_methods(model: object) -> tuple[str, ...]:
    """Return further public methods of a user's class that may predict, in the order of definition.

    Methods whose name implies a change, and methods of library classes, are left out.
    """
    if runtime_of(model) in (Runtime.ONNX, Runtime.XGBOOST_BOOSTER) or inspect.isroutine(model):
        return ()
    names: dict[str, None] = {}
    for cls in type(model).__mro__:
        if cls is object or _is_library(cls):
            break
        names |= dict.fromkeys(name for name in vars(cls) if _may_answer(model, name))
    standard = (
        {*standard_methods(model), "forward"}
        if runtime_of(model) is Runtime.TORCH
        else standard_methods(model)
    )
    return tuple(name for name in names if name not in standard)


def changes_something(method: str) -> bool:
    """Whether a method's name implies a side effect: `fit_predict`, `save`, `set_params`."""
    return _first_word(method) in _CHANGES


def public_methods(model: object) -> tuple[str, ...]:
    """Return the valid values of `method`, for messages."""
    return (*standard_methods(model), *other_methods(model))


def signature_of(model: Any, method: str) -> inspect.Signature | None:
    """Return the signature of a method, `None` if it cannot be inspected."""
    target: Callable[..., Any] | None = model if method == "__call__" else attribute(model, method)
    if method == "__call__" and _checks.is_a(model, "torch.Module"):
        target = model.forward
    if target is None:
        return None
    # A quoted annotation may name an object that no longer exists: then it stays a string.
    return _signature(target, evaluated=True) or _signature(target, evaluated=False)


@hint(otherwise=None)
def _signature(target: Callable[..., object], *, evaluated: bool) -> inspect.Signature | None:
    return inspect.signature(target, eval_str=evaluated)


def same_method(model: object, first: str, second: str) -> bool:
    """Whether two names stand for one function: `__call__ = predict`."""
    functions = [inspect.getattr_static(type(model), name, None) for name in (first, second)]
    return functions[0] is not None and functions[0] is functions[1]


def _may_answer(model: object, name: str) -> bool:
    word = _first_word(name)
    if isinstance(inspect.getattr_static(model, name, None), (property, functools.cached_property)):
        return False  # its value is computed by code that must not run
    if name.startswith("_") or word in _CHANGES or word in _GETTERS or not _is_method(model, name):
        return False
    signature = signature_of(model, name)
    return signature is None or any(map(_takes_input, signature.parameters.values()))


def _takes_input(p: inspect.Parameter) -> bool:
    """Whether a parameter may be for the sample: `X`, `X=None`, `*args`, and not `decimals=3`."""
    may_be_none = p.default is None and p.kind is p.POSITIONAL_OR_KEYWORD
    return p.default is p.empty or may_be_none or p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL)


def _is_method(model: object, name: str) -> bool:
    if isinstance(vars(type(model)).get(name), property):
        return False
    # The attribute may raise for this model: sklearn's `available_if` raises AttributeError.
    return callable(attribute(model, name))


def _is_library(cls: type) -> bool:
    return cls.__module__.partition(".")[0] in _LIBRARIES


def _first_word(name: str) -> str:
    return re.split(r"_|(?<=[a-z])(?=[A-Z])", name.strip("_"))[0].lower()
