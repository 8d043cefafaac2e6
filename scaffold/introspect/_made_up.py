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

from scaffold.introspect import _kinds
from scaffold.introspect._between import array_between, spliced_text, value_between
from scaffold.introspect._compare import same
from scaffold.introspect._missing import missing_places
from scaffold.introspect._records import fields_of, with_values
from scaffold.introspect._rows import count_rows, like_arguments, options_of, take

_SEED = 20_011
_NARROW = 0.15
_EDGE = 1e-9


@dataclass(frozen=True, slots=True)
class _Recipe:
    """One row: the columns from `start` on, `width` of them, of row `one`; the others of row `other`.

    Both are fractions of all columns, and the first column follows the last. Where there is a `share`, the
    others lie between the two rows, that far from `one`.
    """

    one: int
    other: int
    start: float = 0.0
    width: float = 1.0
    share: float | None = None
    part: tuple[float, float] = (0.0, 1.0)
    """Where the columns that it is applied to begin and end among all."""

    def value(self, one: Any, other: Any, column: int, columns: int) -> Any:
        """Return what stands in a column, from the values of the two rows in it."""
        begin, end = self.part
        if (begin + (end - begin) * column / columns - self.start) % 1 < self.width:
            return one
        if self.share is None:
            return other
        if self.one == self.other and isinstance(one, str):
            return spliced_text(one, one, self.share)
        return value_between(one, other, self.share)

    def spans(self, columns: int) -> list[slice]:
        """Return the columns of row `one`, where there may be very many."""
        begin, end = self.part
        edges = [self.start, min(1.0, self.start + self.width), 0.0, max(0.0, self.start + self.width - 1)]
        places = [math.ceil((edge - begin) / (end - begin) * columns) for edge in edges]
        low, high, _, wrapped = (min(max(place, 0), columns) for place in places)
        return [slice(low, high), slice(0, wrapped)]


def with_made_up(sample: object, chosen: Sequence[int], count: int) -> tuple[Any, int]:
    """Return the rows `chosen` of `sample` followed by made-up rows, and how many of these there are.

    The container, the dtypes and the columns are those of the sample. No row is made up of what cannot be
    taken apart: images, bytes, objects of an unknown class.
    """
    kept, recipes = [_Recipe(i, i) for i in chosen], _recipes(sample, count)
    try:
        made = _rows(sample, [*kept, *recipes])
        if made is not None and _is_like(made, sample, chosen):
            new = [
                len(kept) + k
                for k, recipe in enumerate(recipes)
                if _is_new(made, len(kept) + k, sample, recipe)
            ]
            return take(made, [*range(len(kept)), *new]), len(new)
    except Exception:  # noqa: S110
        # A container or a class with rules of its own: its real rows have to do.
        pass
    return take(sample, chosen), 0


def _is_new(made: object, place: int, sample: object, recipe: _Recipe) -> bool:
    """Whether a made-up row is neither of the rows that it was made of."""
    row = take(made, [place])
    return not any(_equal(row, take(sample, [i])) for i in (recipe.one, recipe.other))


def _equal(one: Any, other: Any) -> bool:
    """Whether two containers hold the same; wide frames are compared by their columns."""
    if _kinds.kin(one, "pandas.DataFrame") and _kinds.kin(other, "pandas.DataFrame"):
        return bool(one.reset_index(drop=True).equals(other.reset_index(drop=True)))
    return same(one, other)


def _is_like(made: Any, sample: Any, chosen: Sequence[int]) -> bool:
    """Whether the container took the rows as they are: same values, same dtypes."""
    columns = [dict(c.dtypes) if _kinds.kin(c, "pandas.DataFrame") else None for c in (made, sample)]
    return columns[0] == columns[1] and _equal(take(made, range(len(chosen))), take(sample, chosen))


