"""Encode values of the sample as the JSON of a request or a response."""

from __future__ import annotations

import math
from typing import Any

from typing_extensions import assert_never

from scaffold.errors import UnsupportedSampleError
from scaffold.introspect._describe import describe
from scaffold.introspect._json import encode_level, encode_scalar
from scaffold.introspect._rows import take_record
from scaffold.introspect._scalars import missing_marker
from scaffold.introspect._types import is_a
from scaffold.introspect.kinds import kind_of
from scaffold.introspect.kinds.pillow import picture
from scaffold.introspect.kinds.python import wire_value
from scaffold.spec import (
    Category,
    Column,
    Either,
    Field,
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


def encode(value: Any, schema: Schema, path: str = "$") -> JSONValue:
    """Encode one value as JSON by `schema`; infinite numbers stay."""
    if isinstance(schema, Value):
        return {schema.field.name: encode(value, schema.field.schema, path)}
    if missing_marker(value) is not None:
        return None
    match schema:
        case Optional(of=inner):
            return encode(value, inner, path)
        case Scalar():
            return encode_scalar(value, schema)
        case Category(of=of):
            return encode_level(value, of)
        case Either(of=kinds):
            return encode(value, _kind_of(value, kinds), path)
        case List(items=Table() as row):
            return [encode(take_record(value, i), row, f"{path}[{i}]") for i in range(len(value))]
        case List(items=items):
            listed = [encode(item, items, f"{path}[{i}]") for i, item in enumerate(value)]
            # The order of a set differs between processes.
            return sorted(listed, key=str) if isinstance(value, (set, frozenset)) else listed
        case Tuple(items=places) | Parts(items=places):
            return [
                encode(v, place, f"{path}[{i}]")
                for i, (v, place) in enumerate(zip(value, places, strict=True))
            ]
        case Mapping(values=values):
            return {str(key): encode(item, values, f"{path}.{key}") for key, item in value.items()}
        case Record(fields=fields) | Table(columns=fields):
            return _record(value, fields, path)
        case Tensor(shape=(), items=items):
            return encode(value.item() if is_a(value, "torch.Tensor") else value, items, path)
        case Tensor(items=items):
            return _nested(kind_of(value).to_lists(value), items, path)
        case Column(items=items):
            return encode(value, items, path)
        case Picture():
            return picture(value, path)
        case UserType(seen=seen):
            return encode(wire_value(value), seen or Scalar(type=ScalarType.ANY), path)
        case _:
            assert_never(schema)


def _kind_of(value: object, kinds: tuple[Schema, ...]) -> Schema:
    """Return the alternative that describes this value."""
    described = describe([("$", value)])
    same_type: list[Schema] = [kind for kind in kinds if type(kind) is type(described)]
    if isinstance(described, Scalar):
        alike: list[Schema] = [
            kind for kind in same_type if isinstance(kind, Scalar) and kind.type is described.type
        ]
        same_type = alike or same_type
    if isinstance(described, UserType):
        same_type = [
            k for k in same_type if isinstance(k, UserType) and k.qualname == described.qualname
        ] or same_type
    return (same_type or list(kinds))[0]


def _record(value: Any, fields: tuple[Field, ...], path: str) -> JSONValue:
    items = zip(value.dtype.names, value, strict=True) if is_a(value, "numpy.void") else value.items()
    by_name = {str(label): item for label, item in items}
    return {
        field.name: encode(by_name[field.name], field.schema, f"{path}.{field.name}")
        for field in fields
        if field.name in by_name
    }


def _nested(value: object, items: Schema, path: str) -> JSONValue:
    if isinstance(value, list):
        return [_nested(item, items, f"{path}[{i}]") for i, item in enumerate(value)]
    return encode(value, items, path)


def refuse_infinite(body: JSONValue, path: str = "$") -> JSONValue:
    """Return `body`.

    Raises:
        UnsupportedSampleError: It holds an infinite number.
    """
    if isinstance(body, float) and math.isinf(body):
        raise UnsupportedSampleError(path, f"{body} is not JSON", "Give a sample without infinite numbers.")
    if isinstance(body, dict):
        for name, item in body.items():
            refuse_infinite(item, f"{path}.{name}")
    if isinstance(body, list):
        for i, item in enumerate(body):
            refuse_infinite(item, f"{path}[{i}]")
    return body


def finite(body: JSONValue) -> JSONValue:
    """Return `body` with `null` for infinite numbers."""
    if isinstance(body, float):
        return body if math.isfinite(body) else None
    if isinstance(body, dict):
        return {name: finite(item) for name, item in body.items()}
    return [finite(item) for item in body] if isinstance(body, list) else body
