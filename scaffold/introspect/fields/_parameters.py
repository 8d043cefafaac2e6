"""Refine the fields of arguments by the annotations and defaults of the parameters."""

from __future__ import annotations

import dataclasses
import inspect
import math
from collections.abc import Sequence

from scaffold.introspect._describe import describe
from scaffold.introspect._encode import encode, finite
from scaffold.introspect._examples import example
from scaffold.introspect._names import attributes
from scaffold.introspect.fields._annotations import annotation_schema, widen, with_schema
from scaffold.introspect.hints._hints import Parameter
from scaffold.spec import (
    Arrays,
    Either,
    Evidence,
    Field,
    JSONValue,
    Optional,
    Record,
    Scalar,
    ScalarType,
    Schema,
)

_EMPTY = inspect.Parameter.empty
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_SETTINGS = (ScalarType.INTEGER, ScalarType.NUMBER, ScalarType.STRING)


def with_parameters(record: Record, parameters: Sequence[Parameter], fixed: Sequence[str] = ()) -> Record:
    """Return the fields of the arguments, refined by the parameters of the function.

    An argument with a default is optional, even if the sample has it; an annotation may widen the type and
    allow null. If there are arrays, this applies to the options only: the schema of an array is that of its
    rows. Arrays without options get none, because their rows share a call.

    Args:
        record: The arguments in the sample.
        parameters: The parameters of the function.
        fixed: Options that keep their value.
    """
    arrays = record.form if isinstance(record.form, Arrays) else None
    fixed_names = {*fixed, *(f.name for f in record.fields if arrays and f.name not in arrays.options)}
    named = {p.name: p for p in parameters if p.kind in _NAMED and p.name not in fixed_names}
    fields = [
        _with_parameter(field, named[field.name], arrays is not None) if field.name in named else field
        for field in record.fields
    ]
    sample_names = {field.name for field in record.fields}
    omitted = [p for name, p in named.items() if name not in sample_names and _is_sendable(p.default)]
    if arrays is None:
        return dataclasses.replace(record, fields=(*fields, *map(_default_field, omitted)))
    offered = map(_default_field, omitted if arrays.options else ())
    more = [field for field in offered if _is_setting(field.schema)]
    form = Arrays((*arrays.options, *(field.name for field in more)))
    return dataclasses.replace(record, fields=(*fields, *more), form=form)


def _is_setting(schema: Schema) -> bool:
    """Whether an option that is not in the sample can be added: other types may change the answer's shape."""
    kinds = schema.of if isinstance(schema, Either) else (schema,)
    if isinstance(schema, Optional):
        return _is_setting(schema.of)
    return all(isinstance(kind, Scalar) and kind.type in _SETTINGS for kind in kinds)


def _with_parameter(field: Field, parameter: Parameter, beside_arrays: bool) -> Field:
    """Return the field of an argument, refined by its parameter."""
    annotated = annotation_schema(parameter.annotation)
    if annotated is None and isinstance(parameter.default, float) and _is_sendable(parameter.default):
        # With a default of 0.5, an integer in the sample may have a fraction.
        annotated = describe([("$", parameter.default)])
    schema = field.schema if annotated is None else widen(field.schema, annotated)
    evidence = dataclasses.replace(field.evidence, annotated=field.schema != schema)
    field = dataclasses.replace(with_schema(field, schema), evidence=evidence)
    if parameter.default is _EMPTY:
        return field
    if not _is_sendable(parameter.default):
        return field if beside_arrays else dataclasses.replace(field, required=False)
    return _with_default(field, _as_json(parameter.default))


def _with_default(field: Field, default: JSONValue) -> Field:
    schema = field.schema
    if default is None and not isinstance(schema, Optional):
        schema = Optional(of=schema)
    shown = field.example if default is None else default
    return dataclasses.replace(field, schema=schema, required=False, default=default, example=shown)


def _default_field(parameter: Parameter) -> Field:
    """Return the field for an argument that the sample leaves out."""
    schema = annotation_schema(parameter.annotation) or describe([("$", parameter.default)])
    [attribute] = attributes([parameter.name])
    field = Field(
        name=parameter.name,
        attribute=attribute,
        schema=schema,
        example=example(schema),
        evidence=Evidence(defaulted=True),
    )
    return _with_default(field, _as_json(parameter.default))


def _is_sendable(default: object) -> bool:
    """Whether a default can be written as JSON."""
    if default is None or isinstance(default, (bool, int, float, str)):
        return not isinstance(default, float) or math.isfinite(default)
    return isinstance(default, (list, tuple)) and all(map(_is_sendable, default))


def _as_json(default: object) -> JSONValue:
    return finite(encode(default, describe([("$", default)])))
