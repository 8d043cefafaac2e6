"""Make up rows from those of a sample: combine columns of two rows, or take numbers between the two.

New rows test whether the model's rows stay independent beyond the sample. Two made-up rows share some columns
and differ in others, as rows of one customer, shop or day do.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from scaffold.introspect import _checks
from scaffold.introspect._compare import same
from scaffold.introspect._missing import missing_places
from scaffold.introspect._records import fields_of, with_values
from scaffold.introspect._rows import count_rows, like_arguments, options_of, take
from scaffold.introspect.call._between import array_between, spliced_text, value_between

_SEED = 20_011
_NARROW = 0.15
_EDGE = 1e-9


@dataclass(frozen=True, slots=True)
class _Recipe:
    """One made-up row: `width` columns from `start` are of row `first`; the others are of row `second`.

    `start` and `width` are fractions of all columns; the first column follows the last. With a `share`, the
    other columns are interpolated: 0 is row `first`, 1 is row `second`.
    """

    first: int
    second: int
    start: float = 0.0
    width: float = 1.0
    share: float | None = None
    part: tuple[float, float] = (0.0, 1.0)
    """The range of the current argument's columns, as fractions of all columns."""

    def value(self, first: Any, second: Any, column: int, columns: int) -> Any:
        """Return the value of a column, from the values of the two rows."""
        begin, end = self.part
        if (begin + (end - begin) * column / columns - self.start) % 1 < self.width:
            return first
        if self.share is None:
            return second
        if self.first == self.second and isinstance(first, str):
            return spliced_text(first, first, self.share)
        return value_between(first, second, self.share)

    def spans(self, columns: int) -> list[slice]:
        """Return the columns of row `first` as slices, for wide arrays."""
        begin, end = self.part
        edges = [self.start, min(1.0, self.start + self.width), 0.0, max(0.0, self.start + self.width - 1)]
        places = [math.ceil((edge - begin) / (end - begin) * columns) for edge in edges]
        low, high, _, wrapped = (min(max(place, 0), columns) for place in places)
        return [slice(low, high), slice(0, wrapped)]


def with_made_up(sample: object, chosen: Sequence[int], count: int) -> tuple[Any, int]:
    """Return the rows `chosen` of `sample` followed by made-up rows, and the number of made-up rows.

    The container, the dtypes and the columns are those of the sample. Images, bytes and objects of unknown
    classes are not made up.
    """
    real, recipes = [_Recipe(i, i) for i in chosen], _recipes(sample, count)
    try:
        rows = _rows(sample, [*real, *recipes])
        if rows is not None and _is_like(rows, sample, chosen):
            new = [
                len(real) + k
                for k, recipe in enumerate(recipes)
                if _is_new(rows, len(real) + k, sample, recipe)
            ]
            return take(rows, [*range(len(real)), *new]), len(new)
    except Exception:  # noqa: S110
        # A container or class that validates its values: use its real rows only.
        pass
    return take(sample, chosen), 0


def _is_new(rows: object, place: int, sample: object, recipe: _Recipe) -> bool:
    """Whether a made-up row differs from both source rows."""
    row = take(rows, [place])
    return not any(_equal(row, take(sample, [i])) for i in (recipe.first, recipe.second))


def _equal(first: Any, second: Any) -> bool:
    """Whether two containers have equal values; frames are compared by columns, which is faster."""
    if _checks.is_a(first, "pandas.DataFrame") and _checks.is_a(second, "pandas.DataFrame"):
        return bool(first.reset_index(drop=True).equals(second.reset_index(drop=True)))
    return same(first, second)


def _is_like(rows: Any, sample: Any, chosen: Sequence[int]) -> bool:
    """Whether the container preserved the values and dtypes of the rows."""
    columns = [dict(c.dtypes) if _checks.is_a(c, "pandas.DataFrame") else None for c in (rows, sample)]
    return columns[0] == columns[1] and _equal(take(rows, range(len(chosen))), take(sample, chosen))


