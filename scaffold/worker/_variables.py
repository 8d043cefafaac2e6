"""Record the environment variables that the model reads from `os.environ` and `os.environb`.

Reads by compiled code are not recorded.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import AnyStr

from scaffold.worker._witness import RECORDED, Witness


def watch_variables(witness: Witness) -> None:
    """Record lookups in `os.environ` in `witness.variables` while the model runs."""

    class Watched(os._Environ):  # type: ignore[type-arg]
        def __getitem__(self, name: AnyStr) -> AnyStr:
            present = _present(name, super().__getitem__)
            if witness.phase in RECORDED and isinstance(name, str | bytes):
                witness.note_variable(
                    os.fsdecode(name), present=present, file=_reading_frame().f_code.co_filename
                )
            value: AnyStr = super().__getitem__(name)
            return value

        def __iter__(self) -> Iterator[AnyStr]:
            if witness.phase in RECORDED and not _imports_library(witness):
                witness.copiers.add(str(_reading_frame().f_globals.get("__name__")))
            names: Iterator[AnyStr] = super().__iter__()
            return names

    # In place: modules that were imported before refer to these objects.
    os.environ.__class__ = Watched
    if os.supports_bytes_environ:
        os.environb.__class__ = Watched


def _present(name: AnyStr, look_up: Callable[[AnyStr], AnyStr]) -> bool:
    try:
        look_up(name)
    except KeyError:
        return False
    return True


def _reading_frame() -> FrameType:
    """Return the frame that reads the variable, outside the standard library."""
    caller = sys._getframe(2)
    frame: FrameType | None = caller
    while frame is not None and _is_between(frame):
        frame = frame.f_back
    return frame or caller


def _imports_library(witness: Witness) -> bool:
    """Whether an installed module is being imported: many libraries read their own variables then."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_name == "<module>" and witness.place(frame.f_code.co_filename) is not None:
            return True
        frame = frame.f_back
    return False


def _is_between(frame: FrameType) -> bool:
    """Whether the code is of this module or the standard library."""
    name = str(frame.f_globals.get("__name__"))
    return name == __name__ or name.partition(".")[0] in sys.stdlib_module_names
