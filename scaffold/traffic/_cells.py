"""The cells in which the values of a field are counted: the bins of its baseline, and what lies outside.

A number has the cells `below, bin 0 ... bin k, above`; a category one for each label, and one for the others.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from scaffold.spec import CategoryBaseline, FieldBaseline, JSONValue, NumberBaseline


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldCounts:
    """How many rows have a value in each cell of a field."""

    cells: tuple[int, ...]
    missing: int

    @property
    def rows(self) -> int:
        """All rows, those without a value too."""
        return sum(self.cells) + self.missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What a service was asked and answered, counted by the baseline of its model.

    `fields` and `predictions` are in the order of the baseline; None for a field that the traffic lacks.
    """

    rows: int
    fields: tuple[FieldCounts | None, ...]
    predictions: tuple[FieldCounts | None, ...]
    first: str = ""
    last: str = ""
    others: int = 0
    """The rows of other models, which are not counted."""
    earlier: int = 0
    """The rows before the time that is compared."""


def labels_of(field: FieldBaseline) -> list[str]:
    """Return what each cell of a field is called."""
    if isinstance(field, CategoryBaseline):
        return [*(label for label, _ in field.shares), "other"]
    low, high = _text(field.min), _text(field.max)
    ends = [*map(_text, field.edges), high]
    inner = [f"({begin}, {end}]" for begin, end in itertools.pairwise(ends)]
    first = low if low == ends[0] else f"[{low}, {ends[0]}]"
    return [f"< {low}", first, *inner, f"> {high}"]


def shares_of(field: FieldBaseline) -> list[float]:
    """Return the share of the baseline's values in each cell."""
    if isinstance(field, CategoryBaseline):
        return [*(share for _, share in field.shares), field.other]
    return [0.0, *field.shares, 0.0]


def outside_of(field: FieldBaseline) -> tuple[int, ...]:
    """Return the cells of values that the baseline does not know."""
    last = len(shares_of(field)) - 1
    return (0, last) if isinstance(field, NumberBaseline) else (last,)


class FieldTally:
    """Counts the values of one field."""

    def __init__(self, field: FieldBaseline) -> None:
        self.field = field
        self.is_present = False
        """Whether any row has the field, with a value or with null."""
        self._missing = 0
        self._cells = [0] * len(shares_of(field))
        self._labels = (
            {label: place for place, (label, _) in enumerate(field.shares)}
            if isinstance(field, CategoryBaseline)
            else {}
        )

    def add(self, value: JSONValue) -> None:
        """Count a value.

        Raises:
            ValueError: The field is a number, and the value is none.
        """
        self.is_present = True
        if is_missing(value):
            self._missing += 1
        elif isinstance(self.field, NumberBaseline):
            self._cells[_place(self.field, number_of(value))] += 1
        else:
            self._cells[self._place_of_label(value)] += 1

    def _place_of_label(self, value: JSONValue) -> int:
        return next((self._labels[text] for text in labels_for(value) if text in self._labels), -1)

    def add_absent(self) -> None:
        """Count a row without the field, which is one without a value where other rows have the field."""
        self._missing += 1

    @property
    def counts(self) -> FieldCounts | None:
        """What was counted; None where no row has the field."""
        return FieldCounts(cells=tuple(self._cells), missing=self._missing) if self.is_present else None


def is_missing(value: JSONValue) -> bool:
    """Whether a value is null or no number."""
    return value is None or value != value


def number_of(value: JSONValue) -> float:
    """Return a number, which a table may hold as text.

    Raises:
        ValueError: It is none.
    """
    if isinstance(value, int | float | str):
        try:
            return float(value)
        except OverflowError:  # a whole number of 309 digits or more
            return math.inf if value > 0 else -math.inf  # type: ignore[operator]
    raise ValueError(f"could not convert to a number: {str(value)[:40]!r}")


def labels_for(value: JSONValue) -> list[str]:
    """Return what a baseline may name a label: as text or JSON, and a whole number with and without `.0`.

    A table has the class 1 as 1, 1.0 or "1", and true as True.
    """
    text = value if isinstance(value, str) else json.dumps(value)
    found = [text]
    if text in ("True", "False"):
        found.append(text.lower())
    with contextlib.suppress(ValueError, OverflowError):
        if (number := float(text)).is_integer():
            found += [str(int(number)), f"{int(number)}.0"]
    return found


def _place(field: NumberBaseline, value: float) -> int:
    if value < field.min:
        return 0
    if value > field.max:
        return len(field.shares) + 1
    return 1 + bisect_left(field.edges, value)


def _text(value: float) -> str:
    return f"{value:.6g}"


def tallies_of(fields: Sequence[FieldBaseline]) -> list[FieldTally]:
    """Return a tally for each field."""
    return [FieldTally(field) for field in fields]
