"""Bring settings.py of the old layout into the present shape: its fields are those of `ServingSettings`."""

from __future__ import annotations

import ast
from dataclasses import replace

from scaffold.upgrade._chunks import Module, cut_body, cut_module, has_chunk, joined

_CLASS = "class Settings"


def reshape_settings(base: str, ours: str, theirs: str, serving_settings: str) -> tuple[str, str, list[str]]:
    """Remove the fields that the base class defines, unless the owner changed them."""
    before, mine, new = (cut_module(text) for text in (base, ours, theirs))
    if not all(has_chunk(side, _CLASS) for side in (before, mine, new)):
        return base, ours, []
    before, mine = _with_opentelemetry(before), _with_opentelemetry(mine)
    inherited = {part.key for part in _parts(cut_module(serving_settings), "class ServingSettings")}
    inherited = {key for key in inherited if key.startswith("name ") and key != "name model_config"}
    inherited -= {part.key for part in _parts(new, _CLASS)}
    generated_parts = {part.key: part for part in _parts(before, _CLASS)}
    owner_keys = {part.key for part in _parts(mine, _CLASS)}
    unchanged = {
        part.key
        for part in _parts(mine, _CLASS)
        if part.key in inherited
        and part.key in generated_parts
        and part.text.strip() == generated_parts[part.key].text.strip()
    }
    problems = [
        f"you removed the setting {key.removeprefix('name ')}; ServingSettings has it"
        for key in sorted(generated_parts.keys() & inherited - owner_keys)
    ]
    return joined(_without_fields(before, inherited)), joined(_without_fields(mine, unchanged)), problems


def _with_opentelemetry(chunks: Module) -> Module:
    """The old constant as the field that it is now."""
    constant = next((chunk for chunk in chunks if chunk.key == "name OPENTELEMETRY"), None)
    if not constant or not isinstance(constant.node, ast.Assign):
        return chunks
    line = f"    opentelemetry: bool = {ast.unparse(constant.node.value)}\n"
    return [
        replace(chunk, code=chunk.code + line) if chunk.key == _CLASS else chunk
        for chunk in chunks
        if chunk is not constant
    ]


def _parts(chunks: Module, key: str) -> Module:
    return next((cut_body(chunk)[1] for chunk in chunks if chunk.key == key), [])


def _without_fields(chunks: Module, keys: set[str]) -> Module:
    result = []
    for chunk in chunks:
        if chunk.key == _CLASS:
            head, parts = cut_body(chunk)
            body = joined(part for part in parts if part.key not in keys)
            chunk = replace(chunk, code=head + (body if body.strip() else "    pass\n"))
        result.append(chunk)
    return result
