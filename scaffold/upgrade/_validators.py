"""Conflicts for fields that the owner validates and whose type changes in the new state."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from scaffold.upgrade._chunks import Chunk
from scaffold.upgrade._conflicts import Conflicts
from scaffold.upgrade._fields import is_another_kind


def contest_validated(
    sides: tuple[list[Chunk], list[Chunk], list[Chunk]], conflicts: Conflicts
) -> tuple[list[Chunk], list[Chunk], list[Chunk]]:
    """Return the bodies of a class, with a conflict for each validated field whose type changes."""
    before, mine, new = ({chunk.key: chunk for chunk in side} for side in sides)
    validated = {name for chunk in sides[1] if chunk.key not in before for name in _validated_fields(chunk)}
    texts: dict[str, str] = {}
    for key in (f"name {name}" for name in sorted(validated)):
        versions = [side[key] for side in (before, mine, new) if key in side]
        kinds = [_annotation(chunk) for chunk in versions]
        if len(versions) == len(sides) and kinds[0] == kinds[1] and is_another_kind(kinds[0], kinds[2]):
            texts[key] = conflicts.resolve(versions[1].code, versions[2].code)
    changed = ([replace(chunk, code=texts.get(chunk.key, chunk.code)) for chunk in side] for side in sides)
    return next(changed), next(changed), next(changed)


def _validated_fields(chunk: Chunk) -> Iterator[str]:
    """Yield the fields that a method validates."""
    for decorator in getattr(chunk.node, "decorator_list", ()):
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith("validator"):
            yield from (str(name.value) for name in decorator.args if isinstance(name, ast.Constant))


def _annotation(chunk: Chunk) -> str:
    return ast.unparse(chunk.node.annotation) if isinstance(chunk.node, ast.AnnAssign) else "None"
