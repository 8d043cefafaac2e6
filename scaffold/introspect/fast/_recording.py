"""Find Python code of a module that `torch.onnx` does not record.

Examples are a branch on a value, `len` of a tensor and a number that Python takes out of a tensor: the graph
keeps what the example gave. torch warns of each. Its own layers contain such code too, to check shapes, which
are the same for all rows.

Code that silences the warnings, or that torch does not warn of, is found by a run on a tensor without values,
which `torch.export` uses too. What the code reads elsewhere (a clock, the environment) stays unknown.
"""

from __future__ import annotations

import contextlib
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import PureWindowsPath
from types import FrameType, TracebackType
from typing import Any

from scaffold.introspect.fast._values import NotCompiledError

_OF_TENSORS = ("torch._tensor", "torch._tensor_str", "torch.overrides", "warnings", __name__)
"""Modules whose functions act for their caller, such as the methods of a tensor."""
_SILENT = {"_assert_async", "_local_scalar_dense", "allclose", "equal", "is_nonzero"}
_SILENT |= {"__dlpack__", "apply_", "data_ptr", "map_", "nbytes", "storage", "untyped_storage"}
"""Functions and attributes that give a value or a size to Python, and of which torch does not warn."""
_OF_TORCH = r"(site-packages|dist-packages|__torch__)[/\\]torch[/\\]"


def require_recordable(model: Any, example: Any) -> None:
    """Require that no Python code of a module depends on the values of tensors.

    The module may keep what it computes here, so that it is of no use afterwards.

    Raises:
        NotCompiledError: It does, or the module cannot run on a tensor without values.
    """
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.fx.experimental.symbolic_shapes import ShapeEnv

    if isinstance(model, torch.jit.ScriptModule):
        _require_no_refusal(model)
        return
    mode = FakeTensorMode(shape_env=ShapeEnv(), allow_non_fake_inputs=True)
    unknown = mode.from_tensor(example, static_shapes=True)
    with find_unrecorded() as places, mode, torch.no_grad():
        try:
            model(unknown)
        except Exception as error:
            require_none(places)
            place = _last_place(error.__traceback__)
            name = type(model).__name__
            reason = f"{name} does not run without the values of its input{place} ({first_line(error)})"
            raise NotCompiledError(reason) from error
    require_none(places)


def _require_no_refusal(model: Any) -> None:
    """Require that TorchScript raises no exception of its own: `torch.onnx` leaves it out.

    Raises:
        NotCompiledError: It does.
    """
    graph = model.inlined_graph
    for node in graph.findAllNodes("prim::RaiseException"):
        [file, line] = re.findall(r'File "(.*?)", line (\d+)', node.sourceRange())[:1][0]
        if file != "<string>" and not re.search(_OF_TORCH, file):
            require_none([f"{PureWindowsPath(file).name}, line {line} (an exception)"])


def require_none(places: list[str]) -> None:
    """Require that no place was found.

    Raises:
        NotCompiledError: One was.
    """
    if places:
        raise NotCompiledError(f"torch.onnx does not record the Python code at {places[0]}")


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
            cause = f"{message}".partition(" might cause")[0].partition(". ")[0]
            places.append(f"{_named(frame, frame.f_lineno)} ({cause})")

    class Reads(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            name = getattr(func, "__name__", "")
            if name == "__get__":
                name = getattr(func.__self__, "__name__", "")
            if name in _SILENT:
                note(f"torch gives a value to Python: {name}")
                if places:
                    raise NotCompiledError(places[0])  # without values some of them end the process
            return func(*args, **(kwargs or {}))

    with warnings.catch_warnings(), Reads():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("always", category=tracer_warning)
        warnings.showwarning = lambda message, *_args, **_options: note(message)
        yield places


def _origin() -> FrameType | None:
    """Return the frame that reads a tensor; None if it is in torch."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__") in _OF_TENSORS:
        frame = frame.f_back
    return None if frame is None or _is_of_torch(frame) else frame


def _is_of_torch(frame: FrameType) -> bool:
    """Whether code is a part of torch that checks only shapes; distributions check values."""
    name = str(frame.f_globals.get("__name__"))
    return name.partition(".")[0] == "torch" and not name.startswith("torch.distributions")


def _last_place(traceback: TracebackType | None) -> str:
    """Return where an error left the code of a module; empty if that is in torch alone."""
    found = ""
    while traceback is not None:
        frame = traceback.tb_frame
        if frame.f_globals.get("__name__") != __name__ and not _is_of_torch(frame):
            found = f" at {_named(frame, traceback.tb_lineno)}"
        traceback = traceback.tb_next
    return found


def _named(frame: FrameType, line: int) -> str:
    """Return the file and the line; a class that was pickled by value has a path of another machine."""
    return f"{PureWindowsPath(frame.f_code.co_filename).name}, line {line}"


def first_line(error: Exception) -> str:
    """Return the beginning of an error's text, or its class."""
    return " ".join(f"{error}".partition("\n")[0].split())[:200] or type(error).__name__
