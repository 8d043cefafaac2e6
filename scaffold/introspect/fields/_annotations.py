"""Refine the schema of a sample by the annotations and defaults of a function."""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime
import decimal
import enum
import inspect
import sys
import types
import typing
import uuid
from collections.abc import Sequence
from typing import Any

from scaffold.introspect._examples import example
from scaffold.introspect._guard import hint
from scaffold.introspect._names import attributes
from scaffold.introspect._plausible import constraints_of, plausible_json
from scaffold.introspect.hints._hints import Parameter
from scaffold.introspect.kinds.python import STRICT
from scaffold.spec import (
    ClassKind,
    Collection,
    CollectionType,
    Either,
    Field,
    List,
    Mapping,
    Optional,
    PythonScalar,
    PythonType,
    Record,
    Scalar,
    ScalarType,
    Schema,
    Tuple,
    UserType,
)

_EMPTY = inspect.Parameter.empty
_SCALARS: dict[Any, tuple[ScalarType, PythonType]] = {
    bool: (ScalarType.BOOLEAN, PythonType.BOOL),
    int: (ScalarType.INTEGER, PythonType.INT),
    float: (ScalarType.NUMBER, PythonType.FLOAT),
    str: (ScalarType.STRING, PythonType.STR),
    bytes: (ScalarType.BYTES, PythonType.BYTES),
    decimal.Decimal: (ScalarType.DECIMAL, PythonType.DECIMAL),
    uuid.UUID: (ScalarType.UUID, PythonType.UUID),
    datetime.date: (ScalarType.DATE, PythonType.DATE),
    datetime.time: (ScalarType.TIME, PythonType.TIME),
    datetime.datetime: (ScalarType.DATETIME, PythonType.DATETIME),
    datetime.timedelta: (ScalarType.DURATION, PythonType.TIMEDELTA),
}


_TEXT = Scalar(type=ScalarType.STRING, native=PythonScalar(PythonType.STR))


def with_schema(field: Field, schema: Schema) -> Field:
    """Return the field with another schema and an example that this schema accepts.

    The example stays if the new schema only adds `null` or fractions.
    """
    before, after = (s.of if isinstance(s, Optional) else s for s in (field.schema, schema))
    wider = (
        isinstance(before, Scalar)
        and isinstance(after, Scalar)
        and not (after.choices or after.constraints or before.type is ScalarType.NULL)
    )
    shown = field.example if before == after or wider else example(schema)
    return dataclasses.replace(field, schema=schema, example=shown)


@hint(otherwise=None)
def annotation_schema(annotation: object) -> Schema | None:
    """Return the schema of an annotation; `None` if JSON has no type for it."""
    if isinstance(annotation, type) and annotation in _SCALARS:
        type_, of = _SCALARS[annotation]
        return Scalar(type=type_, native=PythonScalar(of))
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _with_constraints(annotation_schema(arguments[0]), annotation)
    if sys.version_info >= (3, 11) and origin in (typing.Required, typing.NotRequired):
        return annotation_schema(arguments[0])
    if origin is typing.Literal:
        return _of_literal(arguments)
    if origin in (typing.Union, types.UnionType):
        return _of_union(arguments)
    if isinstance(annotation, type) and origin is None:
        return _of_class(annotation)
    return _of_generic(origin, arguments)


def _with_constraints(schema: Schema | None, annotation: object) -> Schema | None:
    """Add the constraints in `Annotated` to a number or string: `Field(ge=1)`, `conint`, a pattern."""
    if not isinstance(schema, Scalar) or schema.type not in _CONSTRAINED:
        return schema
    return dataclasses.replace(schema, constraints=constraints_of(annotation))


_CONSTRAINED = (ScalarType.INTEGER, ScalarType.NUMBER, ScalarType.STRING)


def _of_literal(choices: tuple[object, ...]) -> Schema | None:
    plain = [choice for choice in choices if choice is not None]
    kinds: dict[type, list[Any]] = {}
    for choice in plain:
        kinds.setdefault(type(choice), []).append(choice)
    if not plain or not set(kinds) <= {str, int}:
        return None
    scalars = [
        Scalar(type=_SCALARS[kind][0], native=PythonScalar(_SCALARS[kind][1]), choices=tuple(values))
        for kind, values in kinds.items()
    ]
    schema: Schema = scalars[0] if len(scalars) == 1 else Either(of=tuple(scalars))
    return schema if len(plain) == len(choices) else Optional(of=schema)


def _of_union(members: tuple[object, ...]) -> Schema | None:
    kinds = [annotation_schema(member) for member in members if member is not type(None)]
    schemas = [kind for kind in kinds if kind is not None]
    if not schemas or len(schemas) < len(kinds):
        return None
    schema: Schema = schemas[0] if len(schemas) == 1 else Either(of=tuple(schemas))
    return Optional(of=schema) if type(None) in members else schema


