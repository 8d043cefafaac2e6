"""Write a model that is in memory to a file."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

from scaffold.errors import UnpicklableModelError

_WRAP = """Keep what cannot be written out of it, and make it anew when it is loaded:
  class Service:
      def __getstate__(self): return {k: v for k, v in vars(self).items() if k != "connection"}"""


def dump_model(model: Any, folder: Path) -> Path:
    """Write `model` into `folder` and return the file.

    A torch module goes through `torch.save`; all else through cloudpickle, which carries what `__main__` or a
    notebook defines by value.

    Raises:
        UnpicklableModelError: It holds what cannot be written, or is an ONNX session, which has a file of its
        own.
    """
    kind = type(model)
    if kind.__module__.startswith("onnxruntime"):
        path = getattr(model, "_model_path", None) or "model.onnx"
        raise UnpicklableModelError(
            kind.__name__, "a session is made from a file", f"Give the file: scaffold.new({str(path)!r}, ...)"
        )
    if _is_script_module(kind):
        path = folder / "model.pt"
        model.save(str(path))
        return path
    import cloudpickle

    try:
        if _is_torch_module(kind):
            import torch

            path = folder / "model.pt"
            torch.save(model, path, pickle_module=cloudpickle, pickle_protocol=pickle.DEFAULT_PROTOCOL)
            return path
        path = folder / "model.pkl"
        with path.open("wb") as file:
            cloudpickle.dump(model, file)
    except (pickle.PicklingError, TypeError, AttributeError, RecursionError) as error:
        cause = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UnpicklableModelError(kind.__name__, cause, _WRAP) from error
    return path


def _is_torch_module(kind: type) -> bool:
    return any(base.__module__ == "torch.nn.modules.module" for base in kind.__mro__)


def _is_script_module(kind: type) -> bool:
    return any(base.__module__ == "torch.jit._script" for base in kind.__mro__)
