"""The schema of a request as a project's `openapi.json` has it, and whether requests fit it."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaffold.base.checked import read_below
from scaffold.base.layout import OPENAPI
from scaffold.spec import SCORE_PROTOCOL, JSONValue

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSchema:
    """The schema of the body of `POST /score`."""

    name: str
    """The class of the model: `ModelInput`; empty where the schema has no name."""
    schema: Mapping[str, Any]
    definitions: Mapping[str, Any]

    @property
    def fields(self) -> frozenset[str]:
        """Return the names of the fields over HTTP."""
        return frozenset(self.schema.get("properties") or ())

    def misfit(self, requests: tuple[JSONValue, ...]) -> str:
        """Return the first problem of the requests: `requests[3].Age: ...`; empty if all fit."""
        for number, request in enumerate(requests):
            for problem in self._problems(request, self.schema, f"requests[{number}]"):
                return problem
        return ""

    def _problems(self, value: Any, schema: Any, place: str) -> Iterator[str]:
        """Yield the violations of the rules that are cheap to check: types, fields, choices."""
        if not isinstance(schema, dict):
            return
        if "$ref" in schema:
            schema = self.definitions.get(str(schema["$ref"]).rpartition("/")[2], {})
        for options in (schema.get("anyOf"), schema.get("oneOf")):
            if options and all(any(self._problems(value, option, place)) for option in options):
                yield f"{place}: {_shorten(value)} is none of the {len(options)} kinds that it may be"
        declared_type = schema.get("type", [])
        types = [declared_type] if isinstance(declared_type, str) else declared_type
        if types and not any(_is_of(value, each) for each in types):
            yield f"{place}: {_shorten(value)} is no {' or '.join(types)}"
            return
        if "enum" in schema and value not in schema["enum"]:
            yield f"{place}: {_shorten(value)} is none of {_shorten(schema['enum'])}"
        if isinstance(value, dict):
            yield from self._field_problems(value, schema, place)
        if isinstance(value, list) and "items" in schema:
            for number, item in enumerate(value):
                yield from self._problems(item, schema["items"], f"{place}[{number}]")

    def _field_problems(self, value: dict[str, Any], schema: dict[str, Any], place: str) -> Iterator[str]:
        fields = schema.get("properties") or {}
        for name in schema.get("required") or ():
            if name not in value:
                yield f"{place} lacks {name}"
        for name, each in value.items():
            if name in fields:
                yield from self._problems(each, fields[name], f"{place}.{name}")
            elif schema.get("additionalProperties") is False:
                yield f"{place} has {name}, which is no field"


def read_request_schema(root: Path) -> RequestSchema | None:
    """Return the schema of a request by `openapi.json`; None where there is none to be found.

    Raises:
        ValueError: The file is no JSON.
    """
    try:
        document = json.loads(read_below(root, OPENAPI))
    except OSError:
        return None
    try:
        definitions = document["components"]["schemas"]
        body = document["paths"][SCORE_PROTOCOL.single.path]["post"]["requestBody"]
        schema = body["content"]["application/json"]["schema"]
        name = str(schema.get("$ref", "")).rpartition("/")[2]
        return RequestSchema(name=name, schema=definitions[name] if name else schema, definitions=definitions)
    except (KeyError, TypeError, AttributeError):
        return None


def fields_of_class(text: str, name: str, place: str) -> frozenset[str] | None:
    """Return the names over HTTP of the fields of a pydantic class; None where the text alone cannot say.

    Args:
        text: The module, which is not run.
        name: The class.
        place: The path of the module, for an error.

    Raises:
        SyntaxError: It is no Python.
    """
    for node in ast.walk(ast.parse(text, place)):
        if isinstance(node, ast.ClassDef) and node.name == name:
            plain = [ast.unparse(base) for base in node.bases] == ["BaseModel"]
            named_otherwise = any(
                word in ast.unparse(node) for word in ("alias_generator", "validation_alias")
            )
            if not plain or named_otherwise:
                return None
            return frozenset(filter(None, map(_field_name, node.body)))
    return None


def _field_name(node: ast.stmt) -> str:
    if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
        return ""
    if "ClassVar" in ast.unparse(node.annotation) or node.target.id.startswith("_"):
        return ""
    aliases = [
        keyword.value.value
        for each in ast.walk(node)
        if isinstance(each, ast.Call) and ast.unparse(each.func).endswith("Field")
        for keyword in each.keywords
        if keyword.arg == "alias" and isinstance(keyword.value, ast.Constant)
    ]
    return str(aliases[0]) if aliases else node.target.id


def _is_of(value: Any, name: str) -> bool:
    types = _TYPES.get(name)
    if types is None:
        return True
    return isinstance(value, types) and (not isinstance(value, bool) or name == "boolean")


def _shorten(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
