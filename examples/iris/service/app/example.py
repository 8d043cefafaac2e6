"""A made-up record for the first prediction, from the examples and types in `schemas.py`."""

import math
from typing import Any, TypeVar

from pydantic import TypeAdapter

Record = TypeVar("Record")

FORMATS = {
    "date": "2000-01-01",
    "time": "00:00:00",
    "date-time": "2000-01-01T00:00:00Z",
    "duration": "PT1S",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "binary": "YQ==",
    "base64": "YQ==",
    "base64url": "YQ==",
}


def make_record(kind: type[Record]) -> Record:
    """A record of the right shape; what it says means nothing."""
    adapter = TypeAdapter(kind)
    schema = adapter.json_schema()
    value = TypeAdapter(Any).dump_json(_value(schema, schema.get("$defs", {})))
    return adapter.validate_json(value)


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
    match schema.get("type"):
        case "object":
            fields = schema.get("properties", {})
            return {name: _value(fields[name], known) for name in schema.get("required", ())}
        case "array":
            first = [_value(item, known) for item in schema.get("prefixItems", ())]
            rest = max(0, schema.get("minItems", 1) - len(first)) if "items" in schema else 0
            return first + [_value(schema["items"], known) for _ in range(rest)]
        case "string":
            return FORMATS.get(schema.get("format", ""), "a" * schema.get("minLength", 1))
        case "integer" | "number":
            least = schema.get("minimum", schema.get("exclusiveMinimum", -math.inf))
            most = schema.get("maximum", schema.get("exclusiveMaximum", math.inf))
            if least < 1 < most:
                return 1
            if most == math.inf:
                return least + 1
            middle = most - 1 if least == -math.inf else (least + most) / 2
            return math.floor(middle) if schema["type"] == "integer" else middle
        case "boolean":
            return False
        case _:
            return None
