"""Advice for a model of which no call gives the sample's output."""

from __future__ import annotations

from collections.abc import Sequence

from scaffold.errors import NothingToCallError, Remedy
from scaffold.introspect import _checks
from scaffold.introspect._guard import attribute
from scaffold.introspect.call._invoke import Refused
from scaffold.introspect.hints._estimators import standard_methods


def advice_for(model: object, refusals: Sequence[Refused]) -> tuple[Remedy, tuple[str, ...]]:
    """Return the remedy for calls that did not fit, and the call or class to name in the message."""
    if isinstance(model, type):
        return "instance", (model.__name__,)
    method = next(iter(standard_methods(model)), "predict")
    call = "self.model(X)" if method == "__call__" else f"self.model.{method}(X)"
    deferred = {refused.deferred for refused in refusals} - {""}
    if deferred:
        return "await" if "coroutine" in deferred else "iterate", (call,)
    if absent := next((refused.absent for refused in refusals if refused.absent), ""):
        return "locate", (absent,)
    if _checks.is_a(model, "torch.ExportedProgram"):
        return "export", (call,)
    if callable(attribute(model, "load_context")):
        return "context", (call,)
    return "wrap", (call,)


def nothing_to_call(model: object) -> NothingToCallError:
    """Return why a model without any method that answers cannot be served."""
    name = type(model).__name__
    if model and isinstance(model, dict):
        tensors = all(_checks.is_a(value, "torch.Tensor") for value in model.values())
        keys = tuple(repr(key) for key in list(model)[:8])
        return NothingToCallError(name, "weights") if tensors else NothingToCallError(name, "parts", keys)
    if model and isinstance(model, (list, tuple)):
        return NothingToCallError(name, "parts")
    has_state = hasattr(model, "__dict__") and not isinstance(model, (type(nothing_to_call), type))
    return NothingToCallError(name, "state" if has_state else "nothing")
