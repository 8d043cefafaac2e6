"""The fields of the pydantic classes in `schemas.py`, and their names over HTTP, read from its text."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import alias_generators

_ALIASES = ("alias", "validation_alias", "serialization_alias")
_ALIAS_GENERATORS: dict[str, Callable[[str], str]] = {
    "to_camel": alias_generators.to_camel,
    "to_pascal": alias_generators.to_pascal,
    "to_snake": alias_generators.to_snake,
}


@dataclass(frozen=True, slots=True)
class ClassField:
    """The properties of a field by which a rename is recognised."""

    attribute: str
    wire_names: frozenset[str]
    """The names of the field over HTTP."""
    annotation: str
    preceding: str
    """The preceding attribute; empty for the first."""


def read_classes(source: str) -> dict[str, list[ClassField]]:
    """Return the fields of each class of a module.

    Raises:
        SyntaxError: The module cannot be parsed.
    """
    nodes = {node.name: node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}
    return {name: _fields(node, _alias_generator(node, nodes)) for name, node in nodes.items()}


def _fields(node: ast.ClassDef, alias_of: Callable[[str], str]) -> list[ClassField]:
    fields: list[ClassField] = []
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            attribute = item.target.id
            if attribute == "model_config" or _is_class_variable(item.annotation):
                continue
            aliases = _aliases(item)
            fields.append(
                ClassField(
                    attribute=attribute,
                    wire_names=frozenset(aliases or {alias_of(attribute)}),
                    annotation=ast.unparse(item.annotation),
                    preceding=fields[-1].attribute if fields else "",
                )
            )
    return fields


def _alias_generator(node: ast.ClassDef, classes: Mapping[str, ast.ClassDef]) -> Callable[[str], str]:
    """Return the `alias_generator` of a class, or of its base class in the module.

    `str`, the identity, if there is none or it is not one of pydantic's.
    """
    options = [(each.arg, each.value) for each in node.keywords]
    for inner in (inner for each in node.body if _may_be_config(each) for inner in ast.walk(each)):
        if isinstance(inner, ast.keyword):  # ConfigDict(...)
            options.append((inner.arg, inner.value))
        elif isinstance(inner, ast.Dict):
            names = (getattr(key, "value", "") for key in inner.keys)
            options += zip(names, inner.values, strict=True)
    for name, value in options:
        if name == "alias_generator":
            return _ALIAS_GENERATORS.get(ast.unparse(value).rpartition(".")[2], str)
    others = {name: each for name, each in classes.items() if name != node.name}
    for base in node.bases:
        if isinstance(base, ast.Name) and base.id in others:
            return _alias_generator(others[base.id], others)
    return str


def _may_be_config(item: ast.stmt) -> bool:
    if isinstance(item, ast.AnnAssign):
        return isinstance(item.target, ast.Name) and item.target.id == "model_config"
    return isinstance(item, ast.Assign)


def _is_class_variable(annotation: ast.expr) -> bool:
    return ast.unparse(annotation).partition("[")[0].rpartition(".")[2] == "ClassVar"


def _aliases(item: ast.AnnAssign) -> set[str]:
    """Return the aliases in the annotation and the value of a field, with those of `AliasChoices`."""
    aliases = [
        keyword.value
        for call in ast.walk(item)
        if isinstance(call, ast.Call)
        for keyword in call.keywords
        if keyword.arg in _ALIASES
    ]
    return {
        node.value
        for alias in aliases
        for node in ast.walk(alias)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
