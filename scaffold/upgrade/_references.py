"""Rewrite references of old code to modules and names that moved."""

# ruff: noqa: N802, ARG002 - the methods of a libcst transformer

from __future__ import annotations

import ast

import libcst as cst

from scaffold.upgrade._dotted import dotted_name, dotted_node, with_string
from scaffold.upgrade._imports import module_name
from scaffold.upgrade._layout import MODULES, NAMES, OTHER_PLACES

_READY = "app.state.ready"


def follow_layout(path: str, source: str) -> str:
    """Return the module at `path` of the old layout with the present names in imports and definitions.

    Names of code that is gone stay.
    """
    module = module_name(path)
    try:
        names = _bound_names(source, module)
        return cst.parse_module(source).visit(_Follower(module, names)).code
    except (SyntaxError, cst.ParserSyntaxError):
        return source


def _package(path_module: str, level: int) -> str:
    parts = path_module.split(".")
    return ".".join(parts[: len(parts) - level])


def _place(module: str, name: str) -> tuple[str, str]:
    """Return the present module and name of a name in `module` of the old layout."""
    if place := OTHER_PLACES.get(f"{module}.{name}"):
        return place
    return MODULES.get(module, module), NAMES.get(module, {}).get(name, name)


class _Names:
    """The names of a module that refer to moved modules or renamed objects."""

    def __init__(self) -> None:
        self.renamed: dict[str, str] = {}
        """The present names, by the old ones."""
        self.modules: dict[str, str] = {}
        """The old modules that names are bound to."""


def _bound_names(source: str, module: str) -> _Names:
    names = _Names()
    names.renamed |= NAMES.get(module, {})
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            origin = _absolute(node.module or "", node.level, module)
            for alias in node.names:
                qualified = f"{origin}.{alias.name}"
                if qualified in MODULES or qualified in NAMES:
                    names.modules[alias.asname or alias.name] = qualified
                elif not alias.asname and (new := _place(origin, alias.name)[1]) != alias.name:
                    names.renamed[alias.name] = new
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname and (alias.name in MODULES or alias.name in NAMES):
                    names.modules[alias.asname] = alias.name
    return names


def _absolute(name: str, level: int, module: str) -> str:
    if not level:
        return name
    base = _package(module, level)
    return f"{base}.{name}" if name else base


class _Follower(cst.CSTTransformer):
    def __init__(self, module: str, names: _Names) -> None:
        super().__init__()
        self.module, self.names = module, names

    def visit_ImportFrom(self, node: cst.ImportFrom) -> bool:
        """Leave the names of an import to `leave_SimpleStatementLine`."""
        return False

    def visit_Import(self, node: cst.Import) -> bool:
        """Leave the names of an import to `leave_SimpleStatementLine`."""
        return False

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.SimpleStatementLine | cst.FlattenSentinel[cst.SimpleStatementLine]:
        """Rewrite an import; one that names several places becomes several."""
        if len(updated_node.body) != 1:
            return updated_node
        statement = updated_node.body[0]
        if isinstance(statement, cst.Import):
            return updated_node.with_changes(body=[self._import(statement)])
        if not isinstance(statement, cst.ImportFrom):
            return updated_node
        parts = self._import_from(statement)
        lines = [updated_node.with_changes(body=[part]) for part in parts]
        lines[1:] = [line.with_changes(leading_lines=[]) for line in lines[1:]]
        return lines[0] if len(lines) == 1 else cst.FlattenSentinel(lines)

    def _import(self, statement: cst.Import) -> cst.Import:
        names = []
        for alias in statement.names:
            dotted = dotted_name(alias.name)
            new = MODULES.get(dotted)
            names.append(alias.with_changes(name=dotted_node(new)) if new else alias)
        return statement.with_changes(names=names)

    def _import_from(self, statement: cst.ImportFrom) -> list[cst.ImportFrom]:
        name = dotted_name(statement.module) if statement.module else ""
        origin = _absolute(name, len(statement.relative), self.module)
        if isinstance(statement.names, cst.ImportStar):
            return [_from(statement, MODULES[origin])] if origin in MODULES else [statement]
        groups: dict[str, list[cst.ImportAlias]] = {}
        for alias in statement.names:
            target, new = self._target(origin, alias)
            groups.setdefault(target, []).append(new)
        moved = self.module in MODULES and statement.relative
        if list(groups) == [origin] and not moved:
            return [statement.with_changes(names=groups[origin])]
        single = len(groups) == 1
        return [_from(statement, target, names, single=single) for target, names in sorted(groups.items())]

    def _target(self, origin: str, alias: cst.ImportAlias) -> tuple[str, cst.ImportAlias]:
        name = dotted_name(alias.name)
        if new_place := MODULES.get(f"{origin}.{name}"):
            package, _, last = new_place.rpartition(".")
            aliased = alias if alias.asname or last == name else alias.with_changes(asname=_as(name))
            return package, aliased.with_changes(name=cst.Name(last))
        module, new = _place(origin, name)
        return module, alias.with_changes(name=cst.Name(new))

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.Name:
        """Rename a name that has changed."""
        return updated_node.with_changes(value=self.names.renamed.get(updated_node.value, updated_node.value))

    def leave_Attribute(
        self, original_node: cst.Attribute, updated_node: cst.Attribute
    ) -> cst.BaseExpression:
        """Rename attributes of modules that moved, and the method of the batcher."""
        attr = original_node.attr.value
        updated_node = updated_node.with_changes(attr=cst.Name(attr))
        dotted = dotted_name(original_node)
        if dotted in MODULES:
            return dotted_node(MODULES[dotted])
        if f".{dotted}".endswith(f".{_READY}"):
            return updated_node.with_changes(value=cst.Attribute(updated_node.value, cst.Name("serving")))
        holder = dotted.rpartition(".")[0]
        module = self.names.modules.get(holder, holder)
        if new := NAMES.get(module, {}).get(attr):
            return updated_node.with_changes(attr=cst.Name(new))
        if attr == "predict" and holder.rpartition(".")[2] == "batcher":
            return updated_node.with_changes(attr=cst.Name("score"))
        return updated_node

    def leave_Arg(self, original_node: cst.Arg, updated_node: cst.Arg) -> cst.Arg:
        """Keywords of calls keep their names."""
        return updated_node.with_changes(keyword=original_node.keyword)

    def leave_SimpleString(
        self, original_node: cst.SimpleString, updated_node: cst.SimpleString
    ) -> cst.SimpleString:
        """Rename a dotted path in a string, as in `patch("app.metrics.count_request")`."""
        return with_string(updated_node, _present_name)


def _present_name(dotted: str) -> str:
    """Return the present dotted name for one of the old layout."""
    parts = dotted.split(".")
    module = ".".join(parts[:2])
    return ".".join([*_place(module, parts[2]), *parts[3:]]) if module in MODULES and parts[2:] else dotted


def _from(
    statement: cst.ImportFrom, module: str, names: list[cst.ImportAlias] | None = None, *, single: bool = True
) -> cst.ImportFrom:
    statement = statement.with_changes(module=dotted_node(module), relative=[])
    if not isinstance(statement.whitespace_before_import, cst.SimpleWhitespace) or not names:
        return statement
    if single:
        return statement.with_changes(names=names)
    bare = [alias.with_changes(comma=cst.MaybeSentinel.DEFAULT) for alias in names]
    return statement.with_changes(names=bare, lpar=None, rpar=None)


def _as(name: str) -> cst.AsName:
    return cst.AsName(name=cst.Name(name))
