"""Frames of pandas. It is not imported here: whoever has a frame has pandas."""

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from .schemas import ModelOutput


class Frame(Protocol):
    """What a `pandas.DataFrame` is known by."""

    @property
    def columns(self) -> Any:
        """The names of the fields."""

    @property
    def index(self) -> Any:
        """The names of the rows."""


FrameT = TypeVar("FrameT", bound=Frame)


def records_of(frame: Frame) -> list[Any]:
    """Return a record for each row, with None for what is missing.

    Raises:
        ValueError: Two columns have the same name.
    """
    table: Any = frame
    names = [str(name) for name in table.columns]
    if len({*names}) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"more than one column is called {', '.join(twice)}")
    values = table.astype(object).where(table.notna(), None)
    return [dict(zip(names, row, strict=True)) for row in values.itertuples(index=False, name=None)]


def frame_of(frame: FrameT, answers: Sequence[ModelOutput]) -> FrameT:
    """Return the answers as a frame with the index of `frame`."""
    kind: Any = type(frame)
    names = None if answers else [*getattr(ModelOutput, "__annotations__", ())]
    table: FrameT = kind(answers, index=frame.index, columns=names)
    return table
