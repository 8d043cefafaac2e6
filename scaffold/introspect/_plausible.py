"""Made-up JSON for a user's class or annotation, which may reject most values."""

from __future__ import annotations

import functools
import importlib
import json
import math
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.introspect._guard import hint
from scaffold.spec import JSONValue

_regex: Any = importlib.import_module("re._parser" if sys.version_info >= (3, 11) else "sre_parse")

JSONSchema = Mapping[str, Any]
"""A JSON schema, as pydantic writes it."""

_DEEPEST = 12
_FORMATS = {
    "date": "2024-06-15",
    "time": "12:00:00",
    "date-time": "2024-06-15T12:00:00",
    "duration": "PT1H30M",
    "uuid": "8f14e45f-ceea-467f-a0e6-2b1c3d4e5f60",
    "uuid4": "8f14e45f-ceea-467f-a0e6-2b1c3d4e5f60",
    "email": "ada@example.com",
    "uri": "https://example.com/",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "binary": "YQ==",
    "base64": "YQ==",
    "base64url": "YQ==",
    "json-string": "{}",
}
_CONSTRAINTS = {
    "minimum": "ge",
    "exclusiveMinimum": "gt",
    "maximum": "le",
    "exclusiveMaximum": "lt",
    "multipleOf": "multiple_of",
    "minLength": "min_length",
    "maxLength": "max_length",
    "pattern": "pattern",
}
"""The arguments of pydantic's `Field`, by their names in a JSON schema."""


@hint(otherwise=None)
def plausible_json(annotation: object, likely: JSONValue, *, strict: bool) -> JSONValue:
    """Return JSON that `annotation` accepts: `likely`, or a value made from its JSON schema.

    `None` if both are rejected, by rules that are not in the JSON schema.
    """
    adapter = _adapter(annotation)
    for value in _candidates(annotation, likely):
        if _fits(adapter, value, strict):
            return value
    return None


