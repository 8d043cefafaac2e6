"""A script or notebook as statements that bind names and use names.

Everything here works on source text; nothing of it is run.
"""

from __future__ import annotations

import ast
import builtins
import functools
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import CodeType

import libcst as cst
from libcst import metadata

from scaffold.resolve.lift._blocks import Statement, statements_of
from scaffold.resolve.lift._written import aliases_of

_MAGICS = ("%", "!", "?")


class UnreadableScriptError(Exception):
    """The text is no Python. `args[0]` says where."""


class Script:
    """The text of a script: its code at once, its statements when they are asked for."""

    def __init__(self, text: str, name: str) -> None:
        """Compile `text`; `name` is shown in messages.

        Raises:
            UnreadableScriptError: The text is not valid Python.
        """
        self.text = text
        self.name = name
        try:
            codes = list(_compiled(text, name))
        except (SyntaxError, ValueError) as error:
            raise UnreadableScriptError(str(error).splitlines()[0]) from error

        self._codes: dict[tuple[object, ...], list[CodeType]] = {}
        for code in codes:
            self._codes.setdefault(_code_key(code), []).append(code)

    def codes_like(self, code: CodeType) -> list[CodeType]:
        """The functions in it that do the same as `code`, wherever they stand."""
        return self._codes.get(_code_key(code), [])

    def are_alike(self, one: CodeType, other: CodeType) -> bool:
        """Whether two functions do the same, or stand at one place of the script."""
        if _code_key(one) == _code_key(other):
            return True
        lines = [{(c.co_firstlineno, c.co_name) for c in self.codes_like(code)} for code in (one, other)]
        return not lines[0].isdisjoint(lines[1])

    def defines(self, name: str) -> bool:
        """Whether a class, function or assignment at its top binds `name`."""
        return any(
            getattr(node, "name", None) == name
            or (
                isinstance(node, ast.Assign)
                and any(isinstance(t, ast.Name) and t.id == name for t in node.targets)
            )
            for node in _top_nodes(ast.parse(self.text).body)
        )

    def binding(self, name: str) -> list[Statement]:
        """The statements that bind `name`, in order."""
        return self.parsed.binding(name)

    @functools.cached_property
    def parsed(self) -> Parsed:
        """Its statements."""
        return Parsed(cst.parse_module(self.text))


class Parsed:
    """The statements of a script, with the names that they bind and use."""

    def __init__(self, module: cst.Module) -> None:
        wrapper = metadata.MetadataWrapper(module, unsafe_skip_copy=True)
        self._scopes = wrapper.resolve(metadata.ScopeProvider)
        self.positions = wrapper.resolve(metadata.PositionProvider)
        self.parents = wrapper.resolve(metadata.ParentNodeProvider)
        self.statements = list(statements_of(module.body))
        self._owners = {node: s for s in self.statements for node in s.nodes()}
        self._note_names()
        self._bindings: dict[str, list[Statement]] = {}
        for statement in self.statements:
            for name in statement.binds:
                self._bindings.setdefault(name, []).append(statement)

    def binding(self, name: str) -> list[Statement]:
        """The statements that bind `name`, in order."""
        return self._bindings.get(name, [])

    def future_imports(self) -> list[Statement]:
        """The `from __future__` lines."""
        return [s for s in self.statements if s.imports and "__future__" in _module_names(s.node)]

    def star_imports(self) -> list[Statement]:
        """The `from module import *` lines."""
        return [s for s in self.statements if s.imports and "*" in cst.Module([]).code_for_node(s.node)]

    def tool_names(self) -> set[str]:
        """The names by which the script calls this tool."""
        return {
            name
            for statement in self.statements
            if statement.imports and "scaffold" in _top_modules(statement.node)
            for name in _names_of_tool(statement.node)
        }

    def owner(self, node: cst.CSTNode) -> Statement | None:
        """The statement that `node` is part of."""
        return self._owners.get(node)

    def _note_names(self) -> None:
        scopes = {scope for scope in self._scopes.values() if scope is not None}
        top = next((scope for scope in scopes if isinstance(scope, metadata.GlobalScope)), None)
        if top is None:
            return
        for assignment in top.assignments:
            if isinstance(assignment, metadata.Assignment) and (owner := self.owner(assignment.node)):
                owner.binds.update(_bound_names(assignment, owner))
        own = {name for statement in self.statements for name in statement.binds}
        for access in (access for scope in scopes for access in scope.accesses):
            names = {r.name.partition(".")[0] for r in access.referents if r.scope is top}
            if not access.referents and isinstance(access.node, cst.Name):
                names = {access.node.value}
            if user := self.owner(access.node):
                user.uses.update(name for name in names if name in own or not hasattr(builtins, name))


