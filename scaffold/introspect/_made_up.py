"""Make up rows from those of a sample: columns of two rows put together, numbers between the two.

Rows that a sample does not hold are what a claim on other people's rows can be tested with. Two made-up rows
share some columns and differ in others, as rows of one customer, shop or day do.
"""

from __future__ import annotations

import dataclasses
import datetime
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from scaffold.introspect import _kinds
from scaffold.introspect._compare import same
from scaffold.introspect._rows import count_rows, take

_SEED = 20_011
_NARROW = 0.15
_SPREAD = 0.25
"""How far a number that is the same in every row is moved, relative to its size."""


@dataclass(frozen=True, slots=True)
class _Recipe:
    """One row: the columns from `start` to `stop` (fractions) of row `one`, the others of row `other`."""

    one: int
    other: int
    start: float = 0.0
    stop: float = 1.0
    share: float | None = None
    """How far each number lies from that of `one` to that of `other`; `None`: numbers stay as seen."""

    def within(self, start: float, stop: float) -> _Recipe:
        """Return the recipe for the columns of one part, which reaches from `start` to `stop` of the row."""
        size = stop - start
        return dataclasses.replace(self, start=(self.start - start) / size, stop=(self.stop - start) / size)

    def source(self, column: int, columns: int) -> int:
        """Return the row that a column comes from."""
        return self.one if self.start <= column / columns < self.stop else self.other


def with_made_up(sample: Any, chosen: Sequence[int], count: int) -> tuple[Any, int]:
    """Return the rows `chosen` of `sample` followed by made-up rows, and how many of these there are.

    The container, the dtypes and the columns are those of the sample. No row is made up of what cannot be
    taken apart: images, bytes, objects of an unknown class.
    """
    kept = [_Recipe(i, i) for i in chosen]
    try:
        made = _rows(sample, [*kept, *_recipes(sample, count)])
        if made is not None and _is_like(made, sample, chosen):
            return made, count
    except Exception:  # noqa: S110
        # A container or a class with rules of its own: its real rows have to do.
        pass
    return take(sample, chosen), 0


def _is_like(made: Any, sample: Any, chosen: Sequence[int]) -> bool:
    """Whether the container took the rows as they are: same values, same dtypes."""
    columns = [dict(c.dtypes) if _kinds.kin(c, "pandas.DataFrame") else None for c in (made, sample)]
    return columns[0] == columns[1] and same(take(made, range(len(chosen))), take(sample, chosen))


