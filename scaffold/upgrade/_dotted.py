"""Dotted names in Python code: `app.schemas` as nodes of libcst, and within string literals."""

from __future__ import annotations

from collections.abc import Callable
from itertools import takewhile

import libcst as cst


def dotted_node(name: str) -> cst.Attribute | cst.Name:
    """Return the expression `app.schemas`."""
    node = cst.parse_expression(name)
    assert isinstance(node, (cst.Attribute, cst.Name))
    return node


def dotted_name(node: cst.BaseExpression) -> str:
    """Return the dotted name that an expression is; empty for any other expression."""
    names: list[str] = []
    while isinstance(node, cst.Attribute):
        names.insert(0, node.attr.value)
        node = node.value
    return ".".join([node.value, *names]) if isinstance(node, cst.Name) else ""


def with_string(node: cst.SimpleString, change: Callable[[str], str]) -> cst.SimpleString:
    """Return a string literal with the dotted name at its start as `change` makes it.

    `"app.main:app"` and `"app.metrics.count"` start with such a name; the rest of the text stays.
    """
    text = node.raw_value
    name = "".join(takewhile(lambda letter: letter.isidentifier() or letter.isdigit() or letter == ".", text))
    value = f"{node.prefix}{node.quote}{change(name)}{text[len(name) :]}{node.quote}"
    return node.with_changes(value=value)
