"""What the source of a model says of it, beside what its own examination says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scaffold.find import Declared, DeclaredField
from scaffold.spec import Category, Field, Optional, Record, Scalar, ScalarType, Schema, Table

_NUMBERS = frozenset({ScalarType.INTEGER, ScalarType.NUMBER, ScalarType.DECIMAL})
_TEXTS = frozenset(ScalarType) - _NUMBERS - {ScalarType.BOOLEAN}
_FITTING = {
    "boolean": frozenset({ScalarType.BOOLEAN}),
    "integer": frozenset({ScalarType.INTEGER}),
    "long": frozenset({ScalarType.INTEGER}),
    "float": _NUMBERS,
    "double": _NUMBERS,
    "string": _TEXTS,
    "datetime": _TEXTS,
}
"""The types of a sample that fit a type of a signature. A moment is a text where the sample is JSON."""


def told_by_source(declared: Declared, schema: Schema) -> tuple[str, ...]:
    """Return what is told of a source: its own notes, and where its signature contradicts the sample."""
    return (*declared.notes, *compare_fields(declared.fields, schema))


def compare_fields(declared: Sequence[DeclaredField], schema: Schema) -> tuple[str, ...]:
    """Return where the fields that a source declares contradict the sample, a sentence each."""
    if not declared or not isinstance(schema, Table | Record):
        return ()
    fields = {field.name: field for field in (schema.columns if isinstance(schema, Table) else schema.fields)}
    return tuple(_contradictions(declared, fields))


def _contradictions(declared: Sequence[DeclaredField], fields: dict[str, Field]) -> Iterator[str]:
    known = {field.name for field in declared}
    for field in declared:
        seen = fields.get(field.name)
        if seen is None and field.required:
            yield f"the source's signature has {field.name} required; the sample does not have it"
        elif seen is not None and field.required and seen.evidence.missing:
            yield (
                f"the source's signature has {field.name} required; the sample has it missing"
                f" in {seen.evidence.missing} of {seen.evidence.rows} rows"
            )
        elif seen is not None and field.required and isinstance(seen.schema, Optional):
            yield f"the source's signature has {field.name} required; the sample has it missing in some rows"
        if seen is not None and (found := _other_type(field, seen.schema)):
            yield f"the source's signature has {field.name} as {field.type}; the sample has it as {found}"
    for name in fields:
        if name not in known:
            yield f"the sample has {name}, which the source's signature does not have"


def _other_type(declared: DeclaredField, schema: Schema) -> str:
    """The type of a field in the sample if it does not fit the declared one; empty if it does."""
    while isinstance(schema, Optional | Category):
        schema = schema.of
    if not isinstance(schema, Scalar) or schema.type in _FITTING.get(declared.type, ScalarType):
        return ""
    return schema.type.value
