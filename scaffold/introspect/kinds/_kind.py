"""How the objects of a library are examined: the mirror of `render/kinds/_kind.py`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from scaffold.introspect._kin import kin
from scaffold.spec import Container, OpenedFrame, OpenedSeries, OverTime, Schema

Seen = list[tuple[str, Any]]
"""Values with the path to each inside the sample: `$.items[2].price`."""
Describe = Callable[[Seen], Schema]
"""Returns the schema of values of any kind: a kind calls it for the items of its own values."""
Describer = Callable[[Seen, Describe], Schema]
"""Returns the schema of values of one kind."""
Opened = OpenedFrame | OpenedSeries | OverTime


class Kind:
    """How the objects of one library are recognised, described, taken apart and written as JSON.

    Classes go by their name and top package: `pandas.DataFrame`.
    """

    frames: tuple[str, ...] = ()
    series: tuple[str, ...] = ()
    arrays: tuple[str, ...] = ()
    is_sparse = False

    def __init__(self, container: Container) -> None:
        self.container = container

    def claims(self, value: object) -> bool:
        """Whether it is an object of this kind."""
        return kin(value, *self.frames, *self.series, *self.arrays)

    def container_of(self, value: object) -> Container:
        """Return the container that a value is in."""
        return self.container

    # ------------------------------------------------------------------ the schema

    def describer(self, path: str, value: object) -> Describer:
        """Return the function that describes values like this one.

        Raises:
            UnsupportedSampleError: JSON has no form for it.
        """
        raise NotImplementedError

    def row(self, value: object, describe: Describe) -> Schema:
        """Return what one record is in a container of many."""
        raise NotImplementedError

    # ------------------------------------------------------------------ its records

    def count(self, value: Any) -> int | None:
        """Return how many records it may hold, `None` where it can only be one."""
        return int(value.shape[0]) if len(value.shape) else None

    def take(self, value: Any, indices: list[int]) -> object:
        """Return the records at `indices` in a container of the same kind."""
        return value[indices]

    def slice(self, value: object, start: int, stop: int) -> object:
        """Return records `start` to `stop` in a container of the same kind.

        Args:
            value: A container of this kind.
            start: The first record, from 0.
            stop: The record after the last.
        """
        return self.take(value, list(range(start, stop)))

    def record(self, value: Any, i: int) -> Any:
        """Return record `i` by itself, as a model that takes one record at a time would get it."""
        return plain(value[i])

    # ------------------------------------------------------------------ as JSON

    def with_integer_moments(self, value: object) -> object:
        """Return the container; moments with more digits than those of Python become integers."""
        return value

    def rows(self, value: Any, schema: Schema) -> list[object]:
        """Return the records of a container, as `encode` takes them."""
        return list(value)

    def listed(self, value: Any) -> Any:
        """Return an array or Series as nested lists, with its missing values and moments as they are."""
        return value.tolist()

    def opened(self, answers: Sequence[Any]) -> tuple[list[object], Opened | None]:
        """Return answers as plain values; of frames and Series also which container they were.

        A frame of one row is that row.
        """
        if kin(answers[0], *self.frames):
            rows = [[self.record(answer, i) for i in range(len(answer))] for answer in answers]
            single = all(len(found) == 1 for found in rows)
            return [found[0] if single else found for found in rows], OpenedFrame(self.container)
        if kin(answers[0], *self.series):
            return [self.listed(answer) for answer in answers], OpenedSeries(self.container)
        return list(answers), None

    def check_answer(self, answer: object) -> None:
        """Return if an answer can be written as JSON without a loss.

        Raises:
            UnsupportedSampleError: It cannot.
        """


def plain(value: Any) -> object:
    """Return a numpy scalar as the Python value it stands for, anything else as it is."""
    if not kin(value, "numpy.generic") or kin(value, "numpy.datetime64", "numpy.timedelta64", "numpy.void"):
        return value
    return value.item()