def are_alike(sample: Any) -> bool:
    """Whether the rows of a sample are all the same, so far as five of them show."""
    last = (count_rows(sample) or 1) - 1
    rows = [take(sample, [last * k // 4]) for k in range(5)]
    return all(same(row, rows[0]) for row in rows[1:])


def _recipes(sample: Any, count: int) -> list[_Recipe]:
    rows = count_rows(sample) or 1
    chance = random.Random(_SEED)  # noqa: S311
    varied = rows < 3 or are_alike(sample) or _is_narrow(sample)
    recipes = []
    for k in range(count):
        one = chance.randrange(rows)
        other = (one + 1 + chance.randrange(rows - 1)) % rows if rows > 1 else one
        start, share = chance.random(), chance.random()
        stop = start + (_NARROW if k % 3 == 1 else 0.5)
        recipes.append(_Recipe(one, other, start - 0.25, stop, share if varied or k % 3 == 2 else None))
    return recipes


def _is_narrow(sample: Any) -> bool:
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


def _parts(sample: Any, recipes: list[_Recipe]) -> Any:
    """Return several arguments, each with its columns put together by its share of the recipes."""
    names = list(sample) if _kinds.is_mapping(sample) else range(len(sample))
    made: dict[Any, Any] = {}
    for k, name in enumerate(names):
        ends = k / len(names), (k + 1) / len(names)
        part = sample[name]
        made[name] = part if count_rows(part) is None else _rows(part, [r.within(*ends) for r in recipes])
        if made[name] is None:
            return None
    return made if _kinds.is_mapping(sample) else tuple(made.values())


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

    columns = [
        pa.array(
            _values(sample.column(j).to_pylist(), recipes, j, sample.num_columns), sample.schema.field(j).type
        )
        for j in range(sample.num_columns)
    ]
    return pa.table(columns, schema=sample.schema)


def _series(column: Any, recipes: list[_Recipe], place: int, places: int) -> Any:
    values = column.tolist() if _kinds.kin(column, "pandas.Series") else column.to_list()
    made = _values(values, recipes, place, places)
    if _kinds.kin(column, "pandas.Series"):
        import pandas as pd

        return pd.Series(made, dtype=column.dtype, name=column.name)
    import polars as pl

    return pl.Series(column.name, made, dtype=column.dtype)


def _structured(sample: Any, recipes: list[_Recipe]) -> Any:
    import numpy as np

    made = np.empty(len(recipes), sample.dtype)
    for j, name in enumerate(sample.dtype.names):
        made[name] = _values(list(sample[name]), recipes, j, len(sample.dtype.names))
    return made


def _array(sample: Any, recipes: list[_Recipe]) -> Any:
    """Return an array or a tensor; the values of a row are its columns, whatever its shape."""
    flat = sample.reshape(sample.shape[0], -1)
    width = flat.shape[1]
    made = flat[[r.other for r in recipes]]
    for row, recipe in enumerate(recipes):
        cut = slice(max(0, round(recipe.start * width)), max(0, round(recipe.stop * width)))
        made[row, cut] = flat[recipe.one, cut]
        if recipe.share is not None:
            made[row] = _between(flat[recipe.one], flat[recipe.other], recipe.share)
    return made.reshape(len(recipes), *sample.shape[1:])


def _between(one: Any, other: Any, share: float) -> Any:
    """Return the row of an array that lies between two, or beside one that has no other."""
    kind = (
        "f"
        if _kinds.kin(one, "torch.Tensor") and one.is_floating_point()
        else getattr(one.dtype, "kind", "i")
    )
    if kind not in "iuf":
        return other
    if bool((one == other).all()):
        moved = one * (1 + _SPREAD * (2 * share - 1)) if kind == "f" else one + round(share)
        return moved.astype(one.dtype) if hasattr(moved, "astype") else moved.to(one.dtype)
    made = one + (other - one) * share if kind == "f" else one * 1.0 + (other * 1.0 - one * 1.0) * share
    return made.astype(one.dtype) if hasattr(made, "astype") else made.to(one.dtype)


def _values(values: list[Any], recipes: list[_Recipe], place: int, places: int) -> list[Any]:
    made = []
    for recipe in recipes:
        if recipe.share is None:
            made.append(values[recipe.source(place, places)])
        else:
            made.append(_varied(values[recipe.one], values[recipe.other], recipe.share))
    return made


def _item(one: Any, other: Any, recipe: _Recipe) -> Any:
    """Return an item of a list: an object or a list with values of both, or a value between the two."""
    if recipe.one == recipe.other and recipe.share is None:
        return one
    if _kinds.is_mapping(one) and _kinds.is_mapping(other):
        return _merged(dict(one), dict(other), recipe)
    if _kinds.is_dataclass(one) and type(one) is type(other):
        return dataclasses.replace(one, **_merged(_fields(one), _fields(other), recipe))
    if _kinds.is_pydantic(one) and type(one) is type(other):
        return one.model_copy(update=_merged(dict(one), dict(other), recipe))
    if _kinds.is_named_tuple(one) and type(one) is type(other):
        return one._replace(**_merged(one._asdict(), other._asdict(), recipe))
    if isinstance(one, (list, tuple)) and type(one) is type(other) and len(one) == len(other):
        made = _merged(dict(enumerate(one)), dict(enumerate(other)), recipe)
        return type(one)(made.values())
    if isinstance(one, str) and isinstance(other, str):
        return _spliced(one, other)
    return _varied(one, other, 0.5 if recipe.share is None else recipe.share)


def _fields(record: Any) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in dataclasses.fields(record) if field.init}


def _merged(one: dict[Any, Any], other: dict[Any, Any], recipe: _Recipe) -> dict[Any, Any]:
    """Return an object with the keys of `other`, and values of both."""
    made = {}
    for place, (name, value) in enumerate(other.items()):
        if recipe.share is not None:
            made[name] = _varied(one.get(name, value), value, recipe.share)
        else:
            made[name] = one.get(name, value) if recipe.source(place, len(other)) == recipe.one else value
    return made


def _spliced(one: str, other: str) -> str:
    """Return the first words of one text and the last of the other; of a single text its words reversed."""
    first, last = one.split(), other.split()
    if one == other:
        return " ".join(reversed(first)) if len(first) > 1 else one[::-1]
    return " ".join([*first[: (len(first) + 1) // 2], *last[len(last) // 2 :]])


def _varied(one: Any, other: Any, share: float) -> Any:
    """Return a value between two of the same type, near it where they are the same; others as they are."""
    if isinstance(one, bool) or type(one) is not type(other):
        return one if share < 0.5 else other
    if isinstance(one, int):
        return one + round((other - one) * share) if one != other else one + round(share)
    if isinstance(one, float) and one == one and other == other:
        return one + (other - one) * share if one != other else one * (1 + _SPREAD * (2 * share - 1))
    if isinstance(one, (datetime.datetime, datetime.date)) and one == one and other == other:
        apart = (other - one).total_seconds() if one != other else 9 * 86_400
        return one + datetime.timedelta(seconds=round(apart * share))
    moves: dict[type, Callable[[], Any]] = {
        dict: lambda: {key: _varied(value, other.get(key, value), share) for key, value in one.items()},
        list: lambda: (
            [_varied(a, b, share) for a, b in zip(one, other, strict=True)] if len(one) == len(other) else one
        ),
    }
    return moves[type(one)]() if type(one) in moves else (one if share < 0.5 else other)
