"""Describe a schema in words, for people."""

from __future__ import annotations

from scaffold.errors.wording import counted
from scaffold.spec import (
    Category,
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
    assert_never,
)

_MOST_LEVELS = 8


def schema_words(schema: Schema) -> str:  # noqa: RET503
    """Describe an input in one line: `7 columns, 2 may be missing`."""
    match schema:
        case Table(columns=fields) | Record(fields=fields):
            kind = "column" if isinstance(schema, Table) else "field"
            missing = sum(isinstance(field.schema, Optional) for field in fields)
            return counted(len(fields), kind) + (f", {missing} may be missing" if missing else "")
        case Tensor(shape=(), dtype="object", items=items):
            return schema_words(items)
        case Tensor(shape=shape, dtype=dtype):
            return f"an array of shape {shape} and dtype {dtype}" if shape else f"one {dtype}"
        case Picture():
            return "an image"
        case UserType(qualname=qualname):
            return f"a {qualname}"
        case Optional(of=inner):
            return f"{schema_words(inner)} or null"
        case List(items=Scalar(type=type_, choices=())) if type_ is not ScalarType.ANY:
            return f"a list of {type_.value}s"
        case List(items=items):
            return f"a list of {schema_words(items)}"
        case Scalar(type=ScalarType.ANY, choices=()):
            return "any value"
        case Scalar(type=type_, choices=()):
            return f"one {type_.value}"
        case Scalar(choices=levels) | Category(levels=levels):
            more = ", ..." if len(levels) > _MOST_LEVELS else ""
            return f"one of {', '.join(map(str, levels[:_MOST_LEVELS]))}{more}"
        case Value(field=inside):
            return schema_words(inside.schema)
        case Either(of=options):
            return " or ".join(schema_words(option) for option in options)
        case Tuple() | Mapping() | Parts() | Column():
            return f"a {type(schema).__name__.lower()}"
        case _:
            assert_never(schema)
