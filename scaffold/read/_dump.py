"""Write a model that is in memory to a file."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

from scaffold.errors import UnpicklableModelError

_WRAP = """Keep what cannot be written out of it, and make it anew when it is loaded:
  class Service:
      def __getstate__(self): return {k: v for k, v in vars(self).items() if k != "connection"}"""

_SCRIPT = """TorchScript goes along as the bytes of its file. Add to the class, and save the model again:
  def __getstate__(self):
      file = io.BytesIO()
      torch.jit.save(self.{name}, file)
      return vars(self) | {{"{name}": file.getvalue()}}
  def __setstate__(self, state):
      vars(self).update(state, {name}=torch.jit.load(io.BytesIO(state["{name}"])))"""


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

    # The script, as multiprocessing names it in a process that it has spawned.
    spawned = sys.modules.get("__mp_main__")
    if spawned is not None:
        cloudpickle.register_pickle_by_value(spawned)
    try:
        if _is_torch_module(kind):
            import torch

            path = folder / "model.pt"
            torch.save(model, path, pickle_module=cloudpickle, pickle_protocol=pickle.DEFAULT_PROTOCOL)
            return path
        path = folder / "model.pkl"
        with path.open("wb") as file:
            cloudpickle.dump(model, file)
    except Exception as error:  # `__getstate__` and `__reduce__` may raise anything
        cause = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UnpicklableModelError(kind.__name__, cause, _advice(model)) from error
    finally:
        if spawned is not None:
            cloudpickle.unregister_pickle_by_value(spawned)
    return path


def _advice(model: Any) -> str:
    """Return lines to copy: for TorchScript inside an object, which torch cannot pickle, and for all else."""
    scripts = [name for name, value in _held(model).items() if _is_script_module(type(value))]
    if not scripts:
        return _WRAP
    if _is_torch_module(type(model)):
        return 'Save it whole as TorchScript, and give that file:\n  torch.jit.script(model).save("model.pt")'
    return _SCRIPT.format(name=scripts[0])


def _held(model: Any) -> dict[str, Any]:
    held = getattr(model, "__dict__", {})
    return {**held, **(held.get("_modules") or {})}


def _is_torch_module(kind: type) -> bool:
    return any(base.__module__ == "torch.nn.modules.module" for base in kind.__mro__)


def _is_script_module(kind: type) -> bool:
    return any(base.__module__ == "torch.jit._script" for base in kind.__mro__)