def are_alike(sample: object) -> bool:
    """Whether the rows of a sample are all the same, so far as five of them show."""
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
        one = chance.randrange(rows)
        other = (one + 1 + chance.randrange(rows - 1)) % rows if rows > 1 else one
        start, share = chance.random(), chance.random()
        # The last row differs from the rows of the sample in most columns.
        width = 0.0 if narrow else _NARROW if k % 3 == 1 or k == count - 1 else 0.5
        recipe = _Recipe(one, other, start, width, share if varied or k % 3 == 2 else None)
        if missing and k % 3 == 0:
            # A row that holds little but what is missing in one column comes from a row that misses it.
            column = list(missing)[k // 3 % len(missing)]
            recipe = dataclasses.replace(recipe, one=chance.choice(missing[column]), start=column - _EDGE)
        recipes.append(recipe)
    return recipes


def _is_narrow(sample: object) -> bool:
    """Whether a row is one value, so that nothing of two rows can be put together."""
    if _kinds.is_sequence(sample):
        return not all(_kinds.is_mapping(item) or _kinds.is_sequence(item) for item in sample)
    return _kinds.is_series(sample) or len(getattr(sample, "shape", (1, 2))) == 1


def _rows(sample: Any, recipes: list[_Recipe]) -> Any:
    """Return a container like `sample` with a row for each recipe, `None` where none is known for it."""
    if _kinds.is_frame(sample):
        return _frame(sample, recipes)
    if _kinds.kin(sample, "pandas.Series", "polars.Series"):
        return _series(sample, recipes, 0, 1)
    if _kinds.is_structured(sample):
        return _structured(sample, recipes)
    if _kinds.is_sparse(sample):
        dense = _array(sample.toarray(), recipes)
        return type(sample)(dense.astype(sample.dtype))
    if _kinds.is_array(sample):
        return _array(sample, recipes)
    if _kinds.is_mapping(sample) or (isinstance(sample, tuple) and count_rows(sample[0]) is not None):
        return _parts(sample, recipes)
    if isinstance(sample, (list, tuple)):
        rows = [_item(sample[r.one], sample[r.other], r) for r in recipes]
        return rows if isinstance(sample, list) else tuple(rows)
    return None


def _parts(sample: Any, recipes: list[_Recipe]) -> object:
    """Return several arguments, each with its columns put together by its share of the recipes."""
    names = list(sample) if _kinds.is_mapping(sample) else range(len(sample))
    options = options_of(sample)
    made: dict[Any, Any] = {}
    for k, name in enumerate(names):
        ends = k / len(names), (k + 1) / len(names)
        part = sample[name]
        made[name] = (
            part
            if name in options or count_rows(part) is None
            else _rows(part, [dataclasses.replace(r, part=ends) for r in recipes])
        )
        if made[name] is None:
            return None
    return like_arguments(sample, made) if _kinds.is_mapping(sample) else tuple(made.values())


def _frame(sample: Any, recipes: list[_Recipe]) -> Any:
    if _kinds.kin(sample, "pandas.DataFrame"):
        import pandas as pd

        width = sample.shape[1]
        columns = [_series(sample.iloc[:, j], recipes, j, width) for j in range(width)]
        frame = pd.concat(columns, axis=1)
        frame.columns = sample.columns
        return frame
    if _kinds.kin(sample, "polars.DataFrame"):
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
    if _kinds.kin(column, "pandas.Series"):
        import pandas as pd

        build = functools.partial(pd.Series, dtype=column.dtype, name=column.name)
        if _kinds.kin(column.dtype, "pandas.CategoricalDtype"):
            levels = column.dtype.categories.tolist()
            drawn = [levels[int(r.share * len(levels))] if r.share is not None else None for r in recipes]
            seen = _values(column.tolist(), recipes, place, places)
            return build([a if b is None else b for a, b in zip(seen, drawn, strict=True)])
        return _column(column.tolist(), recipes, place, places, build)
    import polars as pl

    named = functools.partial(pl.Series, column.name, dtype=column.dtype)
    return _column(column.to_list(), recipes, place, places, named)


def _structured(sample: Any, recipes: list[_Recipe]) -> object:
    import numpy as np

    made = np.empty(len(recipes), sample.dtype)
    for j, name in enumerate(sample.dtype.names):
        build = functools.partial(np.array, dtype=sample.dtype[name].base)
        made[name] = _column(list(sample[name]), recipes, j, len(sample.dtype.names), build)
    return made


def _array(sample: Any, recipes: list[_Recipe]) -> Any:
    """Return an array or a tensor; the values of a row are its columns, whatever its shape."""
    flat = sample.reshape(sample.shape[0], -1)
    width = flat.shape[1]
    made = flat[[r.other for r in recipes]]
    for row, recipe in enumerate(recipes):
        if recipe.share is not None:
            made[row] = array_between(flat[recipe.one], flat[recipe.other], recipe.share)
        for span in recipe.spans(width):
            made[row, span] = flat[recipe.one, span]
    return made.reshape(len(recipes), *sample.shape[1:])


def _values(values: list[object], recipes: list[_Recipe], place: int, places: int) -> list[object]:
    return [r.value(values[r.one], values[r.other], place, places) for r in recipes]


def _column(
    values: list[object],
    recipes: list[_Recipe],
    place: int,
    places: int,
    build: Callable[[list[object]], object],
) -> object:
    """Return a column; only values that were seen, where its dtype does not hold those between."""
    try:
        return build(_values(values, recipes, place, places))
    except Exception:
        seen = [dataclasses.replace(recipe, share=None) for recipe in recipes]
        return build(_values(values, seen, place, places))


def _item(one: Any, other: Any, recipe: _Recipe) -> Any:
    """Return an item of a list: an object or a list with values of both, or a value between the two."""
    if recipe.one == recipe.other and recipe.share is None:
        return one
    if _kinds.is_mapping(one) and _kinds.is_mapping(other):
        return _merged(dict(one), dict(other), recipe)
    if type(one) is type(other) and (fields := fields_of(one)):
        return with_values(one, _merged(fields, fields_of(other), recipe))
    if isinstance(one, (list, tuple)) and type(one) is type(other) and len(one) == len(other):
        made = _merged(dict(enumerate(one)), dict(enumerate(other)), recipe)
        return type(one)(made.values())
    if isinstance(one, str) and isinstance(other, str):
        return spliced_text(one, other, recipe.share or 0.5)
    return value_between(one, other, 0.5 if recipe.share is None else recipe.share)


def _merged(one: dict[Any, Any], other: dict[Any, Any], recipe: _Recipe) -> dict[Any, Any]:
    """Return an object with the keys of `other`, and values of both."""
    return {
        name: recipe.value(one.get(name, value), value, place, len(other))
        for place, (name, value) in enumerate(other.items())
    }
