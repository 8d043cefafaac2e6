"""Find Python code of a module that `torch.onnx` does not record.

Examples are a branch on a value, `len` of a tensor and a number that Python takes out of a tensor: the graph
keeps what the example gave. torch warns of each. Its own layers contain such code too, to check shapes, which
are the same for all rows.
"""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator
from pathlib import PureWindowsPath
from types import FrameType
from typing import Any

_OF_TENSORS = ("torch._tensor", "torch._tensor_str", "torch.overrides", "warnings", __name__)
"""Modules whose functions act for their caller, such as the methods of a tensor."""
_SILENT = ("allclose", "equal", "is_nonzero")
"""Functions that return a truth value of Python, and of which torch does not warn."""


@contextlib.contextmanager
def find_unrecorded() -> Iterator[list[str]]:
    """Yield a list that receives each place outside of torch whose Python code is not recorded.

    Other warnings are ignored meanwhile.
    """
    import torch
    from torch.overrides import TorchFunctionMode

    tracer_warning: Any = vars(torch.jit)["TracerWarning"]  # torch does not declare it as exported
    places: list[str] = []

    def note(message: object) -> None:
        frame = _origin()
        if frame is not None:
            # A class that was pickled by value has a path of another machine, or `<stdin>`.
            file = PureWindowsPath(frame.f_code.co_filename).name
            cause = f"{message}".partition(" might cause")[0].partition(". ")[0]
            places.append(f"{file}, line {frame.f_lineno} ({cause})")

    class Comparisons(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if getattr(func, "__name__", "") in _SILENT:
                note(f"torch.{func.__name__} returns a Python boolean")
            return func(*args, **(kwargs or {}))

    with warnings.catch_warnings(), Comparisons():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("always", category=tracer_warning)
        warnings.showwarning = lambda message, *_args, **_options: note(message)
        yield places


def _origin() -> FrameType | None:
    """Return the frame that reads a tensor; None if it is in torch."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__") in _OF_TENSORS:
        frame = frame.f_back
    name = frame.f_globals.get("__name__") if frame is not None else None
    return None if f"{name}".partition(".")[0] == "torch" else frame