@functools.lru_cache(maxsize=256)
def _adapter(annotation: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(annotation)


@functools.lru_cache(maxsize=256)
def _json_schema(annotation: object) -> JSONSchema:
    schema: JSONSchema = _adapter(annotation).json_schema()
    return schema


@hint(otherwise=())
def constraints_of(annotation: object) -> tuple[tuple[str, Any], ...]:
    """Return the constraints of an annotation of a number or string, as arguments of `Field`."""
    schema = _json_schema(annotation)
    return tuple((_CONSTRAINTS[key], value) for key, value in schema.items() if key in _CONSTRAINTS)


def scalar_within(type_: str, constraints: Mapping[str, object]) -> JSONValue:
    """Return a number or string of a JSON type within constraints, named like the arguments of `Field`."""
    keys = {argument: key for key, argument in _CONSTRAINTS.items()}
    schema = {"type": type_} | {keys[name]: limit for name, limit in constraints.items()}
    value: JSONValue = _value(schema, {}, 0, "")
    return value


def _candidates(annotation: object, likely: JSONValue) -> Iterator[JSONValue]:
    yield likely
    schema = _json_schema(annotation)
    for zone in ("", "Z"):  # a JSON schema does not say whether a datetime has a time zone
        yield _value(schema, schema.get("$defs", {}), 0, zone)


@hint(otherwise=False)
def _fits(adapter: Any, value: JSONValue, strict: bool) -> bool:
    adapter.validate_json(json.dumps(value), strict=strict or None)
    return True


def _value(schema: JSONSchema, definitions: JSONSchema, depth: int, zone: str) -> Any:
    """Return a value for a JSON schema; datetimes end in `zone`."""
    if depth > _DEEPEST:
        return None
    for key in ("examples", "enum"):
        if schema.get(key):
            return schema[key][len(schema[key]) // 2]
    if "const" in schema:
        return schema["const"]
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return _value(_first_of(schema[key]), definitions, depth + 1, zone)
    if "$ref" in schema:
        return _value(definitions[schema["$ref"].rpartition("/")[2]], definitions, depth + 1, zone)
    match schema.get("type"):
        case "object":
            return _object(schema, definitions, depth, zone)
        case "array":
            return _array(schema, definitions, depth, zone)
        case "string":
            return _text(schema) + zone * (schema.get("format") == "date-time")
        case "integer" | "number":
            return _number(schema)
        case "boolean":
            return True
        case _:
            return None


def _first_of(kinds: list[JSONSchema]) -> JSONSchema:
    return next((kind for kind in kinds if kind.get("type") != "null"), kinds[0])


def _object(schema: JSONSchema, definitions: JSONSchema, depth: int, zone: str) -> dict[str, JSONValue]:
    fields = schema.get("properties", {})
    result = {name: _value(fields[name], definitions, depth + 1, zone) for name in schema.get("required", ())}
    more = schema.get("additionalProperties")
    if isinstance(more, Mapping):
        count = max(1, schema.get("minProperties", 0))
        names = [f"key{n or ''}" for n in range(count)]
        result |= {name: _value(more, definitions, depth + 1, zone) for name in names}
    return result


def _array(schema: JSONSchema, definitions: JSONSchema, depth: int, zone: str) -> list[JSONValue]:
    places = schema.get("prefixItems", ())
    result = [_value(place, definitions, depth + 1, zone) for place in places]
    if "items" in schema:
        rest = max(0 if places else 1, schema.get("minItems", 1) - len(result))
        rest = min(rest, schema.get("maxItems", rest))
        result += [_value(schema["items"], definitions, depth + 1, zone) for _ in range(rest)]
    if schema.get("uniqueItems"):
        result = [item + n if isinstance(item, int | float) else item for n, item in enumerate(result)]
    return result


def _number(schema: JSONSchema) -> Any:
    """Return a number near 1 within the bounds, a multiple of the step if there is one."""
    least, most = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    above, below = schema.get("exclusiveMinimum", -math.inf), schema.get("exclusiveMaximum", math.inf)
    step = schema.get("multipleOf", 1)
    if schema["type"] == "integer" or "multipleOf" in schema:
        count = 1
        if max(least, above) > -math.inf:
            count = max(count, math.ceil(least / step) if least > above else math.floor(above / step) + 1)
        if min(most, below) < math.inf:
            count = min(count, math.floor(most / step) if most < below else math.ceil(below / step) - 1)
        return count * step
    low, high = max(least, above), min(most, below)
    if low < 1 < high or low == high:
        return min(max(1.0, low), high)
    if high == math.inf:
        return low + 1
    return high - 1 if low == -math.inf else (low + high) / 2


def _text(schema: JSONSchema) -> str:
    least: int = schema.get("minLength", 0)
    most: float = schema.get("maxLength", math.inf)
    if "pattern" not in schema:
        text = _FORMATS.get(schema.get("format", ""), "text")
        padded = f"{text}{'x' * (least - len(text))}"
        return padded if len(padded) <= most else padded[: int(most)]
    parsed = _regex.parse(schema["pattern"])
    for repeats in range(max(1, least) + 1):
        text = "".join(map(str, _matching(parsed, repeats)))
        text += "x" * (least - len(text))
        if re.search(schema["pattern"], text) and len(text) <= most:
            return text
    return "text"


def _matching(parsed: Any, repeats: int) -> Iterator[str]:
    """Yield the parts of a string that matches a parsed pattern; repetitions occur `repeats` times."""
    for operator, argument in parsed:
        match str(operator):
            case "LITERAL":
                yield chr(argument)
            case "NOT_LITERAL":
                yield "b" if chr(argument) == "a" else "a"
            case "ANY":
                yield "a"
            case "IN":
                yield _member(argument)
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                least, most, inner = argument
                for _ in range(int(min(max(least, repeats), int(most)))):
                    yield from _matching(inner, repeats)
            case "SUBPATTERN":
                yield from _matching(argument[3], repeats)
            case "BRANCH":
                yield from _matching(argument[1][0], repeats)


_CLASSES = {"CATEGORY_DIGIT": "1", "CATEGORY_SPACE": " ", "CATEGORY_WORD": "a", "CATEGORY_NOT_DIGIT": "a"}
_CLASSES |= {"CATEGORY_NOT_SPACE": "a", "CATEGORY_NOT_WORD": "-"}


def _member(choices: list[Any]) -> str:
    """Return a character of a set such as `[A-Z_]`."""
    operator, argument = choices[0]
    match str(operator):
        case "LITERAL":
            return chr(argument)
        case "RANGE":
            return chr(argument[0])
        case "CATEGORY":
            return _CLASSES.get(str(argument), "a")
    refused = re.compile("".join(("[", *map(_class_text, choices[1:]), "]")))  # [^...]
    return next((character for character in "a1-_ Az" if not refused.match(character)), "a")


def _class_text(choice: Any) -> str:
    operator, argument = choice
    if str(operator) == "CATEGORY":
        return {"CATEGORY_DIGIT": r"\d", "CATEGORY_SPACE": r"\s", "CATEGORY_WORD": r"\w"}.get(
            str(argument), ""
        )
    ends = [argument] if str(operator) == "LITERAL" else list(argument)
    return "-".join(re.escape(chr(end)) for end in ends)
