"""Compare the declarations of a model's source with the sample."""

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


def source_notes_of(declared: Declared, schema: Schema) -> tuple[str, ...]:
    """Return the notes of a source, and the contradictions between its signature and the sample."""
    return (*declared.notes, *compare_fields(declared.fields, schema))


def compare_fields(declared: Sequence[DeclaredField], schema: Schema) -> tuple[str, ...]:
    """Return a sentence for each contradiction between a declared field and the sample."""
    if not declared or not isinstance(schema, Table | Record):
        return ()
    fields = {field.name: field for field in (schema.columns if isinstance(schema, Table) else schema.fields)}
    return tuple(_contradictions(declared, fields))


def _contradictions(declared: Sequence[DeclaredField], fields: dict[str, Field]) -> Iterator[str]:
    declared_names = {field.name for field in declared}
    for field in declared:
        sampled = fields.get(field.name)
        if sampled is None and field.required:
            yield f"the source's signature has {field.name} required; the sample does not have it"
        elif sampled is not None and field.required and sampled.evidence.missing:
            yield (
                f"the source's signature has {field.name} required; the sample has it missing"
                f" in {sampled.evidence.missing} of {sampled.evidence.rows} rows"
            )
        elif sampled is not None and field.required and isinstance(sampled.schema, Optional):
            yield f"the source's signature has {field.name} required; the sample has it missing in some rows"
        if sampled is not None and (type_in_sample := _other_type(field, sampled.schema)):
            yield (
                f"the source's signature has {field.name} as {field.type};"
                f" the sample has it as {type_in_sample}"
            )
    for name in fields:
        if name not in declared_names:
            yield f"the sample has {name}, which the source's signature does not have"


def _other_type(declared: DeclaredField, schema: Schema) -> str:
    """Return the type of a field in the sample if it does not fit the declared type; else an empty string."""
    while isinstance(schema, Optional | Category):
        schema = schema.of
    if not isinstance(schema, Scalar) or schema.type in _FITTING.get(declared.type, ScalarType):
        return ""
    return schema.type.value
