"""Merge the names of `from ... import ...` as sets, and restore the imports that merged code needs."""

from __future__ import annotations

import ast
import builtins
import re
import sys
from collections.abc import Iterator, Sequence

from scaffold.base.layout import APP
from scaffold.upgrade._conflicts import Disagreement

LINE_LENGTH = 88


def merge_import(base: str, ours: str, theirs: str) -> str:
    """Return the import with the names that a side added, and without the names that a side removed.

    Raises:
        Disagreement: A side has comments, or is not one `from` import.
    """
    if "#" in base + ours + theirs:
        raise Disagreement
    before, mine, new = (_names(text) for text in (base, ours, theirs))
    merged = (mine & new) | (mine - before) | (new - before)
    if not merged:
        return ""
    head = ours[: ours.index(" import ")]
    return _format_import(head, sorted(merged, key=_sort_key))


def restore_imports(merged: str, sides: Sequence[str]) -> str:
    """Return the module with the imports added that it needs and that one of its sides has."""
    missing = unbound_names(merged)
    lines: list[str] = []
    for side in reversed(sides):
        for statement, bound in _imports(side):
            if bound in missing:
                missing = missing - {bound}
                lines.append(statement)
    if not lines:
        return merged
    for line in lines:
        merged = _with_import(merged, line)
    return merged


def sort_imports(merged: str, ours: str) -> str:
    """The module with its first imports in order, where those of the owner's module are."""
    first, last, laid_out = _import_block(merged)
    lines, own = (text.splitlines(keepends=True) for text in (merged, ours))
    own_first, own_last, own_laid_out = _import_block(ours)
    if own_laid_out != "".join(own[own_first:own_last]) or "#" in "".join(lines[first:last]):
        return merged
    return "".join([*lines[:first], laid_out, *lines[last:]])


def _import_block(source: str) -> tuple[int, int, str]:
    """The lines of the first imports that follow each other, from and to, and what a sorter makes of them."""
    nodes: list[ast.stmt] = []
    for node in ast.parse(source).body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            nodes.append(node)
        elif nodes:
            break
    lines = source.splitlines(keepends=True)
    blocks: dict[int, str] = {}
    for node in sorted(nodes, key=_key):
        section = _key(node)[0]
        blocks[section] = blocks.get(section, "") + "".join(lines[node.lineno - 1 : node.end_lineno])
    first, last = (nodes[0].lineno - 1, nodes[-1].end_lineno or 0) if nodes else (0, 0)
    return first, last, "\n".join(blocks.values())


def _with_import(source: str, line: str) -> str:
    """Return the module with one more import, merged into an import of the same module or sorted in."""
    [new] = ast.parse(line).body
    body = ast.parse(source).body
    import_nodes = [node for node in body if isinstance(node, (ast.Import, ast.ImportFrom))]
    text = source.splitlines(keepends=True)
    for node in import_nodes:
        first, last = node.lineno - 1, node.end_lineno or node.lineno
        code = "".join(text[first:last])
        if isinstance(new, ast.ImportFrom) and _key(node) == _key(new) and "#" not in code:
            return "".join([*text[:first], merge_import("", code, f"{line}\n"), *text[last:]])
    above = [node for node in import_nodes if _key(node) <= _key(new)]
    below = [node for node in import_nodes if _key(node) > _key(new)]
    if above:
        at = max(node.end_lineno or 0 for node in above)
        apart = _key(above[-1])[0] != _key(new)[0]
        return "".join([*text[:at], *(["\n"] if apart else []), f"{line}\n", *text[at:]])
    if below:
        at = min(node.lineno for node in below) - 1
        apart = _key(below[0])[0] != _key(new)[0]
        return "".join([*text[:at], f"{line}\n", *(["\n"] if apart else []), *text[at:]])
    starts_with_text = body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
    at = (body[0].end_lineno or 0) if starts_with_text else 0
    return "".join([*text[:at], *(["\n"] if at else []), f"{line}\n", *text[at:]])


