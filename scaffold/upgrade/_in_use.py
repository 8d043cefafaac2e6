"""The owner's renames of generated code, and the fields that the owner's code uses."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from scaffold.base.layout import APP, SCHEMAS
from scaffold.upgrade._chunks import Chunk, cut_body, cut_module
from scaffold.upgrade._content import Content
from scaffold.upgrade._renames import Renames, find_renames, follow_renames


def find_owner_renames(
    ancestor: Mapping[str, Content], ours: Mapping[str, Content], moved: Mapping[str, str]
) -> Renames:
    """Return the owner's renames: fields and classes of schemas.py, and moved modules."""
    modules = {_module(old): _module(new) for old, new in moved.items() if old.endswith(".py") and "/" in old}
    base, mine = ancestor.get(SCHEMAS), ours.get(SCHEMAS)
    if isinstance(base, bytes) and isinstance(mine, bytes) and base != mine:
        return replace(find_renames(base.decode(), mine.decode()), modules=modules)
    return Renames(modules=modules)


def _module(path: str) -> str:
    return path.removesuffix(".py").replace("/", ".")


def with_renames(
    path: str, content: Content | None, renames: Renames, ours: Content | None
) -> Content | None:
    """Generated code with the owner's names, where their own file has these."""
    if not path.startswith(f"{APP}/") or not path.endswith(".py") or not isinstance(content, bytes):
        return content
    text = ours.decode() if isinstance(ours, bytes) else None
    return follow_renames(content.decode(), renames, text).encode()


def fields_in_use(
    ancestor: Mapping[str, Content],
    theirs: Mapping[str, Content],
    ours: Mapping[str, Content],
    renames: Renames,
) -> frozenset[str]:
    """Return the fields that the new state drops and that the owner's code uses."""
    mine = ours.get(SCHEMAS)
    base, new = (with_renames(SCHEMAS, tree.get(SCHEMAS), renames, mine) for tree in (ancestor, theirs))
    if not isinstance(base, bytes) or not isinstance(new, bytes):
        return frozenset()
    dropped = _attributes(base.decode()) - _attributes(new.decode())
    if not dropped:
        return frozenset()
    used: set[str] = set()
    for path, content in ours.items():
        if path.endswith(".py") and isinstance(content, bytes):
            pristine = with_renames(path, ancestor.get(path), renames, content)
            before = pristine.decode() if isinstance(pristine, bytes) else ""
            used |= _newly_mentioned(before, content.decode(), dropped)
    return frozenset(used)


def _attributes(source: str) -> set[str]:
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return set()
    return {
        item.target.id
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        for item in node.body
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
    }


def _newly_mentioned(base: str, ours: str, names: set[str]) -> set[str]:
    """Return those of `names` that a piece of the owner's mentions more often than the pristine piece."""
    try:
        before, mine = dict(_pieces(base)), dict(_pieces(ours))
    except (SyntaxError, ValueError):
        return set()
    mentioned: set[str] = set()
    for key, code in mine.items():
        if code != before.get(key):
            counts, former_counts = _mentions(code), _mentions(before.get(key, ""))
            mentioned |= {
                name
                for name in names
                if counts[name] > former_counts[name] and not key.endswith(f"name {name}")
            }
    return mentioned


def _pieces(source: str) -> Iterator[tuple[str, str]]:
    for chunk in cut_module(source):
        if isinstance(chunk.node, ast.ClassDef):
            yield from ((f"{chunk.key} {piece.key}", piece.code) for piece in _body(chunk))
        else:
            yield chunk.key, chunk.code


def _body(chunk: Chunk) -> list[Chunk]:
    try:
        return cut_body(chunk)[1]
    except ValueError:
        return [chunk]


def _mentions(code: str) -> Counter[str]:
    """Count each attribute, keyword and string in a piece of code."""
    counts: Counter[str] = Counter()
    for node in ast.walk(ast.parse(f"if True:\n{code}" if code[:1].isspace() else code)):
        match node:
            case ast.Attribute(attr=name) | ast.keyword(arg=str() as name):
                counts[name] += 1
            case ast.Constant(value=str() as name):
                counts[name] += 1
            case _:
                pass
    return counts
