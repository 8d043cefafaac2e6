"""The statements of a script, those inside `if`, `try`, `with`, `for`, `while` and `match` too.

A definition is taken out of its block. A block is written only if its header matters, with the needed
statements only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import libcst as cst

_BLOCKS = (cst.If, cst.Try, cst.TryStar, cst.With, cst.For, cst.While, cst.Match)
_LOOPS = (cst.For, cst.While)


@dataclass(eq=False, slots=True)
class Statement:
    """One statement that runs when the script does: a simple one, a definition, or the header of a block."""

    node: cst.BaseStatement
    inside: tuple[Statement, ...] = ()
    """The block statements around it, the outermost first."""
    binds: set[str] = field(default_factory=set)
    uses: set[str] = field(default_factory=set)
    """Names of the script that it needs, when it runs or when its function is called."""
    parts: dict[cst.BaseSuite, list[Statement]] = field(default_factory=dict)
    """Of a block statement: the statements directly inside, by suite."""

    @property
    def definition(self) -> str | None:
        """The name of the class or function that it defines."""
        match self.node:
            case cst.FunctionDef(name=name) | cst.ClassDef(name=name):
                return name.value
        return None

    @property
    def imports(self) -> bool:
        """Whether the statement only imports."""
        match self.node:
            case cst.SimpleStatementLine(body=body):
                return all(isinstance(part, cst.Import | cst.ImportFrom) for part in body)
        return False

    @property
    def constant(self) -> tuple[str, cst.BaseExpression] | None:
        """The name and the value of `NAME = value`."""
        match self.node:
            case cst.SimpleStatementLine(
                body=[cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))], value=value)]
            ):
                return name, value
            case cst.SimpleStatementLine(
                body=[cst.AnnAssign(target=cst.Name(value=name), value=cst.BaseExpression() as value)]
            ):
                return name, value
        return None

    @property
    def is_loop(self) -> bool:
        """Whether the statement is the header of a loop."""
        return isinstance(self.node, _LOOPS)

    @property
    def callee(self) -> cst.BaseExpression | None:
        """The function of a statement that is only a call; None for other statements."""
        match self.node:
            case cst.SimpleStatementLine(body=[cst.Expr(value=cst.Call(func=func))]):
                return func
        return None

    def within(self) -> Iterator[Statement]:
        """Yield the statements inside a block, at any depth."""
        for children in self.parts.values():
            for child in children:
                yield child
                yield from child.within()

    def nodes(self) -> Iterator[cst.CSTNode]:
        """Yield the nodes of the statement; of a block, only those of its header."""
        waiting: list[cst.CSTNode] = [self.node]
        while waiting:
            current = waiting.pop()
            yield current
            waiting.extend(child for child in current.children if child not in self.parts)


def statements_of(body: Sequence[cst.CSTNode], inside: tuple[Statement, ...] = ()) -> Iterator[Statement]:
    """Yield the statements of a script in order.

    Those under `if __name__ == "__main__":` count as statements of the top.
    """
    for node in _split_statements(body):
        if isinstance(node, cst.If) and "__name__" in cst.Module([]).code_for_node(node.test):
            yield from statements_of(node.body.body, inside)
            continue
        statement = Statement(node, inside)
        yield statement
        for suite in _suites(node) if isinstance(node, _BLOCKS) else ():
            inner = list(statements_of(suite.body, (*inside, statement)))
            statement.parts[suite] = [child for child in inner if child.inside[-1] is statement]
            yield from inner


def _split_statements(body: Sequence[cst.CSTNode]) -> Iterator[cst.BaseStatement]:
    """Yield statements; split statements that share a line with `;`."""
    for node in body:
        if isinstance(node, cst.SimpleStatementLine) and len(node.body) > 1:
            yield from _split_statements(node.body)
        elif isinstance(node, cst.BaseSmallStatement):
            yield cst.SimpleStatementLine([node])
        elif isinstance(node, cst.BaseStatement):
            yield node


def _without_semicolon(node: cst.BaseStatement) -> cst.BaseStatement:
    """Return a statement without the `;` that followed it on its line."""
    if not isinstance(node, cst.SimpleStatementLine):
        return node
    return node.with_deep_changes(node.body[-1], semicolon=cst.MaybeSentinel.DEFAULT)


def _suites(node: cst.CSTNode) -> Iterator[cst.BaseSuite]:
    for child in node.children:
        if isinstance(child, cst.BaseSuite):
            yield child
        else:
            yield from _suites(child)


def is_import_guard(statement: Statement, imported: Statement) -> bool:
    """Whether `statement` is a `try` with the import `imported`, and only imports and assigns in its body."""
    if not isinstance(statement.node, cst.Try) or not statement.node.handlers:
        return False
    guarded = _within(statement.parts[statement.node.body])
    return imported in guarded and all(s.binds or s.parts or s.definition for s in guarded)


def is_for_type_checkers(statement: Statement) -> bool:
    """Whether the statement is `if TYPE_CHECKING:`, whose imports must not run."""
    node = statement.node
    return isinstance(node, cst.If) and "TYPE_CHECKING" in cst.Module([]).code_for_node(node.test)


def raises_in(statement: Statement) -> list[Statement]:
    """Return the `raise` statements inside a block."""
    return [
        inner
        for inner in statement.within()
        if isinstance(inner.node, cst.SimpleStatementLine) and isinstance(inner.node.body[0], cst.Raise)
    ]


def _within(statements: Sequence[Statement]) -> list[Statement]:
    return [nested for statement in statements for nested in (statement, *statement.within())]


def write(
    statement: Statement,
    chosen: Mapping[Statement, Sequence[cst.BaseStatement]],
    kept_blocks: Collection[Statement],
    literals: Mapping[Statement, cst.BaseStatement],
) -> list[cst.BaseStatement]:
    """Return the nodes to write for a statement: chosen statements, inside the blocks that are kept.

    A literal that replaces an assignment is written below its block, so that no branch skips it.
    """
    if not statement.parts:
        literal = literals.get(statement)
        return (
            [_without_semicolon(node) for node in chosen.get(statement, ())] if literal is None else [literal]
        )
    below: Mapping[Statement, cst.BaseStatement] = {} if statement in kept_blocks else literals
    hoisted = literals if statement in kept_blocks else {}
    bodies = {
        suite: [
            node
            for child in children
            if child not in hoisted
            for node in write(child, chosen, kept_blocks, below)
        ]
        for suite, children in statement.parts.items()
    }
    if statement not in kept_blocks:
        return [node for nodes in bodies.values() for node in nodes]
    rebuilt = statement.node.visit(_SuiteReplacer(bodies))
    assert isinstance(rebuilt, cst.BaseStatement)
    return [rebuilt, *(hoisted[inner] for inner in statement.within() if inner in hoisted)]


class _SuiteReplacer(cst.CSTTransformer):
    """Replaces the statements in the suites of a block."""

    def __init__(self, bodies: Mapping[cst.BaseSuite, Sequence[cst.BaseStatement]]) -> None:
        super().__init__()
        self._bodies = bodies

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Do not visit the statements of a suite."""
        return node not in self._bodies

    def on_leave(
        self, original_node: cst.CSTNodeT, updated_node: cst.CSTNodeT
    ) -> cst.CSTNodeT | cst.RemovalSentinel | cst.FlattenSentinel[cst.CSTNodeT]:
        """Return the suite with its new statements; remove an empty `else`."""
        if isinstance(original_node, cst.Else) and not self._bodies.get(original_node.body, ()):
            return cst.RemoveFromParent()
        if original_node not in self._bodies:
            return updated_node
        nodes = self._bodies[original_node] or [cst.SimpleStatementLine([cst.Pass()])]  # type: ignore[index]
        return cst.IndentedBlock(nodes)  # type: ignore[return-value]
