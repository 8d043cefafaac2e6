"""The children and fields of a schema, and copies of a schema with changed ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from scaffold.spec._evidence import Evidence
from scaffold.spec._never import assert_never
from scaffold.spec._schema import (
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
)


def children(schema: Schema) -> tuple[Schema, ...]:  # noqa: RET503
    """Return the schemas that `schema` is directly made of, in order, without the keys of a mapping."""
    match schema:
        case Scalar() | Picture():
            return ()
        case Category(of=inner) | Optional(of=inner):
            return (inner,)
        case Either(of=kinds):
            return kinds
        case List(items=inner) | Mapping(values=inner) | Tensor(items=inner) | Column(items=inner):
            return (inner,)
        case Tuple(items=places) | Parts(items=places):
            return places
        case Record(fields=fields) | Table(columns=fields):
            return tuple(field.schema for field in fields)
        case Value(field=field):
            return (field.schema,)
        case UserType(seen=seen):
            return () if seen is None else (seen,)
        case _:
            assert_never(schema)


def fields_of(schema: Schema) -> tuple[Field, ...]:  # noqa: RET503
    """Return the fields of an object, one field for a single value, none for anything else."""
    match schema:
        case Record(fields=fields) | Table(columns=fields):
            return fields
        case Value(field=field):
            return (field,)
        case Standalone() | Tensor() | Parts() | Column():
            return ()
        case _:
            assert_never(schema)


def with_fields(schema: Schema, change: Callable[[Field], Field]) -> Schema:  # noqa: RET503
    """Return `schema` with each field as `change` makes it."""
    match schema:
        case Record(fields=fields):
            return dataclasses.replace(schema, fields=tuple(map(change, fields)))
        case Table(columns=fields):
            return dataclasses.replace(schema, columns=tuple(map(change, fields)))
        case Value(field=field):
            return Value(field=change(field))
        case Standalone() | Tensor() | Parts() | Column():
            return schema
        case _:
            assert_never(schema)


def as_series(schema: Schema) -> Tensor | Column | None:  # noqa: RET503
    """Return `schema` where many records are one array or one Series of it; else `None`."""
    match schema:
        case Tensor(stacked=stacked):
            return schema if stacked else None
        case Column():
            return schema
        case Standalone() | Record() | Table() | Value() | Parts():
            return None
        case _:
            assert_never(schema)


def map_children(schema: Schema, change: Callable[[Schema], Schema]) -> Schema:  # noqa: RET503
    """Return `schema` with each of its `children` as `change` makes it, but for the levels of a category."""
    match schema:
        case Scalar() | Picture() | Category():
            return schema
        case Optional(of=inner):
            return dataclasses.replace(schema, of=change(inner))
        case Either(of=kinds):
            return Either(of=tuple(map(change, kinds)))
        case List(items=inner) | Tensor(items=inner) | Column(items=inner):
            return dataclasses.replace(schema, items=change(inner))
        case Mapping(values=inner):
            return dataclasses.replace(schema, values=change(inner))
        case Tuple(items=places) | Parts(items=places):
            return dataclasses.replace(schema, items=tuple(map(change, places)))
        case Record() | Table() | Value():
            return with_fields(schema, lambda field: dataclasses.replace(field, schema=change(field.schema)))
        case UserType(seen=seen):
            return schema if seen is None else dataclasses.replace(schema, seen=change(seen))
        case _:
            assert_never(schema)


def without_evidence(schema: Schema) -> Schema:
    """Return `schema` without the reasons for its fields, at any depth."""
    bare = with_fields(schema, lambda field: dataclasses.replace(field, evidence=Evidence()))
    return map_children(bare, without_evidence)
