"""The text of a module that is assembled from statements of a script."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import cast

import libcst as cst

LONGEST_LITERAL = 2000


def aliases_of(node: cst.Import | cst.ImportFrom) -> Iterator[tuple[str, cst.ImportAlias]]:
    """Each name that an import binds, with the alias that binds it."""
    if isinstance(node.names, cst.ImportStar):
        return
    for alias in node.names:
        bound = alias.evaluated_alias or alias.evaluated_name
        yield bound if alias.asname else bound.partition(".")[0], alias


def module_text(title: str, blocks: Sequence[cst.BaseStatement]) -> str:
    """The text of a module with these statements, spaced as people space them."""
    header = cst.parse_module(f'"""{title}"""\n').body[0]
    body: list[cst.BaseStatement] = [header]
    for node in blocks:
        body.append(_spaced(node, body[-1]))
    return cst.Module(body=cast("list[cst.BaseCompoundStatement]", body)).code


def trimmed_imports(node: cst.BaseStatement, names: set[str]) -> list[cst.BaseStatement]:
    """An import with only those aliases that bind `names`, a line for each module; none if there are none."""
    if not isinstance(node, cst.SimpleStatementLine):
        return [node]
    lines: list[cst.BaseSmallStatement] = []
    for part in node.body:
        if not isinstance(part, cst.Import | cst.ImportFrom) or isinstance(part.names, cst.ImportStar):
            lines.append(part)
            continue
        aliases = [
            a.with_changes(comma=cst.MaybeSentinel.DEFAULT) for bound, a in aliases_of(part) if bound in names
        ]
        if isinstance(part, cst.Import):
            lines += [part.with_changes(names=[alias]) for alias in aliases]
        elif aliases:
            commas = [*[cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))] * (len(aliases) - 1), None]
            spaced = [a.with_changes(comma=c) if c else a for a, c in zip(aliases, commas, strict=True)]
            lines.append(part.with_changes(names=spaced, lpar=None, rpar=None))
    semicolon = cst.MaybeSentinel.DEFAULT
    return [node.with_changes(body=[line.with_changes(semicolon=semicolon)]) for line in lines]


def literal_statement(name: str, value: object) -> cst.BaseStatement | None:
    """`NAME = value`, if a literal says the value exactly."""
    text = literal_text(value)
    return None if text is None else cst.parse_statement(f"{name} = {text}\n")


def literal_text(value: object) -> str | None:
    """The literal for `value`, or None if there is none or it is too long to read."""
    text = repr(value)
    if len(text) > LONGEST_LITERAL or not _is_literal(value):
        return None
    return text


def _is_literal(value: object) -> bool:
    if value is None or type(value) in (bool, int, str, bytes):
        return True
    if type(value) is float:
        return value - value == 0.0
    if type(value) in (list, tuple):
        return all(_is_literal(item) for item in value)  # type: ignore[attr-defined]
    if type(value) is set:
        return bool(value) and all(_is_literal(item) for item in value)
    if type(value) is dict:
        return all(_is_literal(key) and _is_literal(item) for key, item in value.items())
    return False


def is_literal_of(expression: cst.BaseExpression, value: object) -> bool:
    """Whether a literal in the script has this value."""
    try:
        literal: object = ast.literal_eval(cst.Module([]).code_for_node(expression))
    except (ValueError, SyntaxError, TypeError, MemoryError):
        return False
    return type(literal) is type(value) and literal == value


def _spaced(node: cst.BaseStatement, before: cst.BaseStatement) -> cst.BaseStatement:
    leading = [line for line in getattr(node, "leading_lines", []) if line.comment is not None]
    needs_blank_lines = isinstance(node, cst.FunctionDef | cst.ClassDef) or isinstance(
        before, cst.FunctionDef | cst.ClassDef
    )
    close = (_is_import(node) and _is_import(before)) or (_is_plain(node) and _is_plain(before))
    blank = 2 if needs_blank_lines else 0 if close else 1
    return node.with_changes(leading_lines=[*[cst.EmptyLine(indent=False)] * blank, *leading])


def _is_import(node: cst.BaseStatement) -> bool:
    return isinstance(node, cst.SimpleStatementLine) and isinstance(node.body[0], cst.Import | cst.ImportFrom)


def _is_plain(node: cst.BaseStatement) -> bool:
    return isinstance(node, cst.SimpleStatementLine) and isinstance(node.body[0], cst.Assign | cst.AnnAssign)
