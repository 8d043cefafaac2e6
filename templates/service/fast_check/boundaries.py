# ruff: noqa: S311 - the rows are no secrets
"""Rows where the compiled model decides: at thresholds of trees, and between two labels."""

import itertools
import random
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import itemgetter
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.fast.fields import FIELDS
from tests.fast.rows import recorded_rows

MOST_THRESHOLDS = 20_000
COMBINED = 20_000  # rows of the last step with a threshold in each column
PART = 1000  # of these rows at once
MISSING = 0.1  # of the values in as many other such rows
MOST_TRIES = 300  # recorded rows in which a number is changed
BOUND = 1e30  # few models refuse numbers up to here

Compared = Callable[[list[Any]], NDArray[Any] | None]


def thresholds_of(trees: Any, most: int) -> list[tuple[int, float]]:
    """Return the thresholds of trees, each after the number of its column; at most so many.

    The largest ones of each column are among them: there rounding changes a number most.
    """
    pairs = sorted(set(zip(trees.feature.tolist(), trees.threshold.tolist(), strict=True)))
    pairs = [(feature, threshold) for feature, threshold in pairs if np.isfinite(threshold)]
    if len(pairs) <= most:
        return pairs
    ranked = [
        (rank, pair)
        for _, group in itertools.groupby(pairs, key=itemgetter(0))
        for rank, pair in enumerate(sorted(group, key=lambda pair: -abs(pair[1])))
    ]
    largest = [pair for _, pair in sorted(ranked)[: most // 2]]
    others = sorted(set(pairs) - set(largest))
    return largest + random.Random(0).sample(others, most - len(largest))


def threshold_points(usual: NDArray[Any], trees: Any) -> Iterator[NDArray[Any]]:
    """Yield rows of the last step's input: one value at a threshold, or next to it."""
    base = np.asarray(usual, dtype=np.float64)
    pairs = thresholds_of(trees, MOST_THRESHOLDS)
    for start in range(0, len(pairs), 500):
        points: list[NDArray[Any]] = []
        for feature, threshold in pairs[start : start + 500]:
            narrow = np.float32(threshold)
            for value in (
                threshold,
                np.nextafter(threshold, -np.inf),
                np.nextafter(threshold, np.inf),
                narrow,
                np.nextafter(narrow, np.float32(-np.inf)),
                np.nextafter(narrow, np.float32(np.inf)),
            ):
                point = base[len(points) % len(base)].copy()
                point[feature] = value
                points.append(point)
        yield np.array(points)
    yield from combined_points(base, trees)


def combined_points(base: NDArray[Any], trees: Any) -> Iterator[NDArray[Any]]:
    """Yield rows of the last step's input with a threshold, or the next number, in each column.

    So a row gets to leaves far from those of the recorded rows. As many others have missing values.
    """
    chance = np.random.default_rng(0)
    limits = {column: finite_thresholds(trees, column) for column in np.unique(trees.feature)}
    for start in range(0, 2 * COMBINED, PART):
        points = base[chance.integers(0, len(base), PART)]
        for column, each in limits.items():
            if len(each):
                at = chance.choice(each, PART)
                with np.errstate(over="ignore"):
                    narrow = np.nextafter(at.astype(np.float32), np.float32(np.inf))
                kinds = chance.integers(0, 3, PART)
                chosen = np.choose(kinds, [at, np.nextafter(at, np.inf), narrow.astype(float)])
                points[:, column] = np.where(np.isfinite(chosen), chosen, at)
        if start >= COMBINED:
            points[chance.random(points.shape) < MISSING] = np.nan
        yield points


def finite_thresholds(trees: Any, column: int) -> NDArray[Any]:
    """Return the thresholds of a column, each once."""
    limits = np.unique(trees.threshold[trees.feature == column])
    return limits[np.isfinite(limits)]


@dataclass(frozen=True)
class Cell:
    """A number of a record: a field, or one value of a field that holds several."""

    field: dict[str, Any]
    place: int | None

    def of(self, row: Any) -> Any:
        """Return the number in a row."""
        value = getattr(row, self.field["attribute"])
        return value if self.place is None else value[self.place]

    def changed(self, row: Any, number: float) -> Any:
        """Return the row with another number."""
        values: Any = number
        if self.place is not None:
            values = list(getattr(row, self.field["attribute"]))
            values[self.place] = number
        return SimpleNamespace(**{**vars(row), self.field["attribute"]: values})

    def ends(self, rows: list[Any]) -> list[Any]:
        """Return the least and the greatest number, those in rows, and 0, in order."""
        seen = [number for number in map(self.of, rows) if number is not None] or [0]
        least, most = self.field["minimum"], self.field["maximum"]
        if self.field["kind"] == "number":
            least, most = float(max(least, -BOUND)), float(min(most, BOUND))
        inner = [min(max(each, least), most) for each in (0, min(seen), max(seen))]
        return sorted({least, most, *inner})

    def middle(self, low: float, high: float) -> float:
        """Return the number in the middle of all between two; the lower one if there is none."""
        if self.field["kind"] == "integer":
            return (low + high) // 2
        return number_at((place_of(low) + place_of(high)) // 2)


def place_of(number: float) -> int:
    """Return the place of a number among all numbers of 64 bits, in order; that of 0.0 is 0."""
    [bits] = struct.unpack("<q", struct.pack("<d", number))
    return bits if bits >= 0 else -(bits + 2**63)


def number_at(place: int) -> float:
    """Return the number at a place."""
    [number] = struct.unpack("<d", struct.pack("<q", abs(place)))
    return number if place >= 0 else -number


@dataclass(frozen=True)
class Sides:
    """What decides for rows: numbers in columns, and on which side of limits they are."""

    compared: Compared  # None for rows that are refused
    columns: NDArray[Any]
    limits: NDArray[Any]
    bases: int  # in how many recorded rows each number is changed
    is_left: Callable[..., NDArray[Any]] = np.less_equal

    def neighbours(self, cell: Cell, base: Any, rows: list[Any]) -> list[Any]:
        """Return the base with neighbouring numbers in a cell, on both sides of each threshold."""
        ends, found = self.accepted_ends(cell, base, cell.ends(rows))
        x = self.compared([cell.changed(base, end) for end in ends]) if ends else None
        if x is None:
            return found
        sides = self.is_left(x[:, self.columns], self.limits)
        for i in range(len(ends) - 1):
            [crossed] = (sides[i] != sides[i + 1]).nonzero()
            found += self.approach(cell, base, crossed, sides[i][crossed], ends[i : i + 2])
        return found

    def accepted_ends(self, cell: Cell, base: Any, ends: list[Any]) -> tuple[list[Any], list[Any]]:
        """Return the numbers that are accepted, and rows next to where they are refused.

        In place of a refused number comes the last one on the way to it that is accepted.
        """
        is_accepted = [self.accepts(cell, base, end) for end in ends]
        found: list[Any] = []
        taken = {end for end, accepted in zip(ends, is_accepted, strict=True) if accepted}
        for i, j in [*itertools.pairwise(range(len(ends)))]:
            if is_accepted[i] != is_accepted[j]:
                inner, outer = (ends[i], ends[j]) if is_accepted[i] else (ends[j], ends[i])
                while (middle := cell.middle(*sorted((inner, outer)))) not in (inner, outer):
                    is_inner = self.accepts(cell, base, middle)
                    inner, outer = (middle, outer) if is_inner else (inner, middle)
                taken.add(inner)
                found += [cell.changed(base, inner), cell.changed(base, outer)]
        return sorted(taken), found

    def accepts(self, cell: Cell, base: Any, number: Any) -> bool:
        """Whether the base with a number in a cell is not refused."""
        return self.compared([cell.changed(base, number)]) is not None

    def approach(
        self,
        cell: Cell,
        base: Any,
        crossed: NDArray[Any],
        of_low: NDArray[Any],
        ends: list[Any],
    ) -> list[Any]:
        """Return the base with neighbouring numbers for each threshold between two numbers."""
        lows, highs = ([end] * len(crossed) for end in ends)
        while (middles := list(map(cell.middle, lows, highs))) != lows:
            x = self.compared([cell.changed(base, middle) for middle in middles])
            if x is None:
                return []
            values = x[range(len(x)), self.columns[crossed]]
            sides = self.is_left(values, self.limits[crossed])
            for i, is_low in enumerate(sides == of_low):
                side = lows if is_low else highs
                side[i] = middles[i]
        return [cell.changed(base, number) for number in (*lows, *highs)]


def sides_of_trees(compared: Compared, trees: Any, most: int) -> list[Sides]:
    """Return the thresholds of trees; some, if there are more than `most`.

    Args:
        compared: Returns what the trees compare for rows.
        trees: The trees. A number at a threshold goes to the left, or to the right.
        most: How many thresholds.
    """
    pairs = thresholds_of(trees, most)
    if not pairs:
        return []
    columns, limits = (np.array(each) for each in zip(*pairs, strict=True))
    return [Sides(compared, columns, limits, 2, each) for each in (np.less_equal, np.less)]


def sides_of_labels(numbers: Compared, count: int) -> Sides:
    """Return what is between labels, from a function that returns their numbers in a column."""
    columns = np.zeros(count - 1, dtype=np.intp)
    return Sides(numbers, columns, np.arange(count - 1) + 0.5, bases=30)


def boundary_rows(sides: list[Sides], mixed: int) -> list[Any]:
    """Return rows with a number and with its neighbour, between which the model decides otherwise.

    Args:
        sides: What decides.
        mixed: How many rows with several such numbers come then.
    """
    random.seed(0)
    recorded = recorded_rows()
    numbers = [field for field in FIELDS if field["kind"] in ("integer", "number")]
    cells = [
        Cell(field, place)
        for field in numbers
        for place in (range(field["length"]) if field["length"] else [None])
    ]
    cells = random.sample(cells, min(len(cells), MOST_TRIES))
    found: list[tuple[Cell, Any]] = []
    for cell, each in itertools.product(cells, sides):
        count = min(each.bases, MOST_TRIES // len(cells), len(recorded))
        for base in random.sample(recorded, count):
            found += [(cell, row) for row in each.neighbours(cell, base, recorded)]
    rows = [row for _, row in found]
    for _ in range(mixed if found else 0):
        row = random.choice(recorded)
        for cell, other in random.choices(found, k=random.randint(2, 2 * len(FIELDS))):
            row = cell.changed(row, cell.of(other))
        rows.append(row)
    return rows
