"""Choose the statements of a script that some of its names need, and write them as a module."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from types import CodeType, FunctionType

import libcst as cst

from scaffold.resolve.lift._blocks import Statement, is_for_type_checkers, is_import_guard, raises_in, write
from scaffold.resolve.lift._changes import changes_of, earlier_bindings, is_only_called
from scaffold.resolve.lift._nodes import evaluated_names, function_of, methods_of, names_of, with_note
from scaffold.resolve.lift._places import CannotLiftError, Places
from scaffold.resolve.lift._script import Script
from scaffold.resolve.lift._written import (
    is_literal_of,
    literal_statement,
    literal_text,
    module_text,
    trimmed_imports,
)


class Selection:
    """The statements selected from one script.

    Args:
        script: The script.
        captured: The globals when the model was saved; they win over the script.
        codes: The code that the model carries, which selects one of several definitions of a name.
    """

    def __init__(self, script: Script, captured: Mapping[str, object], codes: Sequence[CodeType]) -> None:
        self._script = script
        self._parsed = script.parsed
        self._places = Places(script)
        self._captured = captured
        self._codes = codes
        self._names: set[str] = set()
        self._nodes: dict[Statement, cst.BaseStatement] = {}
        self._imported: dict[Statement, set[str]] = {}
        self._literals: dict[Statement, cst.BaseStatement] = {}
        """Replacements for assignments: the values when the model was saved."""
        self._kept_blocks: set[Statement] = set()
        """The blocks that are written with their headers."""
        self._extra: list[cst.BaseStatement] = []

    def need(self, name: str, *, below: str = "") -> None:
        """Select the bindings of `name` and their dependencies; `below` is a constant that needs them."""
        if name in self._names:
            return
        self._names.add(name)
        bindings = self._script.binding(name)
        if not bindings:
            for statement in self._parsed.star_imports():
                self._nodes[statement] = statement.node
        elif all(statement.imports for statement in bindings):
            self._need_imports(name, bindings)
        elif any(statement.definition == name for statement in bindings):
            self._need_definition(name, bindings)
        elif any(statement.imports for statement in bindings):
            self._select_bindings(name, bindings)
        else:
            self._need_constant(name, bindings, below)

    def add_lambda(self, function: FunctionType) -> str:
        """Write a lambda as a function and return its name."""
        node = self._places.lambda_node(function)
        statement = self._parsed.owner(node)
        if statement is not None and statement.constant is not None and statement.constant[1] is node:
            name = statement.constant[0]
            self._names.add(name)
        else:
            name = self._free_name(self._places.lambda_name(node))
        self._need_all(names_of([function]) | evaluated_names(node.params), statement)
        function_node = function_of(name, node)
        cells = self._cells(function)
        if cells:
            self._add_factory(name, function_node, cells)
        elif statement is not None and statement.constant is not None and statement.constant[1] is node:
            self._nodes[statement] = function_node
        else:
            self._extra.append(function_node)
        return name

    def add_inner(self, target: FunctionType | type) -> str:
        """Write a function or class that was defined inside a function, and return its name."""
        node = self._places.inner_node(target)
        name = self._free_name(node.name.value)
        statement = self._parsed.owner(node)
        functions = [target] if isinstance(target, FunctionType) else methods_of(target)
        self._need_all(names_of(functions) | evaluated_names(node), statement)
        cells = self._cells(target)
        plain = node.with_changes(name=cst.Name(name), leading_lines=[])
        if cells:
            self._add_factory(name, plain, cells)
        else:
            self._extra.append(plain)
        return name

    def text(self, title: str) -> str:
        """The module."""
        chosen = {statement: [node] for statement, node in self._nodes.items()}
        for statement, names in self._imported.items():
            chosen.setdefault(statement, trimmed_imports(statement.node, names))
        blocks: list[cst.BaseStatement] = [statement.node for statement in self._parsed.future_imports()]
        for statement in self._parsed.statements:
            if not statement.inside:
                blocks += write(statement, chosen, self._kept_blocks, self._literals)
        return module_text(title, [*blocks, *self._extra])

    # ------------------------------------------------------------------ statements

    def _select(self, statement: Statement, below: str = "") -> None:
        """Select a statement, of a block its header, and its dependencies."""
        if statement in self._nodes or statement in self._kept_blocks:
            return
        if statement.parts:
            self._keep(statement)
            return
        self._refuse_tool(statement)
        self._nodes[statement] = statement.node
        self._need_used(statement, below)

    def _keep(self, *blocks: Statement) -> None:
        """Write these blocks, an outer one first, with their headers."""
        for block in blocks:
            if block in self._kept_blocks:
                continue
            self._refuse_tool(block)
            self._kept_blocks.add(block)
            self._need_used(block)
            for inner in self._required_statements(block):
                self._select(inner)
                self._keep(*inner.inside[inner.inside.index(block) + 1 :])

    def _required_statements(self, block: Statement) -> list[Statement]:
        """Return the statements of a block that are always written with it.

        A loop without some of its statements has another result, or does not end; only plain calls (`print`,
        `save`) are left out. A `try` keeps its own `raise` statements.
        """
        if not block.is_loop:
            return raises_in(block) if isinstance(block.node, cst.Try | cst.TryStar) else []
        return [s for s in block.within() if not s.parts and not is_only_called(s, self._script)]

    def _need_used(self, statement: Statement, below: str = "") -> None:
        for name in sorted(statement.uses):
            enclosing = next((block for block in reversed(statement.inside) if name in block.binds), None)
            if enclosing is None:
                self.need(name, below=below)
                self._select_bindings(name, earlier_bindings(name, statement, self._script))
                continue
            # The variable of a loop, a `with` or an `except` is bound by the block.
            self._keep(*statement.inside[statement.inside.index(enclosing) :])
            for inner in self._script.binding(name):
                if enclosing in inner.inside and inner is not statement:
                    self._select(inner)

    def _refuse_tool(self, statement: Statement) -> None:
        """Refuse to lift a call of this tool: the service would start it."""
        names = statement.uses & self._parsed.tool_names() if statement.definition is None else set()
        if names:
            raise CannotLiftError(f"it uses the result of a call of {min(names)}")

    def _need_imports(self, name: str, bindings: list[Statement]) -> None:
        empty = cst.Module([])
        import_texts = {
            "".join(empty.code_for_node(node).strip() for node in trimmed_imports(s.node, {name}))
            for s in bindings
        }
        if len(import_texts) == 1:
            # The same import in several cells or blocks: one at the top is enough.
            bindings = sorted(bindings, key=lambda s: len(s.inside))[:1]
        for statement in bindings:
            self._imported.setdefault(statement, set()).add(name)
            if len(bindings) > 1:
                self._keep(*statement.inside)
                continue
            for depth, block in enumerate(statement.inside):
                if is_import_guard(block, statement) or is_for_type_checkers(block):
                    self._keep(*statement.inside[depth:])

    def _need_definition(self, name: str, bindings: list[Statement]) -> None:
        """Take the definition that the model was made with: the one with the code it carries, else the last.

        Where a block decides (`try: from fast import f`, `except: def f`), the block is taken.
        """
        defining = [statement for statement in bindings if statement.definition == name]
        chosen = self._with_carried_code(defining) if len(bindings) > 1 else defining[0]
        if chosen is None and not any(statement.inside for statement in bindings):
            chosen = defining[-1]
        if chosen is not None:
            self._select(chosen)
            for statement in changes_of(name, chosen, self._script):
                self._select(statement)
                self._keep(*statement.inside)
            return
        last = max((i for i, statement in enumerate(bindings) if not statement.inside), default=0)
        self._select_bindings(name, bindings[last:])

    def _with_carried_code(self, defining: list[Statement]) -> Statement | None:
        lines = {other.co_firstlineno for code in self._codes for other in self._script.codes_like(code)}
        for statement in reversed(defining):
            span = self._parsed.positions[statement.node]
            if any(span.start.line <= line <= span.end.line for line in lines):
                return statement
        return None

    def _select_bindings(self, name: str, bindings: list[Statement], below: str = "") -> None:
        """Select all bindings of a name, with the blocks that choose between them."""
        for statement in bindings:
            if statement.imports:
                self._imported.setdefault(statement, set()).add(name)
            else:
                self._select(statement, below)
            loops = [depth for depth, block in enumerate(statement.inside) if block.is_loop]
            if len(bindings) > 1:
                self._keep(*statement.inside)
            elif loops:
                self._keep(*statement.inside[loops[0] :])

    def _need_constant(self, name: str, bindings: list[Statement], below: str) -> None:
        last = bindings[-1]
        plain = last.constant if len(bindings) == 1 else None
        if name in self._captured:
            value = self._captured[name]
            if plain and is_literal_of(plain[1], value):
                self._nodes[last] = last.node
                return
            literal = literal_statement(name, value)
            if literal is not None:
                self._literals[last] = with_note(literal)
                return
            if below:
                raise CannotLiftError(f"'{below}' is computed from '{name}', which is computed too")
        self._select_bindings(name, bindings, name if name in self._captured else "")

    # ------------------------------------------------------------------ lambdas and inner definitions

    def _cells(self, target: FunctionType | type) -> dict[str, str]:
        """The values that a closure keeps, as the text of an argument, by the name of the variable."""
        functions = [target] if isinstance(target, FunctionType) else methods_of(target)
        cells: dict[str, str] = {}
        for function in functions:
            for name, value in inspect.getclosurevars(function).nonlocals.items():
                if name != "__class__" and value is not target:
                    cells[name] = self._argument(name, value)
        return cells

    def _argument(self, name: str, value: object) -> str:
        text = literal_text(value)
        if text is not None:
            return text
        qualname = getattr(value, "__qualname__", None)
        if isinstance(qualname, str) and "." not in qualname and self._script.binding(qualname):
            self.need(qualname)
            return qualname
        if isinstance(value, FunctionType) and value.__code__.co_name == "<lambda>":
            return self.add_lambda(value)
        if isinstance(value, FunctionType | type) and "<locals>" in value.__qualname__:
            return self.add_inner(value)
        for global_name, captured in self._captured.items():
            if captured is value and self._script.binding(global_name):
                self.need(global_name)
                return global_name
        raise CannotLiftError(f"it keeps '{name}', a {type(value).__name__}, from the function around it")

    def _need_all(self, names: set[str], statement: Statement | None) -> None:
        """Select the definitions of those `names` that `statement` uses."""
        for name in sorted(names & statement.uses) if statement is not None else ():
            self.need(name)

    def _add_factory(self, name: str, node: cst.BaseStatement, cells: Mapping[str, str]) -> None:
        """A function that takes what the closure keeps and returns the definition, and the call of it."""
        factory = self._free_name(f"make_{name.lower()}")
        header = cst.ensure_type(
            cst.parse_statement(f"def {factory}({', '.join(cells)}):\n    return {name}\n"), cst.FunctionDef
        )
        body = cst.ensure_type(header.body, cst.IndentedBlock)
        self._extra.append(header.with_changes(body=body.with_changes(body=[node, *body.body])))
        arguments = ", ".join(f"{key}={value}" if key != value else value for key, value in cells.items())
        self._extra.append(cst.parse_statement(f"{name} = {factory}({arguments})\n"))
        # The qualified name of an inner function contains `<locals>`; a pickle needs a plain one.
        self._extra.append(cst.parse_statement(f'{name}.__qualname__ = "{name}"\n'))

    def _free_name(self, base_name: str) -> str:
        name, number = base_name, 2
        while name in self._names or self._script.binding(name):
            name, number = f"{base_name}_{number}", number + 1
        self._names.add(name)
        return name
