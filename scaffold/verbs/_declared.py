"""Compare the declarations of a model's source with the sample."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scaffold.find import Declared, DeclaredField
from scaffold.spec import Category, Field, Optional, Record, Scalar, ScalarType, Schema, Table

_NUMBERS = frozenset({ScalarType.INTEGER, ScalarType.NUMBER, ScalarType.DECIMAL})
_UNKNOWN = frozenset({ScalarType.NULL, ScalarType.ANY})
_TEXTS = frozenset(ScalarType) - _NUMBERS - _UNKNOWN - {ScalarType.BOOLEAN}
_SCALAR_TYPES_BY_DECLARED_TYPE = {
    "boolean": frozenset({ScalarType.BOOLEAN}),
    "integer": frozenset({ScalarType.INTEGER}),
    "long": frozenset({ScalarType.INTEGER}),
    "float": _NUMBERS,
    "double": _NUMBERS,
    "string": _TEXTS,
    "datetime": _TEXTS,
}
"""The scalar types that fit each MLflow type. `datetime` fits text too: JSON has no dates."""


def source_notes_of(declared: Declared, schema: Schema) -> tuple[str, ...]:
    """Return the notes of a source, and the contradictions between its signature and the sample."""
    return (*declared.notes, *compare_fields(declared.fields, schema))


def compare_fields(declared_fields: Sequence[DeclaredField], schema: Schema) -> tuple[str, ...]:
    """Return a sentence for each contradiction between a declared field and the sample."""
    if not declared_fields or not isinstance(schema, Table | Record):
        return ()
    fields = {field.name: field for field in (schema.columns if isinstance(schema, Table) else schema.fields)}
    return tuple(_contradictions(declared_fields, fields))


def _contradictions(declared_fields: Sequence[DeclaredField], fields: dict[str, Field]) -> Iterator[str]:
    for declared_field in declared_fields:
        name, sampled = declared_field.name, fields.get(declared_field.name)
        if declared_field.required and (problem := _absence(sampled)):
            yield f"the source's signature requires {name}; {problem}"
        if sampled is not None and (type_in_sample := _other_type(declared_field, sampled.schema)):
            yield (
                f"the source's signature declares {name} as {declared_field.type};"
                f" in the sample it is {type_in_sample}"
            )
    declared_names = {declared_field.name for declared_field in declared_fields}
    for name in fields:
        if name not in declared_names:
            yield f"the sample has {name}, which the source's signature does not have"


def _absence(field: Field | None) -> str:
    """Return where the sample lacks a field; an empty string if it has the field in each row."""
    if field is None:
        return "the sample does not have it"
    evidence = field.evidence
    if missing := evidence.missing + evidence.absent:
        return f"it is missing in {missing} of {evidence.rows} rows of the sample"
    is_optional = isinstance(field.schema, Optional) and not evidence.asked_for.nullable
    # With a count of rows and none missing, an annotation made the field optional.
    return "it is missing in some rows of the sample" if is_optional and not evidence.rows else ""


def _other_type(declared_field: DeclaredField, schema: Schema) -> str:
    """Return the type of a field in the sample if it does not fit the declared type; else an empty string."""
    while isinstance(schema, Optional | Category):
        schema = schema.of
    if not isinstance(schema, Scalar) or schema.type in _UNKNOWN:
        return ""
    fitting = _SCALAR_TYPES_BY_DECLARED_TYPE.get(declared_field.type)
    return "" if fitting is None or schema.type in fitting else schema.type.value
