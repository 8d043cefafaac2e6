"""How to go on where no call gives the sample's output: lines of a class to copy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from scaffold._folders import beside_the_code
from scaffold.introspect import _kinds
from scaffold.introspect._estimators import known_methods
from scaffold.introspect._guard import attribute

_RELATIVE = re.compile(r"FileNotFoundError: .*?: '((?!/)[^']+)'")
_HOLD = "  class Service:\n      def __init__(self, model): self.model = model\n"


def advice_for(model: Any, attempts: Mapping[str, str]) -> str:
    """Return what to do about calls that did not fit."""
    if isinstance(model, type):
        return (
            f"The file holds the class {model.__name__} itself. Save an instance of it: {model.__name__}(...)"
        )
    outcomes = " ".join(attempts.values())
    if "gives a coroutine" in outcomes:
        return f"Wait for what it gives:\n  import asyncio\n{_service(model, 'asyncio.run({})')}"
    if "whose values are made when asked for" in outcomes:
        return f"Ask for all that it gives:\n{_service(model, 'list({})')}"
    if opened := _RELATIVE.search(outcomes):
        return beside_the_code(opened[1])
    if _kinds.kin(model, "torch.ExportedProgram"):
        return "Save the module that it holds as TorchScript or ONNX:\n  torch.onnx.export(program, ...)"
    if callable(attribute(model, "load_context")):
        return (
            "What `load_context` loads is part of the model: load it, and save a class without a context:\n"
            f"{_HOLD}      def predict(self, X): return self.model.predict(None, X)"
        )
    return (
        "Give a sample that the model takes, or name the method: --method NAME\n"
        "Or wrap the model in a class that takes the one sample and gives the other:\n"
        f"{_service(model, '{}')}  # build what it takes, shape what it gives"
    )


def nothing_to_call(model: Any) -> str:
    """Return why a model without any method that answers cannot be served."""
    name = type(model).__name__
    tensors = isinstance(model, dict) and all(_kinds.kin(value, "torch.Tensor") for value in model.values())
    if model and tensors:
        return (
            f"The file holds a {name} of tensors: the weights of a module without the module.\n"
            "Build the module, load the weights into it and save it whole:\n"
            "  module.load_state_dict(torch.load(path))\n"
            "  torch.save(module, 'model.pt')"
        )
    if isinstance(model, (dict, list, tuple)) and model:
        keys = f" with the keys {', '.join(repr(key) for key in list(model)[:8])}" * isinstance(model, dict)
        return (
            f"The file holds a {name}{keys}: nothing in it can be called as a whole.\n"
            "Put what belongs together into one object with a method:\n"
            "  class Model:\n"
            "      def __init__(self, parts): self.parts = parts\n"
            "      def predict(self, X): return self.parts[...].predict(X)"
        )
    own = hasattr(model, "__dict__") and not isinstance(model, (type(nothing_to_call), type))
    return f"The file holds a {name}, which has no method that answers and cannot be called." + (
        f"\nWrap it in a class that answers:\n{_HOLD}"
        "      def predict(self, X): return ...  # what the model says of X"
        if own
        else ""
    )


def _service(model: Any, shape: str) -> str:
    method = next(iter(known_methods(model)), "predict")
    called = "self.model(X)" if method == "__call__" else f"self.model.{method}(X)"
    return f"{_HOLD}      def predict(self, X): return {shape.format(called)}"
