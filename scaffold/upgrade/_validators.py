"""Conflicts for fields that the owner's methods use and whose type changes in the new state."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Set
from dataclasses import replace

from scaffold.upgrade._chunks import Chunk
from scaffold.upgrade._conflicts import Conflicts
from scaffold.upgrade._fields import is_another_kind


def contest_used_fields(
    sides: tuple[list[Chunk], list[Chunk], list[Chunk]], conflicts: Conflicts
) -> tuple[list[Chunk], list[Chunk], list[Chunk]]:
    """Return the bodies of a class, with a conflict for each field of another type that a method uses."""
    before, mine, new = ({chunk.key: chunk for chunk in side} for side in sides)
    fields = {key.removeprefix("name ") for key in mine if key.startswith("name ")}
    used = {
        name
        for chunk in sides[1]
        if chunk.key not in before or chunk.code != before[chunk.key].code
        for name in _used_fields(chunk, fields)
    }
    texts: dict[str, str] = {}
    for key in (f"name {name}" for name in sorted(used)):
        versions = [side[key] for side in (before, mine, new) if key in side]
        kinds = [_annotation(chunk) for chunk in versions]
        if len(versions) == len(sides) and kinds[0] == kinds[1] and is_another_kind(kinds[0], kinds[2]):
            texts[key] = conflicts.resolve(versions[1].code, versions[2].code)
    changed = ([replace(chunk, code=texts.get(chunk.key, chunk.code)) for chunk in side] for side in sides)
    return next(changed), next(changed), next(changed)


def _used_fields(chunk: Chunk, fields: Set[str]) -> Iterator[str]:
    """Yield the fields that a method validates, serializes or reads from the record."""
    method = chunk.node
    if not isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef):
        return
    names = [ast.unparse(getattr(each, "func", each)) for each in method.decorator_list]
    for decorator, name in zip(method.decorator_list, names, strict=True):
        if isinstance(decorator, ast.Call) and name.endswith(("validator", "serializer")):
            named = {str(each.value) for each in decorator.args if isinstance(each, ast.Constant)}
            yield from fields if "*" in named else named & fields
    record = method.args.args[0].arg if method.args.args and "classmethod" not in names else ""
    reads_keys = any(name.endswith("model_validator") for name in names)
    for node in ast.walk(method):
        match node:
            case ast.Attribute(value=ast.Name(id=owner), attr=name) if owner == record and name in fields:
                yield name
            case ast.Constant(value=str(name)) if reads_keys and name in fields:
                yield name
            case _:
                pass


def _annotation(chunk: Chunk) -> str:
    return ast.unparse(chunk.node.annotation) if isinstance(chunk.node, ast.AnnAssign) else "None"
