"""Bring main.py of the old layout into the present shape, where `install` replaces most of it."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import replace

from scaffold.upgrade._chunks import Chunk, Module, cut_module, has_chunk, joined
from scaffold.upgrade._lifespan import wrap_lifespan

_APP, _BATCHER, _LOG = "name app", "name batcher", "name log"
_OPTIONS = ("max_body_size", "redirect_slashes")
"""The arguments of `FastAPI` that `settings.fastapi_options` adds to those of the old main.py."""


def reshape_main(base: str, ours: str, theirs: str) -> tuple[str, str, list[str]]:
    """Bring main.py of the last state and of the owner into the present shape; tell edits without a place."""
    before, mine, new = (cut_module(text) for text in (base, ours, theirs))
    before = _with_options(before, mine)
    before, mine = _batcher_below_app(before), _batcher_below_app(mine)
    before, mine, problems = _without_installed(before, mine, new)
    before, mine = wrap_lifespan(before, mine)
    if _mentions(mine, "log") > _mentions(before, "log"):
        before = [chunk for chunk in before if chunk.key != _LOG]
    return joined(before), joined(mine), problems


def _mentions(chunks: Module, name: str) -> int:
    nodes = ast.walk(ast.parse(joined(chunks)))
    return sum(isinstance(node, ast.Name) and node.id == name for node in nodes)


def _with_options(before: Module, mine: Module) -> Module:
    """Add the owner's arguments of `FastAPI` that the new state sets too: they become a conflict."""
    added_keywords = _keywords(mine) - _keywords(before)
    lines = "".join(f"    {name}=...,\n" for name in _OPTIONS if name in added_keywords)
    if not lines:
        return before
    return [
        replace(chunk, code=chunk.code.rstrip().removesuffix(")") + lines + ")\n")
        if chunk.key == _APP
        else chunk
        for chunk in before
    ]


def _keywords(chunks: Module) -> set[str]:
    values = [
        chunk.node.value for chunk in chunks if chunk.key == _APP and isinstance(chunk.node, ast.Assign)
    ]
    return {key.arg or "" for value in values if isinstance(value, ast.Call) for key in value.keywords}


def _batcher_below_app(chunks: Module) -> Module:
    """The module with the batcher made after the app, as in the new state."""
    keys = [chunk.key for chunk in chunks]
    if _BATCHER not in keys or _APP not in keys or keys.index(_BATCHER) > keys.index(_APP):
        return chunks
    batcher = chunks[keys.index(_BATCHER)]
    rest = [chunk for chunk in chunks if chunk.key != _BATCHER]
    at = [chunk.key for chunk in rest].index(_APP) + 1
    tight = replace(batcher, lead=batcher.lead.lstrip("\n"))
    return [*rest[:at], tight, *rest[at:]]


def _without_installed(before: Module, mine: Module, new: Module) -> tuple[Module, Module, list[str]]:
    """Replace the statements that `install` covers in both modules; those of the owner stay."""
    old = [text for chunk in before if not chunk.node for text in _statements(chunk)]
    unmatched = Counter(map(_dump, old))
    remaining: Module = []
    own: list[str] = []
    for chunk in mine:
        if chunk.node or not chunk.code:
            remaining.append(chunk)
            continue
        added = []
        for text in _statements(chunk):
            if unmatched[_dump(text)]:
                unmatched[_dump(text)] -= 1
            else:
                added.append(text)
        own += added
        if added:
            remaining.append(Chunk(chunk.key, "", "".join(added)))
    before = [chunk for chunk in before if chunk.node or not chunk.code]
    install = next((chunk for chunk in new if not chunk.node and "install(" in chunk.code), None)
    anchor = next(
        (key for key in (_BATCHER, _APP) if has_chunk(before, key) and has_chunk(remaining, key)), ""
    )
    if install and anchor:
        before, remaining = (_with_after(side, anchor, install) for side in (before, remaining))
    removed = [text for text in old if unmatched[_dump(text)] and not unmatched.subtract({_dump(text): 1})]
    targets = {target for text in own for target in _targets(text)}
    problems = [
        f"you changed or removed `{_first_line(text)}`, which `install` of app/serving/startup.py does now"
        for text in removed
        if not _targets(text) or not _targets(text) <= targets
    ]
    return before, remaining, problems


def _with_after(chunks: Module, key: str, chunk: Chunk) -> Module:
    at = [each.key for each in chunks].index(key) + 1
    return [*chunks[:at], chunk, *chunks[at:]]


def _statements(chunk: Chunk) -> list[str]:
    """Return the statements of a chunk, each with the lines above it."""
    lines = chunk.text.splitlines(keepends=True)
    statements, at = [], 0
    for node in ast.parse(chunk.text).body:
        end = node.end_lineno or node.lineno
        statements.append("".join(lines[at:end]))
        at = end
    return statements


def _dump(text: str) -> str:
    return ast.dump(ast.parse(text))


def _targets(text: str) -> set[str]:
    """Return the targets of an assignment."""
    [node] = ast.parse(text).body
    return {ast.unparse(target) for target in node.targets} if isinstance(node, ast.Assign) else set()


def _first_line(text: str) -> str:
    return ast.unparse(ast.parse(text)).splitlines()[0]
