"""The edge cases of the schema: what openapi.json allows is answered, anything else is a 422."""

import json
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.service import OPENAPI
from tests.test_service import SAMPLE

if TYPE_CHECKING:
    import httpx

Case = tuple[str, Any, int]  # what it is, a record, and the status of the response

DESCRIPTION = json.loads(OPENAPI.read_text(encoding="utf-8")) if OPENAPI.exists() else {}
RECORD = SAMPLE["requests"][0]
# A value of each type of JSON, to find one that a field does not take.
VALUES = {"string": "text", "boolean": True, "array": [], "object": {}}
MACHINE_LIMIT = 2**31 - 1  # beyond it a bound is that of a type, and says little about the model


def members(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The alternatives of a schema: those of `anyOf`, with references resolved."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        yield from members(DESCRIPTION["components"]["schemas"][name])
    elif alternatives := schema.get("anyOf") or schema.get("oneOf"):
        for alternative in alternatives:
            yield from members(alternative)
    else:
        yield schema


def types_of(schema: dict[str, Any]) -> set[str]:
    """The types of JSON that a schema takes; `any` if it does not say."""
    return {member.get("type", "any") for member in members(schema)}


def beyond(field: dict[str, Any], value: Any) -> Iterator[tuple[str, Any, int]]:
    """Values at and beyond the limits of a field that has one type."""
    whole = field.get("type") == "integer"
    limits = {"minimum": -1, "maximum": 1, "exclusiveMinimum": -1, "exclusiveMaximum": 1}
    for key, sign in limits.items():
        if key not in field:
            continue
        limit = int(field[key]) if whole else float(field[key])
        outside = limit + sign if whole else math.nextafter(limit, sign * math.inf)
        if key.startswith("exclusive"):
            yield f"at its {key}", limit, 422
        else:
            yield f"beyond its {key}", outside, 422
            if abs(limit) < MACHINE_LIMIT:
                yield f"at its {key}", limit, 200
    if "enum" in field and types_of(field) == {"string"}:
        yield "another value than those it may have", "".join(map(str, field["enum"])) + "?", 422
    if isinstance(value, list) and value:
        if len(value) == field.get("minItems"):
            yield "with an item less", value[:-1], 422
        if len(value) == field.get("maxItems"):
            yield "with an item more", [*value, value[-1]], 422


def cases_of(name: str, schema: dict[str, Any], required: bool) -> Iterator[Case]:
    """The edge cases of one field."""
    rest = {key: value for key, value in RECORD.items() if key != name}
    yield f"{name} left out", rest, 422 if required else 200
    types = types_of(schema)
    if "any" not in types:
        yield f"{name} null", {**rest, name: None}, 200 if "null" in types else 422
        wrong = [value for kind, value in VALUES.items() if kind not in types]
        if wrong:
            yield f"{name} of a wrong type", {**rest, name: wrong[0]}, 422
    fields = [member for member in members(schema) if member.get("type") != "null"]
    if len(fields) == 1:
        for what, value, status in beyond(fields[0], RECORD.get(name)):
            yield f"{name} {what}", {**rest, name: value}, status


def cases() -> Iterator[Case]:
    """All edge cases; none if there is no openapi.json, or a record has no fields."""
    body = DESCRIPTION.get("paths", {}).get("/score", {}).get("post", {}).get("requestBody")
    [record] = members(body["content"]["application/json"]["schema"]) if body else [{}]
    for name, schema in record.get("properties", {}).items():
        yield from cases_of(name, schema, name in record.get("required", []))
    if record.get("additionalProperties") is False:
        yield "an unknown field", {**RECORD, "no field has this name": 1}, 422


@pytest.mark.parametrize(
    ("record", "status"),
    [pytest.param(record, status, id=f"{what}: {status}") for what, record, status in cases()],
)
def test_an_edge_case_of_the_schema(live: "httpx.Client", record: Any, status: int) -> None:
    response = live.post("/score", json=record)
    assert response.status_code == status, response.text


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"text"])
@pytest.mark.parametrize("path", ["/score", "/score/batch"])
def test_what_is_no_record_is_refused(live: "httpx.Client", path: str, body: bytes) -> None:
    response = live.post(path, content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 422, response.text


def test_a_batch_with_one_wrong_record_is_refused(live: "httpx.Client") -> None:
    response = live.post("/score/batch", json=[RECORD, None])
    assert response.status_code == 422, response.text
