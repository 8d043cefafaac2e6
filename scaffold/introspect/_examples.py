"""Made-up values for the API page: plausible, in range, and never taken from a row."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

from typing_extensions import assert_never

from scaffold.introspect._plausible import scalar_within
from scaffold.spec import (
    Category,
    Column,
    Either,
    JSONValue,
    List,
    Mapping,
    Optional,
    Parts,
    Picture,
    Record,
    Scalar,
    ScalarType,
    Schema,
    Table,
    Tensor,
    Tuple,
    UserType,
    Value,
)

# A larger example would bury the API page.
_LONGEST = 32

# A grey pixel: the smallest image that a decoder takes.
_PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="

_JSON_TYPES = {
    ScalarType.INTEGER: "integer",
    ScalarType.NUMBER: "number",
    ScalarType.STRING: "string",
}

_BY_TYPE: dict[ScalarType, JSONValue] = {
    ScalarType.BOOLEAN: True,
    ScalarType.INTEGER: 1,
    ScalarType.NUMBER: 0.5,
    ScalarType.STRING: "text",
    ScalarType.DECIMAL: "12.50",
    ScalarType.UUID: "8f14e45f-ceea-467f-a0e6-2b1c3d4e5f60",
    ScalarType.DATE: "2024-06-15",
    ScalarType.TIME: "12:00:00",
    ScalarType.DATETIME: "2024-06-15T12:00:00",
    ScalarType.AWARE_DATETIME: "2024-06-15T12:00:00+00:00",
    ScalarType.DURATION: "PT1H30M",
    ScalarType.PERIOD: "2024-06",
    ScalarType.BYTES: "Ynl0ZXM=",
    ScalarType.NULL: None,
    ScalarType.ANY: "text",
}


def example(schema: Schema, seen: Collection[object] = ()) -> JSONValue:
    """Return one value that `schema` accepts; only the range of `seen` is used.

    `None` where an example would be too long to help.
    """
    match schema:
        case Scalar():
            return _scalar(schema, seen)
        case Category(levels=levels):
            return levels[len(levels) // 2] if levels else None
        case Optional(of=inner):
            return example(inner, seen)
        case Either(of=kinds):
            return example(kinds[0])
        case List(items=items, length=length):
            return _repeat(example(items, seen), 2 if length is None else length)
        case Tuple(items=places):
            return [example(place) for place in places]
        case Mapping(values=values):
            return {"key": example(values, seen)}
        case Record(fields=fields) | Table(columns=fields):
            return {field.name: field.example for field in fields if field.required}
        case Tensor(shape=shape, items=items):
            return _nested(example(items, seen), shape)
        case Column(items=items):
            return example(items, seen)
        case Picture():
            return _PIXEL
        case Parts(items=places):
            return [example(place) for place in places]
        case Value(field=field):
            return {field.name: field.example}
        case UserType(example=shown):
            return shown
        case _:
            assert_never(schema)


def _repeat(value: JSONValue, count: int) -> JSONValue:
    return None if value is None or count > _LONGEST else [value] * count


def _nested(value: JSONValue, shape: tuple[int, ...]) -> JSONValue:
    if math.prod(shape) > _LONGEST:
        return None
    for length in reversed(shape):
        value = [value] * length
    return value


def _scalar(schema: Scalar, seen: Collection[Any]) -> JSONValue:
    if schema.choices:
        return schema.choices[len(schema.choices) // 2]
    if schema.constraints:
        return scalar_within(_JSON_TYPES[schema.type], dict(schema.constraints))
    if schema.type is ScalarType.INTEGER and seen:
        return _whole(min(seen), max(seen), schema.maximum, set(seen))
    if schema.type is ScalarType.NUMBER and seen:
        return _fraction(float(min(seen)), float(max(seen)), set(seen))
    if schema.type is ScalarType.STRING and schema.max_length is not None:
        return "text"[: schema.max_length]
    return _BY_TYPE[schema.type]


def _whole(least: int, most: int, limit: float | None, seen: set[int]) -> int:
    """Return an integer from `least` to `most` that is not in `seen`, if there is one."""
    middle = (least + most) // 2
    for step in range(min(most - least, 1000) + 1):
        for candidate in (middle + step, middle - step):
            if least <= candidate <= most and candidate not in seen:
                return candidate
    if least == most and (limit is None or most < limit):
        return most + 1
    return middle


def _fraction(least: float, most: float, seen: set[float]) -> float:
    """Return a short number from `least` to `most` that is not in `seen`."""
    if least == most:
        least, most = sorted((0.9 * least, 0.8 * most)) if least else (-1.0, 1.0)
    middle = least / 2 + most / 2
    for digits in range(2, 9):
        candidate = float(f"{middle:.{digits}g}")
        if least <= candidate <= most and candidate not in seen:
            return candidate
    return middle
