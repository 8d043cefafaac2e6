"""Which environment variables the model reads from `os.environ` and `os.environb`.

Reads by compiled code are not seen.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from types import FrameType
from typing import AnyStr

from scaffold.worker._witness import RECORDED, Witness


def watch_variables(witness: Witness) -> None:
    """Have `os.environ` write down in `witness.variables` what is looked up while the model runs."""

    class Watched(os._Environ):  # type: ignore[type-arg]
        def __getitem__(self, name: AnyStr) -> AnyStr:
            present = _present(name, super().__getitem__)
            if witness.phase in RECORDED and isinstance(name, str | bytes):
                witness.note_variable(os.fsdecode(name), present=present, file=_reading_file())
            value: AnyStr = super().__getitem__(name)
            return value

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


def _reading_file() -> str:
    """The file whose code asks for a variable; the standard library asks for somebody else."""
    asking = sys._getframe(2)
    frame: FrameType | None = asking
    while frame is not None and _is_between(frame):
        frame = frame.f_back
    return (frame or asking).f_code.co_filename


def _is_between(frame: FrameType) -> bool:
    """Whether the code is ours or of the standard library."""
    name = str(frame.f_globals.get("__name__"))
    return name == __name__ or name.partition(".")[0] in sys.stdlib_module_names
