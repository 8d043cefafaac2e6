"""The input and output of a service as JSON Schema, from a signature or from an OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from typing_extensions import assert_never

from scaffold import spec
from scaffold.spec import ScalarType

JSONSchema: TypeAlias = Mapping[str, Any]

_FORMATS = {
    ScalarType.DECIMAL: "decimal",
    ScalarType.UUID: "uuid",
    ScalarType.DATE: "date",
    ScalarType.TIME: "time",
    ScalarType.DATETIME: "local date-time",
    ScalarType.AWARE_DATETIME: "date-time",
    ScalarType.DURATION: "duration",
    ScalarType.PERIOD: "period",
    ScalarType.BYTES: "base64",
}


@dataclass(frozen=True, slots=True)
class Contract:
    """The schemas of the request and the response of `POST /score`."""

    input: JSONSchema
    output: JSONSchema


def contract_of_signature(signature: spec.Signature) -> Contract:
    """Return the contract of a service with this signature."""
    return Contract(_schema(signature.input), _schema(signature.output))


def contract_of_openapi(document: Mapping[str, Any]) -> Contract:
    """Return the contract in an OpenAPI document, with its references resolved."""
    schemas = document["components"]["schemas"]
    return Contract(
        _resolve_references(schemas["ModelInput"], schemas, frozenset()),
        _resolve_references(schemas["ModelOutput"], schemas, frozenset()),
    )


def _schema(schema: spec.Schema) -> dict[str, Any]:
    match schema:
        case spec.Scalar():
            return _scalar(schema)
        case spec.Category(of=of, levels=levels):
            return {**_scalar(of), "enum": list(levels)}
        case spec.Optional(of=of):
            return {"anyOf": [_schema(of), {"type": "null"}]}
        case spec.Either(of=kinds):
            return {"anyOf": [_schema(kind) for kind in kinds]}
        case spec.List(items=items, length=length):
            return _array(_schema(items), length)
        case spec.Tuple(items=items) | spec.Parts(items=items):
            return {"type": "array", "prefixItems": [_schema(item) for item in items]}
        case spec.Mapping(values=values):
            return {"type": "object", "additionalProperties": _schema(values)}
        case spec.Record(fields=fields) | spec.Table(columns=fields):
            return _object(fields)
        case spec.Value(field=field):
            return _object([field])
        case spec.Tensor(shape=shape, items=items):
            inner = _schema(items)
            for length in reversed(shape):
                inner = _array(inner, length)
            return inner
        case spec.Column(items=items):
            return _schema(items)
        case spec.Picture():
            return {"type": "string", "format": "base64 image"}
        case spec.UserType(qualname=name, seen=inner_schema):
            return _schema(inner_schema) if inner_schema else {"type": name}
        case _:
            assert_never(schema)


def _scalar(scalar: spec.Scalar) -> dict[str, Any]:
    described: dict[str, Any] = {}
    if scalar.type in _FORMATS:
        described = {"type": "string", "format": _FORMATS[scalar.type]}
    elif scalar.type is not ScalarType.ANY:
        described = {"type": scalar.type.value}
    bounds = {"minimum": scalar.minimum, "maximum": scalar.maximum, "maxLength": scalar.max_length}
    described |= {name: bound for name, bound in bounds.items() if bound is not None}
    return {**described, "enum": list(scalar.choices)} if scalar.choices else described


def _array(items: dict[str, Any], length: int | None) -> dict[str, Any]:
    exact = {} if length is None else {"minItems": length, "maxItems": length}
    return {"type": "array", "items": items, **exact}


def _object(fields: Iterable[spec.Field]) -> dict[str, Any]:
    object_fields = list(fields)
    return {
        "type": "object",
        "properties": {field.name: _schema(field.schema) for field in object_fields},
        "required": [field.name for field in object_fields if field.required],
        "additionalProperties": False,
    }


def _resolve_references(schema: Any, definitions: Mapping[str, Any], above: frozenset[str]) -> Any:
    """Return the schema with each `$ref` replaced by its definition; a recursive one by its name."""
    if isinstance(schema, list):
        return [_resolve_references(item, definitions, above) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    reference = schema.get("$ref")
    if isinstance(reference, str):
        name = reference.rpartition("/")[2]
        return (
            {"type": name}
            if name in above
            else _resolve_references(definitions[name], definitions, above | {name})
        )
    return {key: _resolve_references(item, definitions, above) for key, item in schema.items()}
