"""Helpers for the nodes of a script: the names in them, and changed copies."""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import FunctionType
from typing import TypeGuard

import libcst as cst

from scaffold.resolve.lift._script import all_codes


def function_of(name: str, node: cst.Lambda) -> cst.FunctionDef:
    template = cst.ensure_type(cst.parse_statement(f"def {name}():\n    return None\n"), cst.FunctionDef)
    body = cst.ensure_type(template.body, cst.IndentedBlock)
    result = cst.SimpleStatementLine([cst.Return(value=node.body)])
    return template.with_changes(params=node.params, body=body.with_changes(body=[result]))


def with_note(node: cst.BaseStatement) -> cst.BaseStatement:
    comment = cst.EmptyLine(indent=False, comment=cst.Comment("# As it was when the model was saved."))
    return node.with_changes(leading_lines=[comment])


def names_of(functions: Sequence[FunctionType]) -> set[str]:
    """The globals (and, among them, attributes) that the code of functions names."""
    return {name for f in functions for code in all_codes(f.__code__) for name in code.co_names}


def evaluated_names(node: cst.CSTNode) -> set[str]:
    """Return the names that a definition evaluates at once: decorators, bases, defaults, annotations."""
    match node:
        case cst.FunctionDef(decorators=decorators, params=params, returns=returns):
            parts: list[cst.CSTNode | None] = [*decorators, params, returns]
        case cst.ClassDef(decorators=decorators, bases=bases, keywords=keywords, body=body):
            parts = [*decorators, *bases, *keywords, *(p for p in body.children if not _is_definition(p))]
            inner = [evaluated_names(p) for p in body.children if _is_definition(p)]
            return set().union(*inner, *(_mentioned(part) for part in parts if part is not None))
        case cst.Parameters():
            parameters = [*node.params, *node.kwonly_params, *node.posonly_params]
            parts = [part for param in parameters for part in (param.default, param.annotation)]
        case _:
            return set()
    names = [evaluated_names(p) if isinstance(p, cst.Parameters) else _mentioned(p) for p in parts if p]
    return set().union(*names)


def _mentioned(node: cst.CSTNode) -> set[str]:
    waiting, names = [node], set()
    while waiting:
        current = waiting.pop()
        if isinstance(current, cst.Name):
            names.add(current.value)
        waiting.extend(current.children)
    return names


def _is_definition(node: cst.CSTNode | None) -> TypeGuard[cst.FunctionDef | cst.ClassDef]:
    return isinstance(node, cst.FunctionDef | cst.ClassDef)


def defines(node: cst.CSTNode, name: str) -> bool:
    return _is_definition(node) and node.name.value == name


def definitions_inside(node: cst.CSTNode) -> list[cst.CSTNode]:
    definitions: list[cst.CSTNode] = []
    waiting = list(node.children)
    while waiting:
        current = waiting.pop(0)
        if _is_definition(current):
            definitions.append(current)
        else:
            waiting.extend(current.children)
    return definitions


def methods_of(kind: type) -> list[FunctionType]:
    values = [getattr(value, "__func__", value) for value in vars(kind).values()]
    return [value for value in values if isinstance(value, FunctionType)]


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
