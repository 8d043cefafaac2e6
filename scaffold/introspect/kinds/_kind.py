"""How the objects of a library are examined: the mirror of `render/kinds/_kind.py`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from scaffold.introspect._types import is_a
from scaffold.spec import Container, OpenedFrame, OpenedSeries, OverTime, Schema

PathValues = list[tuple[str, Any]]
"""Values with the path to each inside the sample: `$.items[2].price`."""
Describe = Callable[[PathValues], Schema]
"""Returns the schema of values of any kind; kinds call it for nested values."""
Describer = Callable[[PathValues, Describe], Schema]
"""Returns the schema of values of one kind."""
AnswerForm = OpenedFrame | OpenedSeries | OverTime


class Kind:
    """How the objects of one library are recognised, described, taken apart and written as JSON.

    Classes are named by their top-level package and name: `pandas.DataFrame`.
    """

    frames: tuple[str, ...] = ()
    series: tuple[str, ...] = ()
    arrays: tuple[str, ...] = ()
    is_sparse = False

    def __init__(self, container: Container) -> None:
        self.container = container

    def claims(self, value: object) -> bool:
        """Whether `value` is an object of this kind."""
        return is_a(value, *self.frames, *self.series, *self.arrays)

    def container_of(self, value: object) -> Container:
        """Return the container of a value."""
        return self.container

    # ------------------------------------------------------------------ the schema

    def describer(self, path: str, value: object) -> Describer:
        """Return the function that describes values like this one.

        Raises:
            UnsupportedSampleError: JSON cannot represent it.
        """
        raise NotImplementedError

    def row(self, value: object, describe: Describe) -> Schema:
        """Return the schema of one record of a container."""
        raise NotImplementedError

    # ------------------------------------------------------------------ its records

    def count(self, value: Any) -> int | None:
        """Return the number of records that `value` may have; `None` if it can only be one record."""
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
        """Return the container, with datetimes of nanosecond resolution as integers."""
        return value

    def rows(self, value: Any, schema: Schema) -> list[object]:
        """Return the records of a container, as values for `encode`."""
        return list(value)

    def to_lists(self, value: Any) -> Any:
        """Return an array or Series as nested lists, with missing values and datetimes unchanged."""
        return value.tolist()

    def open_answers(self, answers: Sequence[Any]) -> tuple[list[object], AnswerForm | None]:
        """Convert answers to plain values; return the container too for frames and Series.

        A frame of one row is that row.
        """
        if is_a(answers[0], *self.frames):
            rows = [[self.record(answer, i) for i in range(len(answer))] for answer in answers]
            single = all(len(answer_rows) == 1 for answer_rows in rows)
            return [answer_rows[0] if single else answer_rows for answer_rows in rows], OpenedFrame(
                self.container
            )
        if is_a(answers[0], *self.series):
            return [self.to_lists(answer) for answer in answers], OpenedSeries(self.container)
        return list(answers), None

    def check_answer(self, answer: object) -> None:
        """Check that an answer can be written as JSON without loss.

        Raises:
            UnsupportedSampleError: It cannot.
        """


def plain(value: Any) -> object:
    """Convert a numpy scalar to a Python value; return other values unchanged."""
    if not is_a(value, "numpy.generic") or is_a(value, "numpy.datetime64", "numpy.timedelta64", "numpy.void"):
        return value
    return value.item()
