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
    """Return the evidence in the sample for a field.

    Args:
        schema: The schema of the field.
        values: The values without the missing ones; of nested lists the innermost values.
        missing: The number of rows with a missing value.
        rows: The number of rows.
        absent: The number of rows without the field.
    """
    return Evidence(rows=rows, missing=missing, absent=absent, seen=_summarize(schema, values, rows))


def _summarize(schema: Schema, values: Sequence[object], rows: int) -> Seen | None:
    match schema:
        case Optional(of=inner):
            return _summarize(inner, values, rows)
        case Category(ordered=ordered):
            return SeenLevels(ordered)
        case Scalar(type=ScalarType.NULL):
            return SeenNulls()
        case Scalar():
            return _summarize_scalar(schema, values, rows)
        case List(items=items) | Mapping(values=items) | Column(items=items) | Tensor(items=items):
            return _summarize(items, values, len(values)) if isinstance(items, Scalar) else None
        case Picture():
            return SeenImage()
        case Either() | Tuple() | Record() | Table() | Value() | Parts() | UserType():
            return None
        case _:
            assert_never(schema)


def _summarize_scalar(schema: Scalar, values: Sequence[Any], rows: int) -> Seen | None:
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
    return _summarize_texts(values) if schema.type is ScalarType.STRING else None


def repeated_labels(values: Sequence[object]) -> list[str]:
    """Return the sorted strings if they repeat often enough to be labels; empty for free text.

    Free text may name people: it is never written down.
    """
    counts = Counter(str(value) for value in values)
    if len(counts) > _MOST_LISTED or len(counts) * 2 > len(values) or max(map(len, counts), default=0) > 40:
        return []
    return sorted(counts)


def _summarize_texts(values: Sequence[object]) -> Seen:
    labels = repeated_labels(values)
    if labels:
        return SeenLabels(tuple(labels))
    lengths = [len(str(value)) for value in values]
    return SeenLengths(min(lengths), max(lengths))


def _text(value: object) -> str:
    """Format a value for a comment."""
    if isinstance(value, datetime.datetime):
        return str(value).removesuffix(" 00:00:00")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    return str(value) if isinstance(value, int) else f"{value:.6g}"
