"""Find the classes and fields that the owner renamed in `schemas.py`, and rename them in generated code."""

# ruff: noqa: N802, ARG002 - the methods of a libcst transformer

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import libcst as cst

from scaffold.upgrade._class_fields import ClassField, read_classes
from scaffold.upgrade._dotted import dotted_name, dotted_node, with_string

_OUTPUT_CLASS = "ModelOutput"


@dataclass(frozen=True, slots=True)
class Renames:
    """The owner's names for generated classes, fields and modules."""

    fields: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The owner's attribute names: `fields[generated class][generated attribute]`."""
    classes: Mapping[str, str] = field(default_factory=dict)
    """The owner's class names by generated class name."""
    modules: Mapping[str, str] = field(default_factory=dict)
    """New dotted names by old dotted name: `app.schemas`."""
    aliased: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Generated attribute names that still exist as an alias, by generated class.

    Callers, and code that constructs a record by keyword, keep using them.
    """


def find_renames(generated: str, owner: str) -> Renames:
    """Find the classes and fields that the owner renamed.

    A field is renamed if the new attribute has the old name as its alias, or has the same type and follows
    the same field.

    Args:
        generated: The text of `schemas.py` as last generated.
        owner: The owner's text of it.
    """
    try:
        generated_classes, owner_classes = read_classes(generated), read_classes(owner)
    except SyntaxError:
        return Renames()
    classes = dict(_renamed_classes(generated_classes, owner_classes))
    fields: dict[str, dict[str, str]] = {}
    aliased: dict[str, frozenset[str]] = {}
    for name, generated_fields in generated_classes.items():
        owner_fields = owner_classes.get(classes.get(name, name), [])
        if renames := _attribute_renames(generated_fields, owner_fields):
            fields[name] = renames
            wire_names = {each.attribute: each.wire_names for each in owner_fields}
            aliased[name] = frozenset(old for old, new in renames.items() if old in wire_names[new])
    return Renames(fields, classes, aliased=aliased)


def wire_renames(generated: str, owner: str) -> dict[str, dict[str, str]]:
    """Return the owner's names of fields over HTTP, by generated class and former name over HTTP."""
    try:
        generated_classes, owner_classes = read_classes(generated), read_classes(owner)
    except SyntaxError:
        return {}
    classes = dict(_renamed_classes(generated_classes, owner_classes))
    names: dict[str, dict[str, str]] = {}
    for name, fields in generated_classes.items():
        by_attribute = {each.attribute: each for each in owner_classes.get(classes.get(name, name), ())}
        attributes = _attribute_renames(fields, list(by_attribute.values()))
        for each in fields:
            own = by_attribute.get(attributes.get(each.attribute, each.attribute))
            if own is None or each.wire_names & own.wire_names:
                continue
            if len(each.wire_names) == len(own.wire_names) == 1:
                names.setdefault(name, {})[min(each.wire_names)] = min(own.wire_names)
    return names


def wire_annotations(source: str) -> dict[str, dict[str, str]]:
    """Return the type of each field of `schemas.py`, by class and by its name over HTTP."""
    return {
        key: {name: each.annotation for each in fields for name in each.wire_names}
        for key, fields in read_classes(source).items()
    }


def follow_renames(source: str, renames: Renames, ours: str | None) -> str:
    """Return the generated module with the owner's names in place of the generated ones.

    Fields are always renamed. A class or module is renamed only if `ours` has the new name and not the old
    one, or if `ours` is None (a new file).
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
    generated: Mapping[str, list[ClassField]], owner: Mapping[str, list[ClassField]]
) -> Iterator[tuple[str, str]]:
    """Yield each class that disappeared, with the new class that has most of its fields."""
    added = [name for name in owner if name not in generated]
    for old in (name for name in generated if name not in owner):
        wire_names = frozenset().union(*(each.wire_names for each in generated[old]))
        for new in added:
            new_names = frozenset().union(*(each.wire_names for each in owner[new]))
            if 2 * len(wire_names & new_names) > len(wire_names):
                yield old, new
                added.remove(new)
                break


def _attribute_renames(generated: list[ClassField], owner: list[ClassField]) -> dict[str, str]:
    """Return the owner's attribute names of a class by the generated ones, where they differ."""
    owner_attributes = {each.attribute for each in owner}
    generated_attributes = {each.attribute for each in generated}
    added = [each for each in owner if each.attribute not in generated_attributes]
    renames: dict[str, str] = {}
    for each in generated:
        if each.attribute in owner_attributes:
            continue
        free = [candidate for candidate in added if candidate.attribute not in renames.values()]
        by_alias = [candidate for candidate in free if each.wire_names & candidate.wire_names]
        preceding = renames.get(each.preceding, each.preceding)
        by_place = [
            candidate
            for candidate in free
            if (candidate.preceding, candidate.annotation) == (preceding, each.annotation)
        ]
        for candidates in (by_alias, by_place):
            if len(candidates) == 1:
                renames[each.attribute] = candidates[0].attribute
                break
    return renames


class _Renamer(cst.CSTTransformer):
    """Renames modules, classes, their fields, `record.<attribute>`, and keywords of constructor calls."""

    def __init__(self, renames: Renames, classes: Mapping[str, str], modules: Mapping[str, str]) -> None:
        super().__init__()
        self.fields, self.classes, self.modules = renames.fields, classes, modules
        input_fields = (fields for name, fields in renames.fields.items() if name != _OUTPUT_CLASS)
        # A record is constructed by its alias, so an aliased attribute keeps its keyword.
        self.keywords = {
            name: {
                old: new
                for old, new in fields.items()
                if name == _OUTPUT_CLASS or old not in renames.aliased.get(name, ())
            }
            for name, fields in renames.fields.items()
        }
        self.attributes = {old: new for fields in input_fields for old, new in fields.items()}
        self.class_stack: list[str] = []

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        """Remember the class."""
        self.class_stack.append(node.name.value)

    def leave_ClassDef(self, original_node: cst.ClassDef, updated_node: cst.ClassDef) -> cst.ClassDef:
        """Forget the class."""
        self.class_stack.pop()
        return updated_node

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.Name:
        """Rename a class."""
        return updated_node.with_changes(value=self.classes.get(updated_node.value, updated_node.value))

    def leave_AnnAssign(self, original_node: cst.AnnAssign, updated_node: cst.AnnAssign) -> cst.AnnAssign:
        """Rename a field."""
        target = updated_node.target
        fields = self.fields.get(self.class_stack[-1], {}) if self.class_stack else {}
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
