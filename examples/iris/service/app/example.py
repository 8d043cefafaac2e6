"""A made-up record for the first prediction, from the examples and types in `schemas.py`."""

from typing import Any

from pydantic import TypeAdapter

from app.schemas import ModelInput

STRINGS = {
    "date": "2000-01-01",
    "time": "00:00:00",
    "date-time": "2000-01-01T00:00:00Z",
    "duration": "PT1S",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def make_record() -> ModelInput:
    """A record of the right shape; what it says means nothing."""
    body_type = TypeAdapter(ModelInput)
    schema = body_type.json_schema()
    return body_type.validate_json(_dumps(_value(schema, schema.get("$defs", {}))))


def _dumps(value: Any) -> bytes:
    return TypeAdapter(Any).dump_json(value)


def _value(schema: dict[str, Any], known: dict[str, Any]) -> Any:
    """A value that the JSON schema describes: an example where it has one."""
    for key in ("examples", "enum"):
        if schema.get(key):
            return schema[key][0]
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return _value(schema[key][0], known)
    if "$ref" in schema:
        return _value(known[schema["$ref"].rpartition("/")[2]], known)
    if "prefixItems" in schema:
        return [_value(item, known) for item in schema["prefixItems"]]
    match schema.get("type"):
        case "object":
            fields = schema.get("properties", {})
            return {name: _value(fields[name], known) for name in schema.get("required", ())}
        case "array":
            return [_value(schema.get("items", {}), known)] * schema.get("minItems", 1)
        case "string":
            return STRINGS.get(schema.get("format", ""), "a" * schema.get("minLength", 1))
        case "integer" | "number":
            return schema.get("minimum", 0)
        case "boolean":
            return False
        case _:
            return None