def read_script(path: Path) -> str:
    """The Python text of a script, or of all code cells of a notebook in their order."""
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    if path.suffix != ".ipynb":
        return text
    cells = [cell for cell in json.loads(text).get("cells", []) if cell.get("cell_type") == "code"]
    return joined_cells("".join(cell.get("source", "")) for cell in cells)


def joined_cells(cells: Iterable[str]) -> str:
    """The text of cells one below the other, without magics and without those that are no Python."""
    texts = []
    for cell in cells:
        if cell.lstrip().startswith("%%"):
            continue
        lines = [line for line in cell.splitlines() if not line.lstrip().startswith(_MAGICS)]
        text = "\n".join(lines).strip("\n")
        try:
            ast.parse(text)
        except SyntaxError:
            continue
        texts.append(text)
    return "\n\n\n".join(texts) + "\n"


def _compiled(text: str, name: str) -> Iterator[CodeType]:
    """The code of a script as a whole, and of each statement alone, as a notebook compiles it.

    The two differ: the compiler treats `np` as a module only if `import numpy as np` is in the same code.
    """
    tree = ast.parse(text)
    for part in (tree, *(ast.Module(body=[node], type_ignores=[]) for node in tree.body)):
        yield from _codes(compile(part, name, "exec", dont_inherit=True))


def all_codes(code: CodeType) -> Iterator[CodeType]:
    """`code` and every code object inside it."""
    yield code
    yield from _codes(code)


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from all_codes(constant)


def _code_key(code: CodeType) -> tuple[object, ...]:
    constants = tuple(
        _code_key(c) if isinstance(c, CodeType) else (type(c).__name__, repr(c)) for c in code.co_consts
    )
    return (code.co_name, code.co_code, constants, code.co_names, code.co_varnames, code.co_freevars,
            code.co_cellvars, code.co_argcount, code.co_kwonlyargcount)  # fmt: skip


def _top_nodes(body: Sequence[ast.AST]) -> Iterator[ast.AST]:
    """Yield the statements of a script, those inside blocks too."""
    for node in body:
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inner = (getattr(node, name, ()) for name in ("body", "orelse", "finalbody", "handlers", "cases"))
            yield from _top_nodes([child for part in inner if isinstance(part, list) for child in part])


def _bound_names(assignment: metadata.Assignment, owner: Statement) -> set[str]:
    if owner.imports and isinstance(assignment.node, cst.Import | cst.ImportFrom):
        return {bound for bound, _ in aliases_of(assignment.node)}
    return {assignment.name.partition(".")[0]}


def _module_names(node: cst.BaseStatement) -> set[str]:
    if not isinstance(node, cst.SimpleStatementLine):
        return set()
    parts = [part for part in node.body if isinstance(part, cst.ImportFrom)]
    return {cst.Module([]).code_for_node(part.module) for part in parts if part.module is not None}


def _names_of_tool(node: cst.BaseStatement) -> set[str]:
    """The names that an import binds to this tool, or to something of it."""
    parts = node.body if isinstance(node, cst.SimpleStatementLine) else ()
    return {
        bound
        for part in parts
        if isinstance(part, cst.Import | cst.ImportFrom)
        for bound, alias in aliases_of(part)
        if isinstance(part, cst.ImportFrom) or alias.evaluated_name.partition(".")[0] == "scaffold"
    }


def _top_modules(node: cst.BaseStatement) -> set[str]:
    """The top packages that an import names."""
    names = {name.partition(".")[0] for name in _module_names(node)}
    parts = node.body if isinstance(node, cst.SimpleStatementLine) else ()
    imports = [part for part in parts if isinstance(part, cst.Import)]
    return names | {alias.evaluated_name.partition(".")[0] for part in imports for alias in part.names}
