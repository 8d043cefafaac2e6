"""Texts that a library evaluates: parsed, and allowed if nothing stands in them but what a formula needs."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Sequence

from scaffold.read.gate._libraries import NUMPY_FUNCTIONS

MOST_CHARACTERS = 1 << 14
_FUNCTION_NAMES = """
    C I Q Treatment Poly Sum Diff Helmert abs bs cc center cr cs cyclic_cubic_regression_splines exp
    exp10 exp2 hashed lag lags log log10 log1p log2 min max natural_cubic_regression_splines poly round
    scale sin cos sqrt standardize tan te contr.treatment contr.poly contr.sum contr.helmert contr.diff
"""
_FUNCTIONS = frozenset(_FUNCTION_NAMES.split())
"""Functions that patsy and formulaic give to a formula, and builtins that are harmless."""
_NODES = (
    ast.Expression,
    ast.expr_context,
    ast.operator,
    ast.unaryop,
    ast.cmpop,
    ast.boolop,
    ast.BinOp,
    ast.UnaryOp,
    ast.Compare,
    ast.BoolOp,
    ast.Name,
    ast.Constant,
    ast.Tuple,
    ast.List,
    ast.Call,
    ast.keyword,
    ast.Attribute,
)
_QUOTED = re.compile(r"`[^`\n]*`")
_NAMESPACES = frozenset({"np", "numpy"})


def fault_of_formula(text: str) -> str | None:
    """Return the first part that no formula needs; None if there is none.

    A formula of patsy or formulaic is, side by side of its `~`, an expression of Python in which `:` is one
    more operator and a name may be quoted by backticks. What does not parse so is refused.
    """
    if len(text) > MOST_CHARACTERS:
        return "a text of more than 16 KiB"
    sides = _QUOTED.sub("quoted", text).split("~")
    for side in sides:
        parts = side.split("|")
        for part in parts:
            fault = _fault_of_expression(part.strip() or "0")
            if fault:
                return fault
    return None


def _fault_of_expression(text: str) -> str | None:
    try:
        tree = ast.parse(_plain(text), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError):
        return text[:60]
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if not isinstance(node, _NODES):
            return ast.unparse(node)[:60] if isinstance(node, ast.expr) else type(node).__name__
        name = _name(node)
        if name is not None and not _is_harmless(name, called=id(node) in called):
            return name
        if isinstance(node, ast.Call) and _name(node.func) is None:
            return ast.unparse(node.func)[:60]
    return None


def _plain(text: str) -> str:
    """The expression with `*` in place of the `:` of a formula, on one line."""
    tokens = list(tokenize.generate_tokens(io.StringIO(text.replace("\n", " ")).readline))
    words = [("*" if token.string == ":" else token.string) for token in tokens]
    return " ".join(word for word in words if word.strip())


def _name(node: ast.AST) -> str | None:
    """The dotted name that a node is; None for any other node."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = _name(node.value)
        return f"{inner}.{node.attr}" if inner else ast.unparse(node)
    return None


def _is_harmless(name: str, *, called: bool) -> bool:
    first, _, rest = name.partition(".")
    if name.startswith("__") or ".__" in name:
        return False
    if rest:
        return name in _FUNCTIONS or first == "contr" or (first in _NAMESPACES and rest in NUMPY_FUNCTIONS)
    return name in _FUNCTIONS if called else True


# --------------------------------------------------------------------------- the argument parser of scipy

_SCIPY_NODES = (
    ast.Module,
    ast.FunctionDef,
    ast.arguments,
    ast.arg,
    ast.Return,
    ast.Tuple,
    ast.expr_context,
    ast.Name,
    ast.Constant,
    ast.Call,
    ast.keyword,
    ast.Attribute,
)
_SCIPY_FUNCTIONS = ("_parse_args", "_parse_args_rvs", "_parse_args_stats")


def fault_of_scipy_template(text: str) -> str | None:
    """What stands in a distribution's argument parser that scipy does not write there; None if nothing does.

    Source: `parse_arg_template` in scipy/stats/_distn_infrastructure.py.
    """
    if len(text) > MOST_CHARACTERS:
        return "a text of more than 16 KiB"
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "what is no Python"
    if not all(_is_parser(statement) for statement in tree.body):
        return next(ast.unparse(s)[:60] for s in tree.body if not _is_parser(s))
    for node in ast.walk(tree):
        if not isinstance(node, _SCIPY_NODES) or _is_other_call(node):
            return ast.unparse(node)[:60] if isinstance(node, ast.expr | ast.stmt) else type(node).__name__
    return None


def _is_parser(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.FunctionDef)
        and statement.name in _SCIPY_FUNCTIONS
        and not statement.decorator_list
        and _are_constants([*statement.args.defaults, *statement.args.kw_defaults])
    )


def _are_constants(values: Sequence[ast.expr | None]) -> bool:
    return all(value is None or isinstance(value, ast.Constant) for value in values)


def _is_other_call(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return ast.unparse(node.func) != "self._argcheck_rvs"
    return isinstance(node, ast.Attribute) and ast.unparse(node) != "self._argcheck_rvs"
