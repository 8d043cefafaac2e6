"""`EXAMPLE` in `schemas.py`: a made-up record, by which a service tries its model when it starts."""

from __future__ import annotations

import json
import shlex

from scaffold.render import _code
from scaffold.render._code import call, code
from scaffold.render._source._shapes import fields_of
from scaffold.spec import (
    Category,
    Field,
    JSONValue,
    Mapping,
    Optional,
    ProjectSpec,
    Scalar,
    ScalarType,
    Schema,
    Tensor,
    UserType,
    Value,
)

_MOST_NAMED = 40
"""A record with more fields takes them from `examples`: it would be as long as the class."""

_MOST_CHARACTERS = 400
"""A longer body would bury the command that sends it."""

_EMPTY = {
    ScalarType.INTEGER: "0",
    ScalarType.NUMBER: "0.0",
    ScalarType.BOOLEAN: "False",
    ScalarType.STRING: '""',
}
_OF_FIELDS = """ModelInput.model_validate(
    {
        field.alias or name: field.examples[0]
        for name, field in ModelInput.model_fields.items()
        if field.examples
    },
    strict=False,
)"""
NO_EXAMPLE = "EXAMPLE: ModelInput | None = None  # no made-up record fits: the first request is the slowest"
"""The last statement of `schemas.py` until a model is known to answer a made-up record."""


def example_body(schema: Schema) -> JSONValue:
    """Return a made-up body of a request, `None` where a part of it would be too long, or is not known."""
    match schema:
        case UserType(example=shown):
            return shown
        case Mapping():
            return None
        case _:
            fields = [field for field in fields_of(schema) if field.required]
            missing = any(field.example is None and not _takes_null(field.schema) for field in fields)
            return None if missing or not fields else {field.name: field.example for field in fields}


def shown_example(spec: ProjectSpec) -> JSONValue:
    """A made-up body of `POST /score` that the model answers, `None` where none is short, or known."""
    body = example_body(spec.signature.input) if spec.dependencies.takes_example else None
    return body if len(json.dumps(body, ensure_ascii=False)) <= _MOST_CHARACTERS else None


def shell_example(spec: ProjectSpec) -> str:
    """The body of `shown_example`, quoted for a shell; `@request.json` where there is none."""
    body = shown_example(spec)
    return "@request.json" if body is None else shlex.quote(json.dumps(body, ensure_ascii=False))


def tried_example(schema: Schema) -> JSONValue:
    """Return the body of a request with the values of `EXAMPLE`, `None` where there is none."""
    body = example_body(schema)
    if body is None and (array := _array_of(schema)):
        name, kind, shape = array
        element: JSONValue = json.loads(_EMPTY[kind].lower())
        for length in reversed(shape):
            element = [element] * length
        return {name: element}
    return body


def add_example(source: str, schema: Schema) -> str:
    """Return `schemas.py` with a record as `EXAMPLE`, for a model that is known to answer it."""
    return source.removesuffix(f"{NO_EXAMPLE}\n") + f"{_statement(schema)}\n"


def _statement(schema: Schema) -> str:
    fields = [] if isinstance(schema, UserType) else [field for field in fields_of(schema) if field.required]
    body = example_body(schema)
    if body is None:
        return _large_example(schema)
    if len(fields) > _MOST_NAMED and all(field.example is not None for field in fields):
        return f"EXAMPLE = {_OF_FIELDS}"
    if fields and all(field.attribute == field.name and _is_natural(field.schema) for field in fields):
        example = call("ModelInput", **{field.name: _code.value(field.example) for field in fields})
    else:
        # The body is JSON: text where Python has dates, names where it has attributes.
        example = call("ModelInput.model_validate", _code.value(body), strict=code("False"))
    return _code.statement("EXAMPLE = ", example)


def _large_example(schema: Schema) -> str:
    """An array is made of one element, repeated; of other long records there is none."""
    if (array := _array_of(schema)) is None:
        return NO_EXAMPLE
    name, kind, shape = array
    element = _EMPTY[kind]
    for length in reversed(shape):
        element = f"[{element}] * {length}"
    return _code.statement("EXAMPLE = ", call("ModelInput", **{name: code(element)}))


def _array_of(schema: Schema) -> tuple[str, ScalarType, tuple[int, ...]] | None:
    """Name, element and shape of a record that is an array."""
    match schema:
        case Value(field=Field(attribute=name, schema=Tensor(shape=shape, items=Scalar(type=kind)))) if (
            kind in _EMPTY
        ):
            return name, kind, shape
        case _:
            return None


def _is_natural(schema: Schema) -> bool:
    """Whether JSON and Python have the same values of it."""
    match schema:
        case Scalar(type=kind):
            return kind in _EMPTY or kind is ScalarType.NULL
        case Optional(of=inner) | Category(of=inner) | Tensor(items=inner):
            return _is_natural(inner)
        case _:
            return False


def _takes_null(schema: Schema) -> bool:
    return isinstance(schema, Optional) or (isinstance(schema, Scalar) and schema.type is ScalarType.NULL)
