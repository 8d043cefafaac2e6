"""Keep the owner's steps in the lifespan of the old main.py, around the lifespan of the serving code."""

from __future__ import annotations

import ast
import textwrap
from dataclasses import replace

from scaffold.upgrade._chunks import Chunk, Module
from scaffold.upgrade._imports import merge_import

_LIFESPAN = "def lifespan"
_SERVING = "from app.serving"
_IMPORT = f"{_SERVING} import "
_OF_MODEL = ("score", "load")


def wrap_lifespan(before: Module, mine: Module) -> tuple[Module, Module]:
    """The owner's steps of the old lifespan, around the lifespan of the serving code."""
    old = next((chunk for chunk in before if chunk.key == _LIFESPAN), None)
    own = next((chunk for chunk in mine if chunk.key == _LIFESPAN), None)
    if not old or not own or old.code == own.code:
        return before, mine
    steps = _added_steps(old.code, own.code)
    if steps is None:
        return before, mine
    early, late, after = steps
    head = own.code[: own.code.index(":\n") + 2]
    function = _function(own.code)
    doc = ast.get_docstring(function, clean=False) if function else None
    inner = textwrap.indent(f"{late}yield\n{after}", "    ")
    body = f"{early}async with serving_lifespan(app):\n{inner}"
    body = (f'"""{doc}"""\n' if doc else "") + body
    wrapped = replace(own, code=head + textwrap.indent(body, "    "))
    before = [chunk for chunk in before if chunk.key != _LIFESPAN]
    mine = [wrapped if chunk.key == _LIFESPAN else chunk for chunk in mine]
    return (
        _with_import(before, f"{_IMPORT}lifespan\n"),
        _with_import(mine, f"{_IMPORT}lifespan as serving_lifespan\n"),
    )


def _with_import(chunks: Module, line: str) -> Module:
    """The module with one more import of the serving code, merged into one that it has."""
    at = next((at for at, chunk in enumerate(chunks) if chunk.key == _SERVING), None)
    if at is not None:
        merged = merge_import("", chunks[at].code, line)
        return [*chunks[:at], replace(chunks[at], code=merged), *chunks[at + 1 :]]
    last = max((at for at, chunk in enumerate(chunks) if chunk.key.startswith("from app")), default=0)
    return [*chunks[: last + 1], Chunk("", "", line), *chunks[last + 1 :]]


def _added_steps(old: str, own: str) -> tuple[str, str, str] | None:
    """The owner's steps before the model is loaded, after that, and at the end; None if a step changed."""
    before, mine = (_function(text) for text in (old, own))
    if not before or not mine or ast.dump(before.args) != ast.dump(mine.args):
        return None
    waiting = [ast.dump(node) for node in before.body if not _is_docstring(node)]
    warm_up = sum(map(_is_before_warm_up, before.body))
    lines = textwrap.dedent(own).splitlines(keepends=True)
    early, late, after = "", "", ""
    matched, yielded = 0, False
    at = mine.body[0].lineno - 1
    for node in mine.body:
        start, at = at, node.end_lineno or node.lineno
        if _is_docstring(node):
            continue
        if waiting[matched : matched + 1] == [ast.dump(node)]:
            matched += 1
            yielded = yielded or _is_yield(node)
            continue
        step = textwrap.dedent("".join(lines[start:at])).lstrip("\n")
        if yielded:
            after += step
        elif matched >= warm_up or _uses_model(node):
            late += step
        else:
            early += step
    return (early, late, after) if matched == len(waiting) else None


def _function(text: str) -> ast.AsyncFunctionDef | None:
    [node] = ast.parse(text).body
    return node if isinstance(node, ast.AsyncFunctionDef) else None


def _uses_model(node: ast.stmt) -> bool:
    """Whether a step of the owner calls `app.score`: it can only run after the model is loaded."""
    names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    names |= {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}
    return not names.isdisjoint(_OF_MODEL)


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_yield(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Yield)


def _is_before_warm_up(node: ast.stmt) -> bool:
    """Whether a step of the old lifespan loads the model or scores a first record."""
    text = ast.unparse(node)
    return text == "load()" or text.startswith("batcher.start") or "make_record" in text
