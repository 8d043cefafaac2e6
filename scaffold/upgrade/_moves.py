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
    ancestor: Mapping[str, Content], ours: Mapping[str, Content], others: Mapping[str, Content]
) -> str:
    """The folder below which the owner put `app/`, as in `src/app/`; empty where it is in its place."""
    modules = [path for path in ancestor if path.startswith(f"{APP}/") and path.endswith(".py")]
    if MAIN not in ancestor or MAIN in ours:
        return ""
    for added in sorted(others):
        folder, found, _ = added.rpartition(f"/{MAIN}")
        if found and 2 * sum(f"{folder}/{path}" in others for path in modules) > len(modules):
            return folder
    return ""


def find_moved_files(
    ancestor: Mapping[str, Content], ours: Mapping[str, Content], others: Mapping[str, Content]
) -> dict[str, str]:
    """Where the owner put pristine files, by their old path: a file of theirs that is like no other one."""
    missing = [path for path in ancestor if path not in ours]
    if not missing:
        return {}
    found: dict[str, str] = {}
    for added, content in sorted(others.items()):
        alike = {
            path: _likeness(content, ancestor[path])
            for path in ancestor
            if _same_kind(path, added) or (isinstance(content, Opaque) and content == ancestor[path])
        }
        best = max(alike, key=lambda path: (alike[path], path not in missing), default="")
        if best in missing and alike[best] >= _ALIKE and best not in found:
            found[best] = added
    return found


def follow_moved_fields(base: Module, ours: Module, theirs: Module) -> tuple[Module, Module]:
    """The generated modules with the base classes of the owner's, and in these the fields that they moved."""
    generated = {chunk.key: chunk for chunk in base}
    added = {chunk.key: chunk for chunk in ours if chunk.key not in generated}
    for chunk in ours:
        before = generated.get(chunk.key)
        if before is None or not isinstance(chunk.node, ast.ClassDef):
            continue
        gone = _fields(before) - _fields(chunk)
        parents = (f"class {name.id}" for name in chunk.node.bases if isinstance(name, ast.Name))
        for parent in (added[key] for key in parents if key in added):
            if moved := gone & _fields(parent):
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
    """The same with the class as it is generated now, and its imports."""


def follow_moved_classes(
    base: str, ours: str, theirs: str, others: Mapping[str, Content]
) -> tuple[str, str, list[MovedClass]]:
    """The generated modules without the classes that the owner put elsewhere, and where these are."""
    try:
        before, mine, new = (cut_module(text) for text in (base, ours, theirs))
        added = {path: cut_module(text) for path, text in _modules(others)}
    except (SyntaxError, ValueError):
        return base, theirs, []
    held = {chunk.key for chunk in mine}
    known = {chunk.key: chunk for chunk in new}
    moved: list[MovedClass] = []
    imports: list[str] = []
    gone: set[str] = set()
    for chunk in before:
        places = [path for path, chunks in added.items() if any(each.key == chunk.key for each in chunks)]
        if not chunk.key.startswith("class ") or chunk.key in held or len(places) != 1:
            continue
        if chunk.key not in known:
            continue
        [path] = places
        gone.add(chunk.key)
        old, fresh = (_exchanged(added[path], side) for side in (chunk, known[chunk.key]))
        moved.append(MovedClass(path, old, restore_imports(fresh, [theirs])))
        imports.append(f"from {module_name(path)} import {chunk.key.removeprefix('class ')}")
    texts = ["".join(chunk.text for chunk in side if chunk.key not in gone) for side in (before, new)]
    return texts[0], restore_imports(texts[1], imports), moved


def _modules(others: Mapping[str, Content]) -> Iterator[tuple[str, str]]:
    for path, content in others.items():
        if path.startswith(f"{APP}/") and path.endswith(".py") and isinstance(content, bytes):
            yield path, content.decode().replace("\r\n", "\n")


def _exchanged(module: Module, chunk: Chunk) -> str:
    """The module with a class as another version has it."""
    return "".join(each.lead + chunk.code if each.key == chunk.key else each.text for each in module)


def _with_parent(side: Module, key: str, parent: Chunk, moved: set[str]) -> Module:
    """A generated module in which the class `key` has the fields `moved` from a base class of the owner."""
    at = next((index for index, chunk in enumerate(side) if chunk.key == key), None)
    if at is None:
        return side
    head, fields = cut_body(side[at])
    parent_head, parts = cut_body(parent)
    held = {field.key: field for field in fields}
    above = [
        part.blank + held[part.key].text.removeprefix(held[part.key].blank)
        if part.key in moved & held.keys()
        else part.text
        for part in parts
        if part.key in held or part.key not in moved
    ]
    left = [field.text for field in fields if field.key not in moved]
    classes = [
        replace(parent, code=parent_head + ("".join(above) or "    pass\n")),
        replace(side[at], code=head + ("".join(left) or "    pass\n")),
    ]
    return [*side[:at], *classes, *side[at + 1 :]]


def _fields(chunk: Chunk) -> set[str]:
    """The keys of a class's fields."""
    try:
        return {part.key for part in cut_body(chunk)[1] if part.key.startswith("name ")}
    except ValueError:
        return set()


def _likeness(one: Content, other: Content) -> float:
    """The share of lines that two texts have in common."""
    if not isinstance(one, bytes) or not isinstance(other, bytes):
        return float(one == other)
    left, right = (
        Counter(line.strip() for line in text.decode().splitlines() if line.strip()) for text in (one, other)
    )
    return 2 * (left & right).total() / max(left.total() + right.total(), 1)


def _same_kind(one: str, other: str) -> bool:
    """Whether two paths have the same ending, or the same name."""
    left, right = PurePosixPath(one), PurePosixPath(other)
    return left.suffix == right.suffix if left.suffix else left.name == right.name
