"""The paths of datetimes in a class of the user's own, and whether they have a time zone."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from typing_extensions import assert_never

from scaffold.spec import (
    Category,
    ClassKind,
    Column,
    Either,
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

Path = tuple[str, ...]
_ZONED = {ScalarType.DATETIME: False, ScalarType.AWARE_DATETIME: True}


def moments_in(schema: Schema | None) -> dict[Path, bool]:
    """Return where the values of a class hold moments, and whether those have a zone.

    A path is one of attributes; `*` stands for each item of a list or mapping. A path where the sample has
    moments of both kinds is left out.
    """
    seen: dict[Path, set[bool]] = {}
    for path, aware in _moments_in(schema) if schema is not None else ():
        seen.setdefault(path, set()).add(aware)
    return {path: aware.pop() for path, aware in seen.items() if len(aware) == 1}


def _moments_in(schema: Schema) -> Iterator[tuple[Path, bool]]:
    match schema:
        case Scalar(type=type_):
            if type_ in _ZONED:
                yield (), _ZONED[type_]
        case Optional(of=inner):
            yield from _moments_in(inner)
        case UserType(kind=made_with, seen=Record(fields=fields)) if made_with is not ClassKind.ENUM:
            for field in fields:
                step = ast.literal_eval(field.label) if field.label else field.name
                yield from (((step, *path), aware) for path, aware in _moments_in(field.schema))
        case Record(fields=fields):  # a dict, whose keys are data
            for field in fields:
                yield from ((("*", *path), aware) for path, aware in _moments_in(field.schema))
        case List(items=inner) | Mapping(values=inner):
            yield from ((("*", *path), aware) for path, aware in _moments_in(inner))
        case Tuple(items=kinds):
            for kind in kinds:
                yield from ((("*", *path), aware) for path, aware in _moments_in(kind))
        case Either(of=kinds):
            for kind in kinds:
                yield from _moments_in(kind)
        case Category() | Table() | Tensor() | Value() | Parts() | Column() | Picture() | UserType():
            return
        case _:
            assert_never(schema)
