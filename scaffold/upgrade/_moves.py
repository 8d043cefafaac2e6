"""Follow what the owner moved: a file to another path, a field into a base class of their own."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from scaffold.base.layout import APP, MAIN
from scaffold.upgrade._chunks import Chunk, Module, cut_body, cut_module
from scaffold.upgrade._content import Content, Opaque
from scaffold.upgrade._imports import module_name, restore_imports

_ALIKE = 0.5
"""The share of common lines above which a file counts as another one under a new name."""


def find_moved_folder(
    ancestor: Mapping[str, Content], ours: Mapping[str, Content], added_files: Mapping[str, Content]
) -> str:
    """The folder below which the owner put `app/`, as in `src/app/`; empty where it is in its place."""
    modules = [path for path in ancestor if path.startswith(f"{APP}/") and path.endswith(".py")]
    if MAIN not in ancestor or MAIN in ours:
        return ""
    for added in sorted(added_files):
        folder, separator, _ = added.rpartition(f"/{MAIN}")
        if separator and 2 * sum(f"{folder}/{path}" in added_files for path in modules) > len(modules):
            return folder
    return ""


def find_moved_files(
    ancestor: Mapping[str, Content], ours: Mapping[str, Content], added_files: Mapping[str, Content]
) -> dict[str, str]:
    """Return the new paths of pristine files that the owner moved, by old path; matched by content."""
    missing = [path for path in ancestor if path not in ours]
    if not missing:
        return {}
    moves: dict[str, str] = {}
    for added, content in sorted(added_files.items()):
        alike = {
            path: _likeness(content, ancestor[path])
            for path in ancestor
            if _same_kind(path, added) or (isinstance(content, Opaque) and content == ancestor[path])
        }
        best = max(alike, key=lambda path: (alike[path], path not in missing), default="")
        if best in missing and alike[best] >= _ALIKE and best not in moves:
            moves[best] = added
    return moves


def follow_moved_fields(base: Module, ours: Module, theirs: Module) -> tuple[Module, Module]:
    """Return the generated modules with the owner's base classes and the fields that moved into these."""
    generated = {chunk.key: chunk for chunk in base}
    added = {chunk.key: chunk for chunk in ours if chunk.key not in generated}
    for chunk in ours:
        before = generated.get(chunk.key)
        if before is None or not isinstance(chunk.node, ast.ClassDef):
            continue
        removed = _fields(before) - _fields(chunk)
        parents = (f"class {name.id}" for name in chunk.node.bases if isinstance(name, ast.Name))
        for parent in (added[key] for key in parents if key in added):
            if moved := removed & _fields(parent):
                base = _with_parent(base, chunk.key, parent, moved)
                theirs = _with_parent(theirs, chunk.key, parent, moved)
    return base, theirs


@dataclass(frozen=True, slots=True)
class MovedClass:
    """A class of a generated module that the owner put into a module of their own."""

    path: str
    base: str
    """The owner's module with the class as it was generated before."""
    theirs: str
    """The owner's module with the class as it is generated now, and its imports."""


def follow_moved_classes(
    base: str, ours: str, theirs: str, added_files: Mapping[str, Content]
) -> tuple[str, str, list[MovedClass]]:
    """Return the generated modules without the classes that the owner moved, and these classes."""
    try:
        before, mine, new = (cut_module(text) for text in (base, ours, theirs))
        added = {path: cut_module(text) for path, text in _modules(added_files)}
    except (SyntaxError, ValueError):
        return base, theirs, []
    owner_keys = {chunk.key for chunk in mine}
    new_chunks = {chunk.key: chunk for chunk in new}
    moved: list[MovedClass] = []
    imports: list[str] = []
    moved_keys: set[str] = set()
    for chunk in before:
        places = [path for path, chunks in added.items() if any(each.key == chunk.key for each in chunks)]
        if not chunk.key.startswith("class ") or chunk.key in owner_keys or len(places) != 1:
            continue
        if chunk.key not in new_chunks:
            continue
        [path] = places
        moved_keys.add(chunk.key)
        old, fresh = (_replace_class(added[path], side) for side in (chunk, new_chunks[chunk.key]))
        moved.append(MovedClass(path, old, restore_imports(fresh, [theirs])))
        imports.append(f"from {module_name(path)} import {chunk.key.removeprefix('class ')}")
    texts = ["".join(chunk.text for chunk in side if chunk.key not in moved_keys) for side in (before, new)]
    return texts[0], restore_imports(texts[1], imports), moved


def _modules(added_files: Mapping[str, Content]) -> Iterator[tuple[str, str]]:
    for path, content in added_files.items():
        if path.startswith(f"{APP}/") and path.endswith(".py") and isinstance(content, bytes):
            yield path, content.decode().replace("\r\n", "\n")


def _replace_class(module: Module, chunk: Chunk) -> str:
    """Return the module with a class from another version."""
    return "".join(each.lead + chunk.code if each.key == chunk.key else each.text for each in module)


def _with_parent(side: Module, key: str, parent: Chunk, moved: set[str]) -> Module:
    """Return a generated module whose class `key` inherits the fields `moved` from a base of the owner."""
    at = next((index for index, chunk in enumerate(side) if chunk.key == key), None)
    if at is None:
        return side
    head, fields = cut_body(side[at])
    parent_head, parts = cut_body(parent)
    fields_by_key = {field.key: field for field in fields}
    above = [
        part.blank + fields_by_key[part.key].text.removeprefix(fields_by_key[part.key].blank)
        if part.key in moved & fields_by_key.keys()
        else part.text
        for part in parts
        if part.key in fields_by_key or part.key not in moved
    ]
    remaining = [field.text for field in fields if field.key not in moved]
    classes = [
        replace(parent, code=parent_head + ("".join(above) or "    pass\n")),
        replace(side[at], code=head + ("".join(remaining) or "    pass\n")),
    ]
    return [*side[:at], *classes, *side[at + 1 :]]


def _fields(chunk: Chunk) -> set[str]:
    """The keys of a class's fields."""
    try:
        return {part.key for part in cut_body(chunk)[1] if part.key.startswith("name ")}
    except ValueError:
        return set()


def _likeness(left_content: Content, right_content: Content) -> float:
    """Return the share of lines that two texts have in common."""
    if not isinstance(left_content, bytes) or not isinstance(right_content, bytes):
        return float(left_content == right_content)
    left, right = (
        Counter(line.strip() for line in text.decode().splitlines() if line.strip())
        for text in (left_content, right_content)
    )
    return 2 * (left & right).total() / max(left.total() + right.total(), 1)


def _same_kind(left_path: str, right_path: str) -> bool:
    """Whether two paths have the same ending, or the same name."""
    left, right = PurePosixPath(left_path), PurePosixPath(right_path)
    return left.suffix == right.suffix if left.suffix else left.name == right.name
