"""Follow a field that the owner renamed through the generated code of both states."""

# ruff: noqa: N802, ARG002 - the methods of a libcst transformer

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import libcst as cst

from scaffold.upgrade._dotted import dotted_name, dotted_node, with_string

_OUTPUT_CLASS = "ModelOutput"
_ALIASES = ("alias", "validation_alias", "serialization_alias")


@dataclass(frozen=True, slots=True)
class _FieldText:
    """The properties of a field by which a rename is recognised."""

    attribute: str
    wire: frozenset[str]
    annotation: str
    before: str
    """The preceding attribute; empty for the first."""


@dataclass(frozen=True, slots=True)
class Renames:
    """The owner's names for generated classes, fields and modules."""

    fields: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The owner's attribute by the old attribute, by generated class name."""
    classes: Mapping[str, str] = field(default_factory=dict)
    modules: Mapping[str, str] = field(default_factory=dict)
    """By dotted name."""
    aliased: frozenset[str] = frozenset()
    """The old attributes of records whose name is an alias now, by which callers still give them."""


def find_renames(base: str, ours: str) -> Renames:
    """Find the classes and fields that the owner renamed.

    Of a field either an alias keeps the name on the wire, or a new one of the same type stands in its place.
    """
    try:
        before, mine = _classes(base), _classes(ours)
    except SyntaxError:
        return Renames()
    classes = dict(_renamed_classes(before, mine))
    owner_fields = {name: mine[classes.get(name, name)] for name in before if classes.get(name, name) in mine}
    fields = {name: _attribute_renames(before[name], owner_fields[name]) for name in owner_fields}
    wires = {
        wire
        for name, each in owner_fields.items()
        if name != _OUTPUT_CLASS
        for renamed_field in each
        for wire in renamed_field.wire
    }
    aliased = {
        old for name, renames in fields.items() if name != _OUTPUT_CLASS for old in renames if old in wires
    }
    return Renames(
        {name: renames for name, renames in fields.items() if renames}, classes, aliased=frozenset(aliased)
    )


def wire_renames(base: str, ours: str) -> dict[str, dict[str, str]]:
    """Return the owner's names of fields over HTTP, by generated class and former name over HTTP."""
    try:
        before, mine = _classes(base), _classes(ours)
    except SyntaxError:
        return {}
    classes = dict(_renamed_classes(before, mine))
    wires: dict[str, dict[str, str]] = {}
    for name, fields in before.items():
        by_attribute = {each.attribute: each for each in mine.get(classes.get(name, name), ())}
        attributes = _attribute_renames(fields, list(by_attribute.values()))
        for each in fields:
            now = by_attribute.get(attributes.get(each.attribute, each.attribute))
            if now and not each.wire & now.wire and len(each.wire) == len(now.wire) == 1:
                wires.setdefault(name, {})[min(each.wire)] = min(now.wire)
    return wires


def follow_renames(source: str, renames: Renames, ours: str | None) -> str:
    """Return the generated module with the owner's names in place of the generated ones.

    Fields are followed everywhere; a class or a module where the owner's file has the new name and not the
    old one, and in a file that is new.
    """
    names = None if ours is None else _names_in(ours)
    classes, modules = (
        {old: new for old, new in each.items() if names is None or (new in names and old not in names)}
        for each in (renames.classes, renames.modules)
    )
    if not (renames.fields or classes or modules):
        return source
    try:
        return cst.parse_module(source).visit(_Renamer(renames, classes, modules)).code
    except cst.ParserSyntaxError:
        return source


