"""The evidence for a field: the values seen in it, and how often it was missing."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Sequence
from typing import Any

from typing_extensions import assert_never

from scaffold.spec import (
    Category,
    Column,
    Either,
    Evidence,
    List,
    Mapping,
    Optional,
    Parts,
    Picture,
    Record,
    Scalar,
    ScalarType,
    Schema,
    Seen,
    SeenChoices,
    SeenImage,
    SeenLabels,
    SeenLengths,
    SeenLevels,
    SeenNulls,
    SeenRange,
    Table,
    Tensor,
    Tuple,
    UserType,
    Value,
)

_MOST_LISTED = 12
_ORDERED = (ScalarType.INTEGER, ScalarType.NUMBER, ScalarType.DECIMAL, ScalarType.DATE, ScalarType.TIME)
_ORDERED_DATES = (ScalarType.DATETIME, ScalarType.AWARE_DATETIME, ScalarType.DURATION)


def evidence(
    schema: Schema, values: Sequence[object], *, missing: int = 0, rows: int = 0, absent: int = 0
) -> Evidence:
    """Return what the sample says of a field.

    Args:
        schema: What the field is taken for.
        values: What was seen in it, without the missing ones; of a nested list the innermost ones.
        missing: In how many rows there was nothing.
        rows: How many rows there are.
        absent: From how many of them the field itself was absent.
    """
    return Evidence(rows=rows, missing=missing, absent=absent, seen=_seen(schema, values, rows))


def _seen(schema: Schema, values: Sequence[object], rows: int) -> Seen | None:
    match schema:
        case Optional(of=inner):
            return _seen(inner, values, rows)
        case Category(ordered=ordered):
            return SeenLevels(ordered)
        case Scalar(type=ScalarType.NULL):
            return SeenNulls()
        case Scalar():
            return _seen_scalar(schema, values, rows)
        case List(items=items) | Mapping(values=items) | Column(items=items) | Tensor(items=items):
            return _seen(items, values, len(values)) if isinstance(items, Scalar) else None
        case Picture():
            return SeenImage()
        case Either() | Tuple() | Record() | Table() | Value() | Parts() | UserType():
            return None
        case _:
            assert_never(schema)


def _seen_scalar(schema: Scalar, values: Sequence[Any], rows: int) -> Seen | None:
    if not values or rows < 2:
        return None  # the range of one row would be the row
    if schema.choices:
        return SeenChoices()
    if schema.type in _ORDERED or schema.type in _ORDERED_DATES:
        least, most = min(values), max(values)
        if least == most:
            return SeenRange(_text(least))
        whole = schema.type is ScalarType.NUMBER and all(float(value).is_integer() for value in values)
        return SeenRange(_text(least), _text(most), whole)
    return _seen_text(values) if schema.type is ScalarType.STRING else None


def listed(values: Sequence[object]) -> list[str]:
    """Return the texts that repeat so much that they are labels, sorted; empty where they are free text.

    Free text may name people: it is never written down.
    """
    counts = Counter(str(value) for value in values)
    if len(counts) > _MOST_LISTED or len(counts) * 2 > len(values) or max(map(len, counts), default=0) > 40:
        return []
    return sorted(counts)


def _seen_text(values: Sequence[object]) -> Seen:
    labels = listed(values)
    if labels:
        return SeenLabels(tuple(labels))
    lengths = [len(str(value)) for value in values]
    return SeenLengths(min(lengths), max(lengths))


def _text(value: object) -> str:
    """Return a value as a person would write it in a sentence."""
    if isinstance(value, datetime.datetime):
        return str(value).removesuffix(" 00:00:00")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    return str(value) if isinstance(value, int) else f"{value:.6g}"
