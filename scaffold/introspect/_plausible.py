"""Made-up JSON for a class or an annotation of the user's own, which may refuse most values."""

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

Described = Mapping[str, Any]
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
"""What a JSON schema calls the arguments of pydantic's `Field`."""


@hint(otherwise=None)
def made_up(annotation: object, likely: JSONValue, *, strict: bool) -> JSONValue:
    """Return JSON that `annotation` takes: `likely` if that fits, else what its JSON schema describes.

    `None` where neither does: then there are rules that no schema tells.
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
def _described(annotation: object) -> Described:
    found: Described = _adapter(annotation).json_schema()
    return found


@hint(otherwise=())
def constraints_of(annotation: object) -> tuple[tuple[str, Any], ...]:
    """Return what an annotation asks of a number or text beside its type, as arguments of `Field`."""
    described = _described(annotation)
    return tuple((_CONSTRAINTS[key], value) for key, value in described.items() if key in _CONSTRAINTS)


def scalar_within(type_: str, constraints: Mapping[str, object]) -> JSONValue:
    """Return a number or text of a JSON type within constraints that are named as `Field` does."""
    keys = {argument: key for key, argument in _CONSTRAINTS.items()}
    described = {"type": type_} | {keys[name]: limit for name, limit in constraints.items()}
    made: JSONValue = _value(described, {}, 0, "")
    return made


def _candidates(annotation: object, likely: JSONValue) -> Iterator[JSONValue]:
    yield likely
    described = _described(annotation)
    for zone in ("", "Z"):  # a JSON schema does not say whether a moment has one
        yield _value(described, described.get("$defs", {}), 0, zone)


@hint(otherwise=False)
def _fits(adapter: Any, value: JSONValue, strict: bool) -> bool:
    adapter.validate_json(json.dumps(value), strict=strict or None)
    return True


def _value(described: Described, known: Described, depth: int, zone: str) -> Any:
    """Return a value that a JSON schema describes; moments end in `zone`."""
    if depth > _DEEPEST:
        return None
    for key in ("examples", "enum"):
        if described.get(key):
            return described[key][len(described[key]) // 2]
    if "const" in described:
        return described["const"]
    for key in ("anyOf", "oneOf", "allOf"):
        if key in described:
            return _value(_first_of(described[key]), known, depth + 1, zone)
    if "$ref" in described:
        return _value(known[described["$ref"].rpartition("/")[2]], known, depth + 1, zone)
    match described.get("type"):
        case "object":
            return _object(described, known, depth, zone)
        case "array":
            return _array(described, known, depth, zone)
        case "string":
            return _text(described) + zone * (described.get("format") == "date-time")
        case "integer" | "number":
            return _number(described)
        case "boolean":
            return True
        case _:
            return None


def _first_of(kinds: list[Described]) -> Described:
    return next((kind for kind in kinds if kind.get("type") != "null"), kinds[0])


def _object(described: Described, known: Described, depth: int, zone: str) -> dict[str, JSONValue]:
    fields = described.get("properties", {})
    made = {name: _value(fields[name], known, depth + 1, zone) for name in described.get("required", ())}
    more = described.get("additionalProperties")
    if isinstance(more, Mapping):
        count = max(1, described.get("minProperties", 0))
        names = [f"key{n or ''}" for n in range(count)]
        made |= {name: _value(more, known, depth + 1, zone) for name in names}
    return made


def _array(described: Described, known: Described, depth: int, zone: str) -> list[JSONValue]:
    places = described.get("prefixItems", ())
    made = [_value(place, known, depth + 1, zone) for place in places]
    if "items" in described:
        rest = max(0 if places else 1, described.get("minItems", 1) - len(made))
        rest = min(rest, described.get("maxItems", rest))
        made += [_value(described["items"], known, depth + 1, zone) for _ in range(rest)]
    if described.get("uniqueItems"):
        made = [item + n if isinstance(item, int | float) else item for n, item in enumerate(made)]
    return made


def _number(described: Described) -> Any:
    """Return a number within the bounds: a multiple of the step where there is one, near to 1."""
    least, most = described.get("minimum", -math.inf), described.get("maximum", math.inf)
    above, below = described.get("exclusiveMinimum", -math.inf), described.get("exclusiveMaximum", math.inf)
    step = described.get("multipleOf", 1)
    if described["type"] == "integer" or "multipleOf" in described:
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


def _text(described: Described) -> str:
    least: int = described.get("minLength", 0)
    most: float = described.get("maxLength", math.inf)
    if "pattern" not in described:
        text = _FORMATS.get(described.get("format", ""), "text")
        padded = f"{text}{'x' * (least - len(text))}"
        return padded if len(padded) <= most else padded[: int(most)]
    parsed = _regex.parse(described["pattern"])
    for repeats in range(max(1, least) + 1):
        text = "".join(map(str, _matching(parsed, repeats)))
        text += "x" * (least - len(text))
        if re.search(described["pattern"], text) and len(text) <= most:
            return text
    return "text"


def _matching(parsed: Any, repeats: int) -> Iterator[str]:
    """Yield the parts of a text that a parsed pattern matches; what may repeat does so `repeats` times."""
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
    refused = re.compile("".join(("[", *map(_written, choices[1:]), "]")))  # [^...]
    return next((character for character in "a1-_ Az" if not refused.match(character)), "a")


def _written(choice: Any) -> str:
    operator, argument = choice
    if str(operator) == "CATEGORY":
        return {"CATEGORY_DIGIT": r"\d", "CATEGORY_SPACE": r"\s", "CATEGORY_WORD": r"\w"}.get(
            str(argument), ""
        )
    ends = [argument] if str(operator) == "LITERAL" else list(argument)
    return "-".join(re.escape(chr(end)) for end in ends)
