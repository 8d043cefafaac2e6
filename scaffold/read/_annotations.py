"""Texts that are evaluated as annotations: by pydantic when it makes a class, by who asks for type hints."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from scaffold.read._values import OPAQUE, Items, Made, Pairs, Value

_KEY = "__annotations__"
_DEPTH = 6
# What a type is written with: names, attributes, subscripts, `|`, literals. Nothing of it calls anything.
_OF_TYPES = (
    ast.Expression,
    ast.expr_context,
    ast.Name,
    ast.Attribute,
    ast.Subscript,
    ast.Constant,
    ast.Tuple,
    ast.List,
    ast.BinOp,
    ast.BitOr,
    ast.UnaryOp,
    ast.USub,
    ast.Starred,
)


def annotations_in(value: Value, depth: int = _DEPTH) -> Iterator[Value]:
    """The values that stand under `__annotations__` somewhere in `value`."""
    if depth:
        for key, inner in _pairs(value):
            if key == _KEY:
                yield inner
            else:
                yield from annotations_in(inner, depth - 1)
        for inner in _members(value):
            yield from annotations_in(inner, depth - 1)


def calling_text(value: Value, depth: int = _DEPTH) -> str | None:
    """The first text in `value` that does more than to name a type when it is evaluated."""
    if isinstance(value, str):
        return None if _names_type(value) else value
    if value is OPAQUE or not depth:
        return "a text"
    inner = [found for _, found in _pairs(value)] + list(_members(value))
    return next((text for each in inner if (text := calling_text(each, depth - 1)) is not None), None)


def _pairs(value: Value) -> list[tuple[Value, Value]]:
    match value:
        case Pairs(values=values):
            return values
        case Made(content=Pairs(values=values)):
            return values
        case (key, inner) if isinstance(key, str):
            return [(key, inner)]
    return []


def _members(value: Value) -> tuple[Value, ...]:
    match value:
        case Items(values=values):
            return tuple(values)
        case Made(arguments=arguments, keywords=keywords):
            return (*arguments, keywords)
        case tuple():
            return value
    return ()


def _names_type(text: str) -> bool:
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True  # whoever evaluates it fails at the same place
    return all(isinstance(node, _OF_TYPES) for node in ast.walk(tree))
