"""Categories."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .common import split


def number_categories(categories: NDArray[Any], missing: bool) -> dict[Any, int]:
    """Return the number of each category; None is the missing value, which comes last."""
    numbers: dict[Any, int] = {value: i for i, value in enumerate(categories.tolist())}
    return {**numbers, None: len(numbers)} if missing else numbers


def look_up(column: NDArray[Any], numbers: dict[Any, int], unknown: int) -> list[int]:
    """Return the number of each value of a column."""
    return [
        numbers.get(value if value == value else None, unknown)  # NaN differs from itself
        for value in column.tolist()
    ]


class OneHotEncoder:
    """Columns for the categories of each column: 1.0 where the value is that category."""

    def __init__(
        self,
        categories: Sequence[NDArray[Any]],
        missing: Sequence[bool],
        dropped: Sequence[int],
        refuse_unknown: bool,
        dtype: str,
    ) -> None:
        # Two columns before the others: unknown values, and dropped categories.
        self.places: list[dict[Any, int]] = []
        self.width = 2
        for values, is_missing, drop in zip(categories, missing, dropped, strict=True):
            numbers = number_categories(values, is_missing)
            kept = [value for value, number in numbers.items() if number != drop]
            places: dict[Any, int] = {value: self.width + i for i, value in enumerate(kept)}
            self.width += len(kept)
            self.places.append({value: places.get(value, 1) for value in numbers})
        self.refuse_unknown, self.dtype = refuse_unknown, dtype

    def transform(self, x: NDArray[Any] | Sequence[NDArray[Any]]) -> NDArray[Any]:
        """Return the columns for the categories.

        Raises:
            ValueError: A value is no category, and the model refuses such.
        """
        columns = split(x)
        made = np.zeros((len(columns[0]), self.width), dtype=self.dtype)
        starts = range(0, made.size, self.width)
        ones = [
            start + place
            for column, places in zip(columns, self.places, strict=True)
            for start, place in zip(starts, look_up(column, places, 0), strict=True)
        ]
        made.put(ones, 1)
        if self.refuse_unknown and made[:, 0].any():
            raise ValueError("a value is no category of the model")
        return made[:, 2:]


class OrdinalEncoder:
    """The number of the category of each value."""

    def __init__(
        self,
        categories: Sequence[NDArray[Any]],
        missing: Sequence[bool],
        unknown_value: float | str | None,
        missing_value: float | str,
        dtype: str,
    ) -> None:
        self.numbers = [
            number_categories(values, is_missing)
            for values, is_missing in zip(categories, missing, strict=True)
        ]
        self.missing, self.dtype = missing, dtype
        self.missing_value = float(missing_value)  # "nan" too
        self.unknown_value = None if unknown_value is None else float(unknown_value)

    def transform(self, x: NDArray[Any] | Sequence[NDArray[Any]]) -> NDArray[Any]:
        """Return the numbers.

        Raises:
            ValueError: A value is no category, and the model refuses such.
        """
        columns = split(x)
        made = np.empty((len(columns[0]), len(columns)), dtype=self.dtype)
        for i, (column, numbers) in enumerate(zip(columns, self.numbers, strict=True)):
            found = np.array(look_up(column, numbers, -1))
            made[:, i] = found
            if self.missing[i]:
                made[found == len(numbers) - 1, i] = self.missing_value
            if (found < 0).any():
                if self.unknown_value is None:
                    raise ValueError("a value is no category of the model")
                made[found < 0, i] = self.unknown_value
        return made
