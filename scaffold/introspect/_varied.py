"""Vary records in the ways that their classes allow, whether or not the sample shows it.

A model may answer a record alone as it should, and another way beside records that lack a value or hold a
longer list: pandas turns a column of whole numbers into floats for one null, and padding follows the longest.
"""

from __future__ import annotations

import contextlib
import types
import typing
from collections.abc import Sequence
from typing import Any

from scaffold.introspect._records import fields_of, with_values


def varied(rows: Any, chosen: Sequence[int]) -> Any:
    """Return `rows` with the records `chosen` varied; other containers and other rows come back as they are.

    By turns, fields that may be null are null, one or all of them, and lists are half and twice as long.
    """
    if not isinstance(rows, list):
        return rows
    made = list(rows)
    for turn, place in enumerate(chosen):
        # A class may refuse it.
        with contextlib.suppress(Exception):
            made[place] = _varied(rows[place], turn)
    return made


def _varied(record: Any, turn: int) -> Any:
    fields = fields_of(record)
    optional = _optional(type(record))
    nullable = [name for name in fields if name in optional]
    lists = {name: value for name, value in fields.items() if _is_plain_list(value)}
    if nullable and (turn % 2 == 0 or not lists):
        place = turn // 2 if lists else turn
        names = nullable if place % 2 else [nullable[place // 2 % len(nullable)]]
        return with_values(record, dict.fromkeys(names))
    place = turn // 2 if nullable else turn
    return with_values(
        record,
        {name: value[: (len(value) + 1) // 2] if place % 2 else value * 2 for name, value in lists.items()},
    )


def _optional(kind: type) -> set[str]:
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
