"""One line on why a field is what it is: what was seen, how often it was missing, what is narrower."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Sequence
from typing import Any

from scaffold.spec import (
    Category,
    Column,
    List,
    Mapping,
    Optional,
    Picture,
    Scalar,
    ScalarType,
    Schema,
    Tensor,
)

_MOST_LISTED = 12
_ORDERED = (ScalarType.INTEGER, ScalarType.NUMBER, ScalarType.DECIMAL, ScalarType.DATE, ScalarType.TIME)
_ORDERED_DATES = (ScalarType.DATETIME, ScalarType.AWARE_DATETIME, ScalarType.DURATION)


def evidence(
    schema: Schema, values: Sequence[Any], *, missing: int = 0, rows: int = 0, absent: int = 0
) -> str:
    """Return the line above a field.

    Args:
        schema: What the field is taken for.
        values: What was seen in it, without the missing ones; of a nested list the innermost ones.
        missing: In how many rows there was nothing.
        rows: How many rows there are.
        absent: From how many of them the field itself was absent.
    """
    sentences = []
    if missing:
        sentences.append(
            f"Missing in {missing} of {rows} sample rows." if rows > 1 else "Missing in the sample."
        )
    if absent:
        sentences.append(f"Absent from {absent} of {rows} sample rows.")
    seen = _seen(schema, values, rows)
    return " ".join([*sentences, *([seen] if seen else [])])


def _seen(schema: Schema, values: Sequence[Any], rows: int) -> str:
    match schema:
        case Optional(of=inner):
            return _seen(inner, values, rows)
        case Category(ordered=ordered):
            return (
                "The levels of the sample's dtype, in order."
                if ordered
                else "The levels of the sample's dtype."
            )
        case Scalar(type=ScalarType.NULL):
            return "Only null in the sample: any value is taken."
        case Scalar():
            return _seen_scalar(schema, values, rows)
        case List(items=items) | Mapping(values=items) | Column(items=items) | Tensor(items=items):
            return _seen(items, values, len(values)) if isinstance(items, Scalar) else ""
        case Picture():
            return "A whole image file, base64: PNG, JPEG, ..."
        case _:
            return ""


def _seen_scalar(schema: Scalar, values: Sequence[Any], rows: int) -> str:
    if not values or rows < 2:
        return ""  # the range of one row would be the row
    if schema.choices:
        return "One of the values that were seen."
    if schema.type in _ORDERED or schema.type in _ORDERED_DATES:
        least, most = min(values), max(values)
        if least == most:
            return f"Seen: {_text(least)} only."
        whole = schema.type is ScalarType.NUMBER and all(float(value).is_integer() for value in values)
        return f"Seen: {_text(least)} to {_text(most)}{', whole numbers only' if whole else ''}."
    if schema.type is ScalarType.STRING:
        return _seen_text(values)
    return ""


def listed(values: Sequence[Any]) -> list[str]:
    """Return the texts that repeat so much that they are labels, sorted; empty where they are free text.

    Free text may name people: it is never written down.
    """
    counts = Counter(str(value) for value in values)
    if len(counts) > _MOST_LISTED or len(counts) * 2 > len(values) or max(map(len, counts), default=0) > 40:
        return []
    return sorted(counts)


def _seen_text(values: Sequence[Any]) -> str:
    labels = listed(values)
    if labels:
        literal = ", ".join(_quoted(label) for label in labels)
        return f"Seen: {', '.join(labels)}. Write `Literal[{literal}]` to refuse others."
    lengths = [len(str(value)) for value in values]
    span = str(min(lengths)) if min(lengths) == max(lengths) else f"{min(lengths)} to {max(lengths)}"
    return f"Seen: texts of {span} character{'' if span == '1' else 's'}."


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _text(value: Any) -> str:
    """Return a value as a person would write it in a sentence."""
    if isinstance(value, datetime.datetime):
        return str(value).removesuffix(" 00:00:00")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    return str(value) if isinstance(value, int) else f"{value:.6g}"