def are_alike(sample: object) -> bool:
    """Whether five rows of a sample, evenly spaced, are equal."""
    last = (count_rows(sample) or 1) - 1
    rows = [take(sample, [last * k // 4]) for k in range(5)]
    return all(_equal(row, rows[0]) for row in rows[1:])


def _recipes(sample: object, count: int) -> list[_Recipe]:
    rows = count_rows(sample) or 1
    chance = random.Random(_SEED)  # noqa: S311
    narrow = _is_narrow(sample)
    missing = {} if narrow else missing_places(sample)
    varied = narrow or rows < 3 or are_alike(sample)
    recipes = []
    for k in range(count):
        first = chance.randrange(rows)
        second = (first + 1 + chance.randrange(rows - 1)) % rows if rows > 1 else first
        start, share = chance.random(), chance.random()
        # The last row differs from the rows of the sample in most columns.
        width = 0.0 if narrow else _NARROW if k % 3 == 1 or k == count - 1 else 0.5
        recipe = _Recipe(first, second, start, width, share if varied or k % 3 == 2 else None)
        if missing and k % 3 == 0:
            # Take few columns, among them one with a missing value, from a row that has it missing.
            column = list(missing)[k // 3 % len(missing)]
            recipe = dataclasses.replace(recipe, first=chance.choice(missing[column]), start=column - _EDGE)
        recipes.append(recipe)
    return recipes


def _is_narrow(sample: object) -> bool:
    """Whether a row is one value, so that columns of two rows cannot be combined."""
    if _checks.is_sequence(sample):
        return not all(_checks.is_mapping(item) or _checks.is_sequence(item) for item in sample)
    return _checks.is_series(sample) or len(getattr(sample, "shape", (1, 2))) == 1


def _rows(sample: Any, recipes: list[_Recipe]) -> Any:
    """Return a container like `sample` with a row for each recipe; `None` for an unknown container."""
    if _checks.is_frame(sample):
        return _frame(sample, recipes)
    if _checks.is_a(sample, "pandas.Series", "polars.Series"):
        return _series(sample, recipes, 0, 1)
    if _checks.is_structured(sample):
        return _structured(sample, recipes)
    if _checks.is_sparse(sample):
        dense = _array(sample.toarray(), recipes)
        return type(sample)(dense.astype(sample.dtype))
    if _checks.is_array(sample):
        return _array(sample, recipes)
    if _checks.is_mapping(sample) or (isinstance(sample, tuple) and count_rows(sample[0]) is not None):
        return _parts(sample, recipes)
    if isinstance(sample, (list, tuple)):
        rows = [_item(sample[r.first], sample[r.second], r) for r in recipes]
        return rows if isinstance(sample, list) else tuple(rows)
    return None


def _parts(sample: Any, recipes: list[_Recipe]) -> object:
    """Return several arguments, each with its columns combined by the recipes."""
    names = list(sample) if _checks.is_mapping(sample) else range(len(sample))
    options = options_of(sample)
    arguments: dict[Any, Any] = {}
    for k, name in enumerate(names):
        ends = k / len(names), (k + 1) / len(names)
        part = sample[name]
        arguments[name] = (
            part
            if name in options or count_rows(part) is None
            else _rows(part, [dataclasses.replace(r, part=ends) for r in recipes])
        )
        if arguments[name] is None:
            return None
    return like_arguments(sample, arguments) if _checks.is_mapping(sample) else tuple(arguments.values())


def _frame(sample: Any, recipes: list[_Recipe]) -> Any:
    if _checks.is_a(sample, "pandas.DataFrame"):
        import pandas as pd

        width = sample.shape[1]
        columns = [_series(sample.iloc[:, j], recipes, j, width) for j in range(width)]
        frame = pd.concat(columns, axis=1)
        frame.columns = sample.columns
        return frame
    if _checks.is_a(sample, "polars.DataFrame"):
        import polars as pl

        return pl.DataFrame(
            [_series(s, recipes, j, sample.width) for j, s in enumerate(sample.iter_columns())]
        )
    import pyarrow as pa

    columns = []
    for j, (column, type_) in enumerate(zip(sample.columns, sample.schema.types, strict=True)):
        build = functools.partial(pa.array, type=type_)
        columns.append(_column(column.to_pylist(), recipes, j, sample.num_columns, build))
    return pa.table(columns, schema=sample.schema)


def _series(column: Any, recipes: list[_Recipe], place: int, places: int) -> Any:
    if _checks.is_a(column, "pandas.Series"):
        import pandas as pd

        build = functools.partial(pd.Series, dtype=column.dtype, name=column.name)
        if _checks.is_a(column.dtype, "pandas.CategoricalDtype"):
            levels = column.dtype.categories.tolist()
            drawn = [levels[int(r.share * len(levels))] if r.share is not None else None for r in recipes]
            values = _values(column.tolist(), recipes, place, places)
            return build([a if b is None else b for a, b in zip(values, drawn, strict=True)])
        return _column(column.tolist(), recipes, place, places, build)
    import polars as pl

    named = functools.partial(pl.Series, column.name, dtype=column.dtype)
    return _column(column.to_list(), recipes, place, places, named)


def _structured(sample: Any, recipes: list[_Recipe]) -> object:
    import numpy as np

    result = np.empty(len(recipes), sample.dtype)
    for j, name in enumerate(sample.dtype.names):
        build = functools.partial(np.array, dtype=sample.dtype[name].base)
        result[name] = _column(list(sample[name]), recipes, j, len(sample.dtype.names), build)
    return result


def _array(sample: Any, recipes: list[_Recipe]) -> Any:
    """Return an array or a tensor; each value of a row counts as a column."""
    flat = sample.reshape(sample.shape[0], -1)
    width = flat.shape[1]
    result = flat[[r.second for r in recipes]]
    for row, recipe in enumerate(recipes):
        if recipe.share is not None:
            result[row] = array_between(flat[recipe.first], flat[recipe.second], recipe.share)
        for span in recipe.spans(width):
            result[row, span] = flat[recipe.first, span]
    return result.reshape(len(recipes), *sample.shape[1:])


def _values(values: list[object], recipes: list[_Recipe], place: int, places: int) -> list[object]:
    return [r.value(values[r.first], values[r.second], place, places) for r in recipes]


def _column(
    values: list[object],
    recipes: list[_Recipe],
    place: int,
    places: int,
    build: Callable[[list[object]], object],
) -> object:
    """Return a column; without interpolated values if the dtype cannot represent them."""
    try:
        return build(_values(values, recipes, place, places))
    except Exception:
        without_shares = [dataclasses.replace(recipe, share=None) for recipe in recipes]
        return build(_values(values, without_shares, place, places))


def _item(first: Any, second: Any, recipe: _Recipe) -> Any:
    """Return an item of a list: an object or a list with values of both, or an interpolated value."""
    if recipe.first == recipe.second and recipe.share is None:
        return first
    if _checks.is_mapping(first) and _checks.is_mapping(second):
        return _merged(dict(first), dict(second), recipe)
    if type(first) is type(second) and (fields := fields_of(first)):
        return with_values(first, _merged(fields, fields_of(second), recipe))
    if isinstance(first, (list, tuple)) and type(first) is type(second) and len(first) == len(second):
        merged = _merged(dict(enumerate(first)), dict(enumerate(second)), recipe)
        return type(first)(merged.values())
    if isinstance(first, str) and isinstance(second, str):
        return spliced_text(first, second, recipe.share or 0.5)
    return value_between(first, second, 0.5 if recipe.share is None else recipe.share)


def _merged(first: dict[Any, Any], second: dict[Any, Any], recipe: _Recipe) -> dict[Any, Any]:
    """Return an object with the keys of `second`, and values of both."""
    return {
        name: recipe.value(first.get(name, value), value, place, len(second))
        for place, (name, value) in enumerate(second.items())
    }
