"""The form of a schema in JSON: an object with its own fields, or one value under `data` or `prediction`."""

from __future__ import annotations

from typing_extensions import assert_never

from scaffold import spec
from scaffold.render._code import Imports
from scaffold.render.kinds import kind_of
from scaffold.spec import (
    Category,
    Column,
    Either,
    Field,
    List,
    Mapping,
    Optional,
    Parts,
    Picture,
    Record,
    Scalar,
    Schema,
    Standalone,
    Table,
    Tensor,
    Tuple,
    UserType,
    Value,
    as_series,
)


def is_object(schema: Schema) -> bool:
    """Whether it is the body itself, and no value under `data` or `prediction`."""
    match schema:
        case Record() | Table() | Mapping() | UserType():
            return True
        case Scalar() | Category() | Optional() | Either() | List() | Tuple() | Picture():
            return False
        case Tensor() | Value() | Parts() | Column():
            return False
        case _:
            assert_never(schema)


def fields_of(schema: Schema) -> tuple[Field, ...]:
    """Return the fields of the body, those of a class of the user's own among them."""
    match schema:
        case UserType(seen=Record(fields=fields)):
            return fields
        case _:
            return spec.fields_of(schema)


def has_plain_dtype(schema: Schema) -> bool:
    """Whether an answer comes out of an array or Series whose dtype holds plain values and no others."""
    series = as_series(schema)
    return series is not None and kind_of(series.container).has_plain_dtype(series)


def annotation(schema: Schema, imports: Imports) -> str:
    """Return the type of the container that holds many records or answers; `Any` where none says more."""
    match schema:
        case Table(container=container):
            return kind_of(container).annotation(imports)
        case Value(field=Field(schema=Tensor(container=container, stacked=True))):
            return kind_of(container).annotation(imports)
        case Standalone() | Record() | Value() | Tensor() | Parts() | Column():
            imports.take("typing", "Any")
            return "Any"
        case _:
            assert_never(schema)
