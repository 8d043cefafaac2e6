"""Follow a field that the owner renamed through the generated code of both states."""

# ruff: noqa: N802, ARG002 - the methods of a libcst transformer

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

import libcst as cst

_ALIASES = ("alias", "validation_alias", "serialization_alias")


@dataclass(frozen=True, slots=True)
class _FieldText:
    """A field as far as a rename can be told from it."""

    attribute: str
    wire: frozenset[str]
    annotation: str
    before: str
    """The attribute above it, empty for the first."""


Renames = Mapping[str, Mapping[str, str]]
"""By class: the old attribute and the owner's."""


def find_renames(base: str, ours: str) -> Renames:
    """The fields that the owner's classes carry under another attribute than the pristine ones.

    Either an alias keeps the name on the wire, or a new field of the same type stands in its place.
    """
    try:
        before, mine = _classes(base), _classes(ours)
    except SyntaxError:
        return {}
    found = {name: _renamed(before[name], mine[name]) for name in before if name in mine}
    return {name: renames for name, renames in found.items() if renames}


def follow_renames(source: str, renames: Renames) -> str:
    """The generated module, with the owner's attributes in place of the generated ones."""
    if not renames:
        return source
    try:
        return cst.parse_module(source).visit(_Renamer(renames)).code
    except cst.ParserSyntaxError:
        return source


def _renamed(before: list[_FieldText], mine: list[_FieldText]) -> dict[str, str]:
    held = {field.attribute for field in mine}
    known = {field.attribute for field in before}
    added = [field for field in mine if field.attribute not in known]
    renames: dict[str, str] = {}
    for field in before:
        if field.attribute in held:
            continue
        free = [other for other in added if other.attribute not in renames.values()]
        by_alias = [other for other in free if field.wire & other.wire]
        above = renames.get(field.before, field.before)
        by_place = [other for other in free if (other.before, other.annotation) == (above, field.annotation)]
        for candidates in (by_alias, by_place):
            if len(candidates) == 1:
                renames[field.attribute] = candidates[0].attribute
                break
    return renames


def _classes(source: str) -> dict[str, list[_FieldText]]:
    return {node.name: _fields(node) for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}


def _fields(node: ast.ClassDef) -> list[_FieldText]:
    fields: list[_FieldText] = []
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            attribute = item.target.id
            aliases = _strings_of_aliases(item.value)
            fields.append(
                _FieldText(
                    attribute=attribute,
                    wire=frozenset(aliases or {attribute}),
                    annotation=ast.unparse(item.annotation),
                    before=fields[-1].attribute if fields else "",
                )
            )
    return fields


def _strings_of_aliases(value: ast.expr | None) -> set[str]:
    """The names on the wire that a `Field(...)` gives, `AliasChoices` included."""
    if not isinstance(value, ast.Call):
        return set()
    given = [keyword.value for keyword in value.keywords if keyword.arg in _ALIASES]
    return {
        node.value
        for alias in given
        for node in ast.walk(alias)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


class _Renamer(cst.CSTTransformer):
    """Renames fields in their class, `record.<attribute>`, and keywords where the class is called."""

    def __init__(self, renames: Renames) -> None:
        super().__init__()
        self.renames = renames
        read = (fields for name, fields in renames.items() if name != "ModelOutput")
        self.attributes = {old: new for fields in read for old, new in fields.items()}
        self.inside: list[str] = []

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        """Remember the class."""
        self.inside.append(node.name.value)

    def leave_ClassDef(self, original_node: cst.ClassDef, updated_node: cst.ClassDef) -> cst.ClassDef:
        """Forget the class."""
        self.inside.pop()
        return updated_node

    def leave_AnnAssign(self, original_node: cst.AnnAssign, updated_node: cst.AnnAssign) -> cst.AnnAssign:
        """Rename a field."""
        target = updated_node.target
        fields = self.renames.get(self.inside[-1], {}) if self.inside else {}
        if isinstance(target, cst.Name) and target.value in fields:
            return updated_node.with_changes(target=cst.Name(fields[target.value]))
        return updated_node

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.Attribute:
        """Rename what is read from a record."""
        holder, name = updated_node.value, updated_node.attr.value
        while isinstance(holder, (cst.Attribute, cst.Subscript)):
            holder = holder.value
        if isinstance(holder, cst.Name) and holder.value == "record" and name in self.attributes:
            return updated_node.with_changes(attr=cst.Name(self.attributes[name]))
        return updated_node

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.Call:
        """Rename the keywords of a call of the class."""
        fields = (
            self.renames.get(updated_node.func.value, {}) if isinstance(updated_node.func, cst.Name) else {}
        )
        args = [
            argument.with_changes(keyword=cst.Name(fields[argument.keyword.value]))
            if argument.keyword and argument.keyword.value in fields
            else argument
            for argument in updated_node.args
        ]
        return updated_node.with_changes(args=args)
