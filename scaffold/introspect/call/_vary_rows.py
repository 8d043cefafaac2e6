"""Vary rows in the ways that their schema allows, whether or not the sample shows it.

The answer to a row may change if another row has a missing value, a longer list, a longer text or a larger
image: pandas converts a column of integers to floats for one null, padding follows the longest item, and
the width of a numpy string array is that of its longest text.
"""

from __future__ import annotations

import contextlib
import types
import typing
from collections.abc import Sequence
from typing import Any

from scaffold.introspect import _checks
from scaffold.introspect._records import fields_of, with_values

_LONGER = 4
"""The number of repetitions of a text."""


def vary_rows(rows: Any, chosen: Sequence[int]) -> Any:
    """Return `rows` with those at `chosen` varied; other containers and other rows are unchanged.

    By turns, fields of records that may be null are null, one or all of them, and lists and images are half
    and twice as large. Two rows have texts of other lengths, or are themselves texts or images of another
    size: more could be refused, as a text often names one of a few kinds. Of a frame of pandas or polars,
    columns of lists are varied.
    """
    if _checks.is_a(rows, "pandas.DataFrame", "polars.DataFrame"):
        return _vary_frame(rows, chosen)
    if not isinstance(rows, list):
        return rows
    result = list(rows)
    for turn, place in enumerate(chosen):
        # A class may refuse it.
        with contextlib.suppress(Exception):
            result[place] = _vary_record(rows[place], turn)
    return result


def _vary_frame(frame: Any, chosen: Sequence[int]) -> Any:
    is_pandas = _checks.is_a(frame, "pandas.DataFrame")
    result = frame.copy(deep=False) if is_pandas else frame
    for j, dtype in enumerate(frame.dtypes):
        if not str(dtype).lower().startswith(("object", "list")):
            continue
        column = frame.iloc[:, j] if is_pandas else frame[:, j]
        values = column.to_list()
        if not chosen or not _is_plain_list(values[chosen[0]]):
            continue
        for turn, place in enumerate(chosen):
            values[place] = _resize(values[place], larger=turn % 2 == 0)
        if is_pandas:
            result.isetitem(j, type(column)(values, dtype=column.dtype, index=column.index))
        else:
            result = result.with_columns(type(column)(column.name, values, dtype=column.dtype))
    return result


def _vary_record(record: Any, turn: int) -> Any:
    fields = fields_of(record)
    if not fields:
        # A list of numbers has a place for each feature: its length is the sample's in each request.
        is_features = isinstance(record, list) and not all(isinstance(item, str) for item in record)
        return record if is_features or turn > 1 else _resize(record, larger=turn == 0)
    optional = _optional_fields(type(record))
    nullable = [name for name in fields if name in optional]
    sized = {name: value for name, value in fields.items() if _is_plain_list(value) or _is_image(value)}
    texts = {name: value for name, value in fields.items() if type(value) is str}
    ways = [names for names in (nullable, sized, texts) if names]
    if not ways:
        return record
    way, place = ways[turn % len(ways)], turn // len(ways)
    if way is nullable:
        return with_values(
            record, dict.fromkeys(nullable if place % 2 else [nullable[place // 2 % len(nullable)]])
        )
    if way is texts and place > 1:
        return record
    larger = place % 2 == 0
    return with_values(record, {name: _resize(fields[name], larger=larger) for name in way})


def _resize(value: Any, *, larger: bool) -> Any:
    """Return a list or an image of half or twice the size, or a text of half or four times the length."""
    if _is_plain_list(value):
        return value * 2 if larger else value[: (len(value) + 1) // 2]
    if isinstance(value, str):
        return value * _LONGER if larger else value[: (len(value) + 1) // 2]
    if _is_image(value):
        return value.resize([side * 2 if larger else (side + 1) // 2 for side in value.size])
    return value


def _optional_fields(kind: type) -> set[str]:
    """The fields of a class whose annotation allows `None`."""
    hints = typing.get_type_hints(kind)
    unions = (typing.Union, types.UnionType)
    return {
        name
        for name, hint in hints.items()
        if typing.get_origin(hint) in unions and type(None) in typing.get_args(hint)
    }


def _is_plain_list(value: object) -> bool:
    """Whether a value is a list of numbers or texts."""
    return isinstance(value, list) and len(value) > 0 and all(isinstance(x, int | float | str) for x in value)


def _is_image(value: object) -> bool:
    return _checks.is_a(value, "PIL.Image")
