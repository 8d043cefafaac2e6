"""The places in a script of a model's lambdas, and of definitions inside functions."""

from __future__ import annotations

from collections.abc import Sequence
from types import CodeType, FunctionType

import libcst as cst

from scaffold.resolve.lift._nodes import defines, definitions_inside, snake
from scaffold.resolve.lift._script import Script


class CannotLiftError(Exception):
    """A definition cannot stand in a module of its own. `args[0]` says why."""


class Places:
    """The places in one script."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._parsed = script.parsed

    def lambda_node(self, function: FunctionType) -> cst.Lambda:
        """Return the lambda expression of a function."""
        code = function.__code__
        matching_codes = self._script.codes_like(code)
        nodes = [node for node in self._parsed.positions if isinstance(node, cst.Lambda)]
        candidates = [
            node for node in nodes if any(self._holds(node, candidate) for candidate in matching_codes)
        ]
        on_first_line = [node for node in candidates if self._line(node) == code.co_firstlineno]
        texts = {cst.Module([]).code_for_node(node) for node in on_first_line or candidates}
        if len(texts) != 1:
            raise CannotLiftError("it cannot be told from others beside it")
        return (on_first_line or candidates)[0]

    def _holds(self, node: cst.Lambda, code: CodeType) -> bool:
        """Whether this is where `code`, of the script as it stands, was compiled from."""
        span = self._parsed.positions[node]
        if span.start.line != code.co_firstlineno:
            return False
        if not hasattr(code, "co_positions"):
            return True
        start, end = (span.start.line, span.start.column), (span.end.line, span.end.column)
        places = [(line, column) for line, _, column, _ in code.co_positions() if line and column]
        return bool(places) and all(start <= place < end for place in places)

    def _line(self, node: cst.CSTNode) -> int:
        return int(self._parsed.positions[node].start.line)

    def lambda_name(self, node: cst.Lambda) -> str:
        """Return a name for a lambda: the keyword that passes it, or the class that is called with it."""
        parent = self._parsed.parents.get(node)
        while parent is not None and not isinstance(parent, cst.Arg | cst.Call | cst.BaseStatement):
            parent = self._parsed.parents.get(parent)
        if isinstance(parent, cst.Arg):
            call = self._parsed.parents.get(parent)
            keyword = f"_{parent.keyword.value}" if parent.keyword else "_function"
            if isinstance(call, cst.Call):
                words = cst.Module([]).code_for_node(call.func).rpartition(".")[2]
                return f"{snake(words)}{keyword}" if words.isidentifier() else keyword.strip("_")
        return "anonymous_function"

    def inner_node(self, target: FunctionType | type) -> cst.FunctionDef | cst.ClassDef:
        """Return the definition of a function or class, also of one inside a function."""
        path = [part for part in target.__qualname__.split(".") if part != "<locals>"]
        candidates: Sequence[cst.CSTNode] = [statement.node for statement in self._parsed.statements]
        node: cst.CSTNode | None = None
        for part in path:
            node = next((n for n in reversed(candidates) if defines(n, part)), None)
            if node is None:
                raise CannotLiftError(f"{self._script.name} does not define {target.__qualname__}")
            candidates = definitions_inside(node)
        if not isinstance(node, cst.FunctionDef | cst.ClassDef):
            raise CannotLiftError(f"{target.__qualname__} is no definition")
        return node
