"""What a schema is on the wire: an object with fields of its own, or one value under a name of ours."""

from __future__ import annotations

from scaffold import spec
from scaffold.render._code import Imports
from scaffold.render.kinds import kind_of
from scaffold.spec import Column, Field, Mapping, Record, Schema, Table, Tensor, UserType, Value


def is_object(schema: Schema) -> bool:
    """Whether it is the body itself, and no value under `data` or `prediction`."""
    return isinstance(schema, (Record, Table, Mapping, UserType))


def fields_of(schema: Schema) -> tuple[Field, ...]:
    """Return the fields of the body, those of a class of the user's own among them."""
    match schema:
        case UserType(seen=Record(fields=fields)):
            return fields
        case _:
            return spec.fields_of(schema)


def is_settled(schema: Schema) -> bool:
    """Whether an answer comes out of an array or Series whose dtype holds plain values and no others."""
    match schema:
        case Tensor(stacked=True, container=container) | Column(container=container):
            return kind_of(container).is_settled(schema)
        case _:
            return False


def annotation(schema: Schema, imports: Imports) -> str:
    """Return the type of the container that holds many records or answers; `Any` where none says more."""
    match schema:
        case Table(container=container):
            return kind_of(container).annotation(imports)
        case Value(field=Field(schema=Tensor(container=container, stacked=True))):
            return kind_of(container).annotation(imports)
        case _:
            imports.take("typing", "Any")
            return "Any"