def _names_in(source: str) -> set[str]:
    """Return the names in a module, with dotted ones and strings; none if it does not parse."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return set()
    names: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.ClassDef(name=name) | ast.Constant(value=str() as name):
                names.add(name)
            case ast.Attribute(attr=name):
                names |= {name, ast.unparse(node)}
            case ast.ImportFrom(module=module, names=aliases):
                names |= {module or "", *(alias.name for alias in aliases)}
                names |= {f"{module}.{alias.name}" for alias in aliases}
            case ast.Import(names=aliases):
                names |= {alias.name for alias in aliases}
            case _:
                pass
    return names


def _renamed_classes(
    before: Mapping[str, list[_FieldText]], mine: Mapping[str, list[_FieldText]]
) -> Iterator[tuple[str, str]]:
    """Yield each class that disappeared, with the new class that has most of its fields."""
    added = [name for name in mine if name not in before]
    for old in (name for name in before if name not in mine):
        wires = frozenset().union(*(each.wire for each in before[old]))
        for new in added:
            new_wires = frozenset().union(*(each.wire for each in mine[new]))
            if wires and 2 * len(wires & new_wires) > len(wires):
                yield old, new
                break


def _attribute_renames(before: list[_FieldText], mine: list[_FieldText]) -> dict[str, str]:
    owner_attributes = {each.attribute for each in mine}
    generated_attributes = {each.attribute for each in before}
    added = [each for each in mine if each.attribute not in generated_attributes]
    renames: dict[str, str] = {}
    for each in before:
        if each.attribute in owner_attributes:
            continue
        free = [candidate for candidate in added if candidate.attribute not in renames.values()]
        by_alias = [candidate for candidate in free if each.wire & candidate.wire]
        above = renames.get(each.before, each.before)
        by_place = [
            candidate
            for candidate in free
            if (candidate.before, candidate.annotation) == (above, each.annotation)
        ]
        for candidates in (by_alias, by_place):
            if len(candidates) == 1:
                renames[each.attribute] = candidates[0].attribute
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
    """Return the aliases in a `Field(...)`, those of `AliasChoices` included."""
    if not isinstance(value, ast.Call):
        return set()
    aliases = [keyword.value for keyword in value.keywords if keyword.arg in _ALIASES]
    return {
        node.value
        for alias in aliases
        for node in ast.walk(alias)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


class _Renamer(cst.CSTTransformer):
    """Renames modules, classes, fields in their class, `record.<attribute>`, and keywords of its calls."""

    def __init__(self, renames: Renames, classes: Mapping[str, str], modules: Mapping[str, str]) -> None:
        super().__init__()
        self.fields, self.classes, self.modules = renames.fields, classes, modules
        read = (fields for name, fields in renames.fields.items() if name != _OUTPUT_CLASS)
        # Code that makes a record uses the names of a request.
        self.keywords = {
            name: {
                old: new for old, new in fields.items() if name == _OUTPUT_CLASS or old not in renames.aliased
            }
            for name, fields in renames.fields.items()
        }
        self.attributes = {old: new for fields in read for old, new in fields.items()}
        self.inside: list[str] = []

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        """Remember the class."""
        self.inside.append(node.name.value)

    def leave_ClassDef(self, original_node: cst.ClassDef, updated_node: cst.ClassDef) -> cst.ClassDef:
        """Forget the class."""
        self.inside.pop()
        return updated_node

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.Name:
        """Rename a class."""
        return updated_node.with_changes(value=self.classes.get(updated_node.value, updated_node.value))

    def leave_AnnAssign(self, original_node: cst.AnnAssign, updated_node: cst.AnnAssign) -> cst.AnnAssign:
        """Rename a field."""
        target = updated_node.target
        fields = self.fields.get(self.inside[-1], {}) if self.inside else {}
        if isinstance(target, cst.Name) and target.value in fields:
            return updated_node.with_changes(target=cst.Name(fields[target.value]))
        return updated_node

    def leave_SimpleString(
        self, original_node: cst.SimpleString, updated_node: cst.SimpleString
    ) -> cst.SimpleString:
        """Rename the module that a string names, as in `"app.main:app"`."""
        return with_string(updated_node, self._renamed_module) if self.modules else updated_node

    def _renamed_module(self, dotted: str) -> str:
        for old, new in self.modules.items():
            if f"{dotted}.".startswith(f"{old}."):
                return new + dotted.removeprefix(old)
        return dotted

    def leave_Attribute(
        self, original_node: cst.Attribute, updated_node: cst.Attribute
    ) -> cst.Attribute | cst.Name:
        """Rename a module, and what is read from a record."""
        if new := self.modules.get(dotted_name(original_node)):
            return dotted_node(new)
        holder, name = updated_node.value, updated_node.attr.value
        while isinstance(holder, (cst.Attribute, cst.Subscript)):
            holder = holder.value
        if isinstance(holder, cst.Name) and holder.value == "record" and name in self.attributes:
            return updated_node.with_changes(attr=cst.Name(self.attributes[name]))
        return updated_node

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.Call:
        """Rename the keywords of a call of the class."""
        func = original_node.func
        fields = self.keywords.get(func.value, {}) if isinstance(func, cst.Name) else {}
        args = [
            argument.with_changes(keyword=cst.Name(fields[argument.keyword.value]))
            if argument.keyword and argument.keyword.value in fields
            else argument
            for argument in updated_node.args
        ]
        return updated_node.with_changes(args=args)
