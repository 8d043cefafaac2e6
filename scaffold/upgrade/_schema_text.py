"""Short descriptions of JSON Schemas, for reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scaffold.upgrade._contract import JSONSchema


def schema_text(schema: JSONSchema) -> str:
    """A schema in a few words: `integer`, `number or null`, `one of "a", "b"`."""
    kinds = kinds_of(schema)
    return " or ".join(
        "array of " + schema_text(kind["items"])
        if "items" in kind
        else values_text(kind["enum"])
        if "enum" in kind
        else name
        for name, kind in kinds.items()
    )


def kinds_of(schema: JSONSchema) -> dict[str, JSONSchema]:
    """Return the alternatives of a schema by type and format; `anything` for a schema without a type."""
    alternatives = schema.get("anyOf") or schema.get("oneOf")
    if alternatives:
        return {name: kind for item in alternatives for name, kind in kinds_of(item).items()}
    if "allOf" in schema and len(schema["allOf"]) == 1:
        return kinds_of(schema["allOf"][0])
    types = schema.get("type", "anything")
    form = f" ({schema['format']})" if "format" in schema else ""
    return {f"{name}{form}": schema for name in ([types] if isinstance(types, str) else types)}


def length_text(schema: JSONSchema) -> str:
    """Return the bounds of an array's length: `3 items`, `0 to any items`."""
    if "prefixItems" in schema:
        return f"{len(schema['prefixItems'])} items"
    low, high = schema.get("minItems", 0), schema.get("maxItems", "any")
    return f"{low} items" if low == high else f"{low} to {high} items"


def values_text(values: Sequence[Any] | None) -> str:
    """The values that are allowed, the first eight of them; None stands for any."""
    if values is None:
        return "any value"
    values_list = ", ".join(map(repr, values[:8]))
    return f"one of {values_list}" + (f" and {len(values) - 8} more" if len(values) > 8 else "")


def bound_text(value: float | None) -> str:
    """A bound, a float with six digits."""
    return "none" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
