"""Choices and constraints of annotations that the sample contradicts."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Annotated, Any

from scaffold.introspect._guard import hint
from scaffold.spec import (
    Either,
    Field,
    JSONValue,
    List,
    Mapping,
    Optional,
    Record,
    Scalar,
    ScalarType,
    Schema,
    Tuple,
)

_TYPES: dict[ScalarType, type] = {ScalarType.INTEGER: int, ScalarType.NUMBER: float, ScalarType.STRING: str}
_JSON_TYPES: dict[ScalarType, tuple[type, ...]] = {
    ScalarType.INTEGER: (int,),
    ScalarType.NUMBER: (int, float),
    ScalarType.STRING: (str,),
}


def without_contradictions(schema: Schema, values: Sequence[JSONValue]) -> Schema:
    """Return the schema without the choices and constraints that a value of the sample breaks.

    The model answers these values: Python does not enforce annotations.
    """
    match schema:
        case Scalar():
            return _scalar_without(schema, values)
        case Optional(of=inner):
            return dataclasses.replace(schema, of=without_contradictions(inner, values))
        case Either(of=kinds):
            return dataclasses.replace(schema, of=tuple(without_contradictions(k, values) for k in kinds))
        case List(items=items):
            parts = [part for value in values if isinstance(value, list) for part in value]
            return dataclasses.replace(schema, items=without_contradictions(items, parts))
        case Tuple(items=kinds):
            lists = [value for value in values if isinstance(value, list) and len(value) == len(kinds)]
            columns = [[value[place] for value in lists] for place in range(len(kinds))]
            return dataclasses.replace(schema, items=tuple(map(without_contradictions, kinds, columns)))
        case Mapping(values=inner):
            parts = [part for value in values if isinstance(value, dict) for part in value.values()]
            return dataclasses.replace(schema, values=without_contradictions(inner, parts))
        case Record(fields=fields):
            records = [value for value in values if isinstance(value, dict)]
            return dataclasses.replace(schema, fields=tuple(_field_without(f, records) for f in fields))
        case _:
            return schema


def _field_without(field: Field, records: Sequence[dict[str, JSONValue]]) -> Field:
    values = [record[field.name] for record in records if field.name in record]
    schema = without_contradictions(field.schema, values)
    if schema == field.schema:
        return field
    shown = field.example if field.default is not None else next((v for v in values if v is not None), None)
    evidence = dataclasses.replace(field.evidence, annotated=False)
    return dataclasses.replace(field, schema=schema, example=shown, evidence=evidence)


def _scalar_without(scalar: Scalar, values: Sequence[JSONValue]) -> Scalar:
    if not (scalar.choices or scalar.constraints):
        return scalar
    types = _JSON_TYPES.get(scalar.type, ())
    plain = [value for value in values if isinstance(value, types) and not isinstance(value, bool)]
    if scalar.choices and not all(value in scalar.choices for value in plain):
        scalar = dataclasses.replace(scalar, choices=())
    if scalar.constraints and not _hold(scalar, plain):
        scalar = dataclasses.replace(scalar, constraints=())
    return scalar


@hint(otherwise=True)
def _hold(scalar: Scalar, values: Sequence[JSONValue]) -> bool:
    """Whether the values keep the constraints of the scalar."""
    import pydantic

    limits: Any = dict(scalar.constraints)
    bounded: Any = Annotated[_TYPES[scalar.type], pydantic.Field(**limits)]
    adapter: Any = pydantic.TypeAdapter(bounded)
    try:
        for value in values:
            adapter.validate_python(value)
    except pydantic.ValidationError:
        return False
    return True
