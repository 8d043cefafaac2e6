"""Rules for answers: each checks a value and describes the valid values as JSON Schema."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from scaffold.errors import InvalidAnswerError
from scaffold.spec import JSONValue

QUALIFIED = re.compile(r"([a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
"""The name of a label, an annotation or a resource."""
OWN_LABELS = {
    f"app.kubernetes.io/{name}" for name in ("name", "instance", "component", "version", "managed-by")
}
OWN_PREFIX = "model-scaffold/"
_URL = re.compile(r"https?://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*/?")

Schema = dict[str, Any]
Checked = TypeVar("Checked")
Member = TypeVar("Member", bound=enum.Enum)


@dataclass(frozen=True, slots=True)
class Rule(Generic[Checked]):
    """What an answer may hold. Called with its name and value, it returns the value for the templates.

    The schema is for editors: a value that it takes may still be refused, such as numbers that do not rise.
    """

    check: Callable[[str, JSONValue], Checked]
    schema: Schema

    def __call__(self, name: str, value: JSONValue) -> Checked:
        """Return the checked value.

        Raises:
            InvalidAnswerError: The answer cannot have it.
        """
        return self.check(name, value)


def _flag(name: str, value: JSONValue) -> bool:
    if not isinstance(value, bool):
        raise InvalidAnswerError(name, value, "true or false")
    return value


flag = Rule(_flag, {"type": "boolean"})


def whole(least: int, most: int) -> Rule[int]:
    """A whole number."""

    def check(name: str, value: JSONValue) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise InvalidAnswerError(name, value, f"a whole number from {least} to {most}")
        return value

    return Rule(check, {"type": "integer", "minimum": least, "maximum": most})


def text(pattern: re.Pattern[str], expected: str, most: int = 253) -> Rule[str]:
    """A text that matches `pattern` as a whole, or an empty text for no answer.

    Args:
        pattern: What matches, also in JavaScript.
        wanted: What the message asks for.
        most: The most characters.
    """

    def check(name: str, value: JSONValue) -> str:
        if value == "":
            return ""
        if not isinstance(value, str) or len(value) > most or not pattern.fullmatch(value):
            raise InvalidAnswerError(name, value, expected)
        return value

    return Rule(check, {"type": "string", "pattern": f"^({pattern.pattern})?$", "maxLength": most})


def url(example: str) -> Rule[str]:
    """The URL of an HTTP server."""
    expected = f"a URL, as in {example}"
    matching = text(_URL, expected)

    def check(name: str, value: JSONValue) -> str:
        address = matching(name, value)
        port = address.rpartition(":")[2].partition("/")[0]
        if port.isdigit() and not 0 < int(port) < 1 << 16:
            raise InvalidAnswerError(name, value, expected)
        return address

    return Rule(check, matching.schema)


def pairs(pattern: re.Pattern[str] | None = None) -> Rule[dict[str, str]]:
    """Names of labels or annotations, each with a text, which matches."""
    expected = (
        "names and texts, as in {'team': 'passengers'}, and none of the template:"
        f" {', '.join(sorted(OWN_LABELS))}, {OWN_PREFIX}..."
    )

    def is_pair(key: str, value: JSONValue) -> bool:
        matches = isinstance(value, str) and (pattern is None or pattern.fullmatch(value))
        is_own = key in OWN_LABELS or key.startswith(OWN_PREFIX)
        return bool(matches and QUALIFIED.fullmatch(key)) and not is_own

    def check(name: str, value: JSONValue) -> dict[str, str]:
        if not isinstance(value, dict) or not all(is_pair(*each) for each in value.items()):
            raise InvalidAnswerError(name, value, expected)
        return {key: str(each) for key, each in value.items()}

    values = {"type": "string"} | ({"pattern": f"^({pattern.pattern})$"} if pattern else {})
    names = {"pattern": f"^({QUALIFIED.pattern})$", "not": {"enum": sorted(OWN_LABELS)}}
    return Rule(check, {"type": "object", "propertyNames": names, "additionalProperties": values})


def api_object(*keys: str, needed: Sequence[str] = ()) -> Rule[dict[str, JSONValue]]:
    """An object of the Kubernetes API that may have these fields, and has those that are needed."""
    expected = f"{' and '.join(needed)}, and some of" if needed else "some of"

    def check(name: str, value: JSONValue) -> dict[str, JSONValue]:
        if not isinstance(value, dict) or not set(needed) <= set(value) <= {*needed, *keys}:
            raise InvalidAnswerError(name, value, f"an object with {expected} {', '.join(keys)}")
        return value

    fields: Schema = {key: {} for key in (*needed, *keys)}
    schema: Schema = {"type": "object", "properties": fields, "additionalProperties": False}
    return Rule(check, schema | ({"required": list(needed)} if needed else {}))


def api_objects(*keys: str, needed: Sequence[str] = ()) -> Rule[tuple[JSONValue, ...]]:
    """A list of such objects."""
    one = api_object(*keys, needed=needed)

    def check(name: str, value: JSONValue) -> tuple[JSONValue, ...]:
        if not isinstance(value, list):
            raise InvalidAnswerError(name, value, f"a list of objects with some of {', '.join(keys)}")
        return tuple(one(name, each) for each in value)

    return Rule(check, {"type": "array", "items": one.schema})


def one_of(expected: str, *choices: str) -> Rule[str]:
    """A text that is one of the choices."""

    def check(name: str, value: JSONValue) -> str:
        if not isinstance(value, str) or value not in choices:
            raise InvalidAnswerError(name, value, expected)
        return value

    return Rule(check, {"enum": list(choices)})


def member(members: type[Member], expected: str) -> Rule[Member]:
    """The member of an enum, by its value."""

    def check(name: str, value: JSONValue) -> Member:
        try:
            return members(value)
        except ValueError:
            raise InvalidAnswerError(name, value, expected) from None

    return Rule(check, {"enum": [each.value for each in members]})