def _of_class(cls: type) -> Schema | None:
    if typing.is_typeddict(cls):
        return _of_typed_dict(cls)
    kinds = {
        ClassKind.ENUM: issubclass(cls, enum.Enum),
        ClassKind.PYDANTIC: "pydantic.BaseModel"
        in {f"{b.__module__.partition('.')[0]}.{b.__qualname__}" for b in cls.__mro__},
        ClassKind.DATACLASS: dataclasses.is_dataclass(cls),
        ClassKind.NAMEDTUPLE: issubclass(cls, tuple) and hasattr(cls, "_fields"),
    }
    kind = next((kind for kind, fits in kinds.items() if fits), None)
    if kind is None or "<locals>" in cls.__qualname__:
        return None
    shown = plausible_json(cls, None, strict=kind in STRICT)
    return UserType(module=cls.__module__, qualname=cls.__qualname__, kind=kind, example=shown)


def _of_typed_dict(cls: Any) -> Schema | None:
    """Return the record of a TypedDict.

    Return a `Record` and not a `UserType`: before Python 3.12 pydantic rejects `typing.TypedDict`.
    """
    annotations = typing.get_type_hints(cls, include_extras=True)
    schemas = {
        name: annotation_schema(annotation) or Scalar(type=ScalarType.ANY)
        for name, annotation in annotations.items()
    }
    fields = (
        Field(
            name=name,
            attribute=attribute,
            schema=schema,
            required=name in cls.__required_keys__,
            example=example(schema),
        )
        for attribute, (name, schema) in zip(attributes(list(schemas)), schemas.items(), strict=True)
    )
    return Record(fields=tuple(fields))


def _of_generic(origin: object, arguments: tuple[object, ...]) -> Schema | None:
    inner = [annotation_schema(argument) for argument in arguments if argument is not Ellipsis]
    if not inner or any(schema is None for schema in inner):
        return None
    schemas = [schema for schema in inner if schema is not None]
    if origin is tuple:
        return (
            List(items=schemas[0], form=Collection(CollectionType.TUPLE))
            if Ellipsis in arguments
            else Tuple(items=tuple(schemas))
        )
    if origin in (set, frozenset):
        return List(items=schemas[0], form=Collection(CollectionType(origin.__name__)))
    is_mapping = isinstance(origin, type) and issubclass(origin, collections.abc.Mapping)
    if is_mapping and len(schemas) == 2:
        return Mapping(values=schemas[1]) if schemas[0] == _TEXT else None
    if isinstance(origin, type) and len(schemas) == 1 and issubclass(origin, Sequence):
        return List(items=schemas[0])
    return None


def widen(observed: Schema, annotated: Schema) -> Schema:
    """Return `annotated` if it accepts all values of `observed`; else `observed`."""
    match observed, annotated:
        case Optional(of=inner, missing=missing), Optional(of=other):
            return Optional(of=widen(inner, other), missing=missing)
        case Scalar(type=ScalarType.NULL), Optional():
            return annotated
        case _, Optional(of=other):
            return Optional(of=widen(observed, other))
        case Optional(of=inner, missing=missing), _:
            return Optional(of=widen(inner, annotated), missing=missing)
        case Scalar(native=PythonScalar(of=PythonType.INT)), Scalar(type=ScalarType.NUMBER):
            return annotated
        case Scalar(native=kind), Scalar(native=other, choices=choices, constraints=constraints):
            return annotated if kind == other and (choices or constraints) else observed
        case List(items=items), List(items=other):
            return List(items=widen(items, other), form=observed.form)
        case Tuple(items=items), List(items=other, form=Collection(of=CollectionType.TUPLE)):
            return annotated if all(widen(item, other) == other for item in items) else observed
        case Tuple(items=items), Tuple(items=others) if len(items) == len(others):
            return Tuple(items=tuple(map(widen, items, others)))
        case Record(), Record():
            return _widen_record(observed, annotated)
        case Record(fields=fields), Mapping(values=other):
            takes_all = all(widen(f.schema, other) == other for f in fields)
            return annotated if takes_all else observed
        case _, Either(of=kinds):
            return annotated if any(widen(observed, kind) == kind for kind in kinds) else observed
        case _:
            return observed


def _widen_record(observed: Record, annotated: Record) -> Record:
    """Return the fields of a TypedDict, with the evidence of the observed fields.

    `observed` if it has a field that the TypedDict lacks.
    """
    by_name = {field.name: field for field in observed.fields}
    if not set(by_name) <= {field.name for field in annotated.fields}:
        return observed
    fields = []
    for field in annotated.fields:
        observed_field = by_name.get(field.name)
        if observed_field is not None:
            schema = widen(observed_field.schema, field.schema)
            field = dataclasses.replace(
                with_schema(observed_field, schema), required=field.required, attribute=field.attribute
            )
        fields.append(field)
    return Record(fields=tuple(fields), form=observed.form)


def first_parameter_schema(parameters: Sequence[Parameter]) -> Schema | None:
    """Return the schema of the annotation of the first positional parameter."""
    first = next(
        (p for p in parameters if p.kind in (p.kind.POSITIONAL_ONLY, p.kind.POSITIONAL_OR_KEYWORD)), None
    )
    return None if first is None or first.annotation is _EMPTY else annotation_schema(first.annotation)
