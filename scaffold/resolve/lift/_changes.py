"""Statements of a script that change the object of a name after its definition."""

from __future__ import annotations

import builtins

import libcst as cst

from scaffold.resolve.lift._blocks import Statement
from scaffold.resolve.lift._nodes import evaluated_names
from scaffold.resolve.lift._places import CannotLiftError
from scaffold.resolve.lift._script import Script

_CHANGING = frozenset(
    {
        "add",
        "append",
        "clear",
        "discard",
        "extend",
        "insert",
        "pop",
        "register",
        "remove",
        "setdefault",
        "update",
    }
)
"""Methods that change the container, or the class, that they are called on."""


def changes_of(name: str, definition: Statement, script: Script) -> list[Statement]:
    """Return the statements after a class or function that change it or bind its name to something else.

    Only those before the next definition of the name, and before the script first calls this tool: the model
    was made before the others ran.

    Raises:
        CannotLiftError: A change uses a computed value, or a call of this tool.
    """
    changes = []
    tools = script.parsed.tool_names()
    statements = script.parsed.statements
    for statement in statements[statements.index(definition) + 1 :]:
        if statement.definition is None and not statement.imports and statement.uses & tools:
            break
        if statement.definition == name:
            break
        bound = name in statement.binds and not (statement.imports or statement.parts)
        if bound or name in _changed(statement.node):
            computed = sorted(
                used for used in statement.uses - {name} if _is_computed(used, statement, script)
            )
            if computed:
                raise CannotLiftError(f"'{name}' is changed by what '{computed[0]}' holds, which is computed")
            changes.append(statement)
    return changes


def earlier_bindings(name: str, statement: Statement, script: Script) -> list[Statement]:
    """Return the bindings of a name before `statement`, if a later definition binds the name again."""
    bindings = script.binding(name)
    if sum(bound.definition == name for bound in bindings) < 2:
        return []
    if statement.definition and name not in evaluated_names(statement.node):
        return []  # a function looks the name up when it is called
    order = script.parsed.statements
    before = [bound for bound in bindings if order.index(bound) < order.index(statement)]
    last = max((i for i, bound in enumerate(before) if not bound.inside), default=0)
    return before[last:]


def calls_with(name: str, script: Script) -> list[str]:
    """Return the calls that take the class or function `name` and may change it, as they are written.

    Only calls whose value is dropped, and none of a builtin function.
    """
    empty = cst.Module([])
    return [
        empty.code_for_node(node.body[0].value)
        for node in (statement.node for statement in script.parsed.statements)
        if isinstance(node, cst.SimpleStatementLine)
        if isinstance(node.body[0], cst.Expr) and isinstance(node.body[0].value, cst.Call)
        if name not in _changed(node) and not _is_builtin(node.body[0].value.func)
        if any(isinstance(a.value, cst.Name) and a.value.value == name for a in node.body[0].value.args)
    ]


def _is_builtin(func: cst.BaseExpression) -> bool:
    return isinstance(func, cst.Name) and hasattr(builtins, func.value)


def is_only_called(statement: Statement, script: Script) -> bool:
    """Whether the statement calls a function and drops the result; `rows.append(x)` changes `rows`."""
    callee = statement.callee
    if callee is None:
        return False
    while isinstance(callee, cst.Attribute):
        callee = callee.value
        bindings = script.binding(callee.value) if isinstance(callee, cst.Name) else []
        if bindings and not any(b.imports or b.definition for b in bindings):
            return False
    return True


def _is_computed(name: str, statement: Statement, script: Script) -> bool:
    """Whether a name is bound to the result of a call."""
    if any(name in block.binds for block in statement.inside):
        return False
    for bound in script.binding(name):
        calls = any(isinstance(node, cst.Call | cst.Await) for node in bound.nodes())
        plain = bound.constant is not None and not calls
        if not (bound.definition or bound.imports or plain):
            return True
    return False


def _changed(node: cst.BaseStatement) -> set[str]:
    """The names whose attributes or items a simple statement sets or changes."""
    if not isinstance(node, cst.SimpleStatementLine):
        return set()
    names = set()
    for part in node.body:
        match part:
            case cst.Assign(targets=targets):
                names |= {_root(target.target) for target in targets}
            case cst.AugAssign(target=target) | cst.AnnAssign(target=target) | cst.Del(target=target):
                names.add(_root(target))
            case cst.Expr(value=cst.Call(func=cst.Attribute(value=owner, attr=cst.Name(value=method)))):
                names |= {_root(owner, plain=True)} if method in _CHANGING else set()
            case cst.Expr(
                value=cst.Call(func=cst.Name(value="setattr" | "delattr"), args=[cst.Arg(value=owner), *_])
            ):
                names.add(_root(owner, plain=True))
    return names - {""}


def _root(node: cst.CSTNode, *, plain: bool = False) -> str:
    """`Model` of `Model.rates["a"]`; empty for another expression, and for a bare name unless `plain`."""
    depth = 0
    while isinstance(node, cst.Attribute | cst.Subscript):
        node, depth = node.value, depth + 1
    return node.value if isinstance(node, cst.Name) and (depth or plain) else ""