def _key(node: ast.stmt) -> tuple[int, bool, str]:
    """Return the sort key of an import: section, form, name."""
    plain = isinstance(node, ast.Import)
    name = node.names[0].name if isinstance(node, ast.Import) else getattr(node, "module", "") or ""
    top = name.partition(".")[0]
    if top == "__future__":
        return 0, not plain, name
    section = 1 if top in sys.stdlib_module_names else 3 if top == APP or getattr(node, "level", 0) else 2
    return section, not plain, name


def module_name(path: str) -> str:
    """The dotted name of the module at a path."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def unbound_names(source: str) -> frozenset[str]:
    """Return the names that a module uses and does not bind; none if it does not parse."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return frozenset()
    used: set[str] = set()
    bound: set[str] = set(dir(builtins)) | {"__file__", "__name__", "__doc__", "__path__"}
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                used.add(name)
            case ast.Name(id=name) | ast.arg(arg=name) | ast.ExceptHandler(name=str() as name):
                bound.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                bound.add(name)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                bound |= {_bound_name(alias) for alias in aliases}
            case ast.MatchAs(name=str() as name) | ast.MatchStar(name=str() as name):
                bound.add(name)
            case _:
                pass
    return frozenset(used - bound)


def used_too_early(source: str) -> set[str]:
    """Return the names that a module uses at import time before it binds them."""
    body = ast.parse(source).body
    first: dict[str, int] = {}
    for number, node in enumerate(body):
        for name in _bound_names(node):
            first.setdefault(name, number)
    return {
        name
        for number, node in enumerate(body)
        for name in _names_read(node)
        if first.get(name, number) > number
    }


def _names_read(node: ast.AST) -> set[str]:
    """Return the names that a statement reads when it runs, without those in function bodies."""
    names: set[str] = set()
    waiting: list[ast.AST] = [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current, ast.Name) and isinstance(current.ctx, ast.Load):
            names.add(current.id)
        body = current.body if isinstance(current, (ast.FunctionDef, ast.AsyncFunctionDef)) else ()
        waiting += [child for child in ast.iter_child_nodes(current) if child not in body]
    return names


def _bound_names(node: ast.stmt) -> set[str]:
    """Return the names that a top-level statement binds."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            return {_bound_name(alias) for alias in aliases}
        case ast.Assign() | ast.AnnAssign():
            return {
                part.id
                for part in ast.walk(node)
                if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
            }
        case _:
            return set()


def _imports(source: str) -> Iterator[tuple[str, str]]:
    """Yield a statement for each name that a module imports at top, and the name that it binds."""
    for node in ast.parse(source).body:
        match node:
            case ast.Import(names=aliases):
                yield from ((f"import {ast.unparse(alias)}", _bound_name(alias)) for alias in aliases)
            case ast.ImportFrom(names=aliases):
                head = f"from {'.' * node.level}{node.module or ''}"
                yield from ((f"{head} import {ast.unparse(alias)}", _bound_name(alias)) for alias in aliases)
            case _:
                pass


def _bound_name(alias: ast.alias) -> str:
    return alias.asname or alias.name.partition(".")[0]


def _names(code: str) -> set[str]:
    if not code:
        return set()
    node = ast.parse(code.strip()).body[0]
    if not isinstance(node, ast.ImportFrom):
        raise Disagreement
    return {ast.unparse(alias) for alias in node.names}


def _format_import(head: str, names: list[str]) -> str:
    line = f"{head} import {', '.join(names)}\n"
    if len(line) <= LINE_LENGTH + 1:
        return line
    return "".join([f"{head} import (\n", *(f"    {name},\n" for name in names), ")\n"])


def _sort_key(name: str) -> tuple[int, str]:
    """Sort constants before classes before functions, as import sorters do."""
    bare = re.split(r"\s", name)[0]
    kind = 0 if bare.isupper() and len(bare) > 1 else 1 if bare[:1].isupper() else 2
    return kind, bare
