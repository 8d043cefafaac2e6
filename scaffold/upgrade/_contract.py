"""What a service takes and gives, as JSON Schema: from a signature, or from an OpenAPI document."""

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
    """What `POST /score` takes and what it answers."""

    input: JSONSchema
    output: JSONSchema


def contract_of_signature(signature: spec.Signature) -> Contract:
    """What the service of this signature takes and gives."""
    return Contract(_schema(signature.input), _schema(signature.output))


def contract_of_openapi(document: Mapping[str, Any]) -> Contract:
    """What a service takes and gives by its OpenAPI document; references are followed."""
    schemas = document["components"]["schemas"]
    return Contract(
        _resolved(schemas["ModelInput"], schemas, frozenset()),
        _resolved(schemas["ModelOutput"], schemas, frozenset()),
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
        case spec.UserType(qualname=name, seen=seen):
            return _schema(seen) if seen else {"type": name}
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
    listed = list(fields)
    return {
        "type": "object",
        "properties": {field.name: _schema(field.schema) for field in listed},
        "required": [field.name for field in listed if field.required],
        "additionalProperties": False,
    }


def _resolved(schema: Any, known: Mapping[str, Any], above: frozenset[str]) -> Any:
    """The schema with each reference replaced by what it names; one that leads back to itself by a name."""
    if isinstance(schema, list):
        return [_resolved(item, known, above) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    reference = schema.get("$ref")
    if isinstance(reference, str):
        name = reference.rpartition("/")[2]
        return {"type": name} if name in above else _resolved(known[name], known, above | {name})
    return {key: _resolved(item, known, above) for key, item in schema.items()}
