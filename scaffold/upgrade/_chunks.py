"""Cut Python source into named pieces that keep every character: imports, classes, functions, fields.

The pieces of a text, joined, are the text. A comment belongs to what follows it.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Chunk:
    """A statement with the comments above it, or several consecutive statements without a name."""

    key: str
    """The key, such as `class ModelInput`, `name age`, `from typing`; unique among its siblings."""
    lead: str
    """The blank lines and comments above it."""
    code: str
    node: ast.stmt | None = None

    @property
    def text(self) -> str:
        """The text of the piece in the source."""
        return self.lead + self.code

    @property
    def blank(self) -> str:
        """The blank lines at its start."""
        stripped = self.text.lstrip("\n")
        return self.text[: len(self.text) - len(stripped)]


Module = list[Chunk]


def joined(chunks: Iterable[Chunk]) -> str:
    """Return the text of these pieces."""
    return "".join(chunk.text for chunk in chunks)


def has_chunk(chunks: Iterable[Chunk], key: str) -> bool:
    """Whether one of these pieces has this key."""
    return any(chunk.key == key for chunk in chunks)


def cut_module(source: str) -> list[Chunk]:
    """The pieces of a module.

    Raises:
        SyntaxError: It does not parse.
        ValueError: It cannot be cut at line ends.
    """
    lines = source.splitlines(keepends=True)
    tree = ast.parse(source)
    return _cut(tree.body, lines, 0, len(lines), indent="")


def cut_body(chunk: Chunk) -> tuple[str, list[Chunk]]:
    """The first lines of a class (decorators, name, bases) and the pieces of its body.

    Raises:
        ValueError: Its body stands on the same line as its name.
    """
    lines = chunk.code.splitlines(keepends=True)
    node = ast.parse(chunk.code).body[0]
    if not isinstance(node, ast.ClassDef):
        raise ValueError("only a class has a body to cut")
    first = node.body[0]
    head = _header_end(node, lines)
    if head >= _first_line(first):
        raise ValueError("the body stands on the line of the name")
    indent = " " * first.col_offset
    return "".join(lines[:head]), _cut(node.body, lines, head, len(lines), indent=indent)


def _header_end(node: ast.ClassDef, lines: list[str]) -> int:
    """How many lines go up to the colon that opens the body."""
    ends = [
        node.lineno,
        *(base.end_lineno or 0 for base in (*node.bases, *(key.value for key in node.keywords))),
    ]
    line = max(ends)
    while not lines[line - 1].split("#")[0].rstrip().endswith(":") and line < _first_line(node.body[0]) - 1:
        line += 1
    return line


def _cut(body: list[ast.stmt], lines: list[str], start: int, stop: int, *, indent: str) -> list[Chunk]:
    chunks: list[Chunk] = []
    key_counts: Counter[str] = Counter()
    at = start
    for index, node in enumerate(body):
        first, last = _first_line(node) - 1, node.end_lineno or node.lineno
        if first < at:
            raise ValueError("two statements share a line")
        following = _first_line(body[index + 1]) - 1 if index + 1 < len(body) else stop
        last = _with_tail(lines, last, following, indent)
        key = name = _key(node, first=index == 0)
        lead, code = "".join(lines[at:first]), "".join(lines[first:last])
        at = last
        if not key and chunks and not chunks[-1].node:
            chunks[-1] = Chunk(chunks[-1].key, chunks[-1].lead, chunks[-1].code + lead + code)
            continue
        if not key:
            key = f"after {chunks[-1].key}" if chunks else "first"
        key_counts[key] += 1
        unique = key if key_counts[key] == 1 else f"{key} #{key_counts[key]}"
        chunks.append(Chunk(unique, lead, code, node if name else None))
    if at < stop:
        chunks.append(Chunk("end", "".join(lines[at:stop]), ""))
    return chunks


def _with_tail(lines: list[str], last: int, following: int, indent: str) -> int:
    """The end of a statement with the comments after it that are indented deeper than it is."""
    tail = last
    for number in range(last, following):
        line = lines[number]
        if line.strip() and len(line) - len(line.lstrip()) <= len(indent):
            break
        if line.strip():
            tail = number + 1
    return tail


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _key(node: ast.stmt, *, first: bool) -> str:
    match node:
        case ast.Expr(value=ast.Constant(value=str())) if first:
            return "docstring"
        case ast.Import(names=[ast.alias(name=name)]):
            return f"import {name}"
        case ast.ImportFrom():
            return f"from {'.' * node.level}{node.module or ''}"
        case ast.ClassDef():
            return f"class {node.name}"
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            accessor = next(
                (
                    f".{d.attr}"
                    for d in node.decorator_list
                    if isinstance(d, ast.Attribute) and _is_accessor(d)
                ),
                "",
            )
            return f"def {node.name}{accessor}"
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
            return f"name {name}"
        case _:
            return ""


def _is_accessor(decorator: ast.Attribute) -> bool:
    return decorator.attr in {"setter", "deleter", "getter"}
