"""Write `app/fast.py` and `model/fast.npz`: a model's own arithmetic, from the plan of its steps."""

from __future__ import annotations

import ast
import functools
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from scaffold.base.layout import FAST_CODE, FAST_CONSTANTS
from scaffold.base.npz import write_npz
from scaffold.base.templates import template_path
from scaffold.errors import WorkerMessageError
from scaffold.render import _code
from scaffold.render._code import Node, call, code, sequence, statement, text
from scaffold.render._fast_graph import CodeParts, graph_parts
from scaffold.spec import (
    Constant,
    FastBranch,
    FastOption,
    FastPlan,
    FastStep,
)

_DOC = '''"""The model's own arithmetic with numpy: what scikit-learn computes, without its checks and copies.

`FastModel` has the steps of the model in order; their constants are in model/fast.npz. The model
file stays what counts: `python -m tests.fast` compares both, tests/test_fast.py on fewer rows.
"""'''
_NUMPY_PARTS = CodeParts(doc=_DOC)
_METHODS = {
    "__call__": "Return what the model returns.",
    "predict": "Return the predictions, as the model does.",
    "predict_proba": "Return the probability of each class, as the model does.",
    "decision_function": "Return the sums before the decision, as the model does.",
}
_KEEPS_COLUMNS = "TextImputer"
_INNER = "trees"
"""What a step takes first, if it has an inner one."""
_AS_FRAME = "x = np.asfortranarray(x)  # as in a frame: another order may change the last bit"
_DTYPES = r"<[iuf][248]|\|[iu]1|\|b1|<U\d+"


def fast_files(plan: FastPlan) -> dict[str, bytes]:
    """Return `app/fast.py` and `model/fast.npz` by their path in the project."""
    writer = _Writer()
    model = writer.model(plan)
    constants = write_npz(writer.constants)
    digest = hashlib.sha256(constants).hexdigest()
    body = "\n\n\n".join([model, *_with_helpers(_names_in(ast.parse(model)))])
    for threshold in plan.graph.thresholds if plan.graph else ():
        _require_sound(threshold)
    parts = graph_parts(plan.graph, plan.estimator) if plan.graph else _NUMPY_PARTS
    head = "\n".join(
        [parts.doc, "", *_imports(body, parts), "", f'SHA256 = "{digest}"', '"""Of the file of constants."""']
    )
    code_text = _code.merged("\n".join([head, *parts.constants]), body)
    return {FAST_CODE: code_text.encode(), FAST_CONSTANTS: constants, **parts.files}


@dataclass(frozen=True, slots=True)
class _Definition:
    """A class or a function, and the names in it."""

    source: str
    names: list[str]


class _Writer:
    """Writes the class `FastModel`, and collects its constants."""

    def __init__(self) -> None:
        self.constants: dict[str, Constant] = {}
        self._attributes: list[str] = []
        self._init: list[str] = []

    def model(self, plan: FastPlan) -> str:
        """Return the class."""
        if not set(plan.methods) <= set(_METHODS):
            raise WorkerMessageError(f"no method has the name {plan.methods[0][:80]!r}")
        inputs = "columns" if plan.branches else "x"
        takes = "Mapping[str, NDArray[Any]]" if plan.branches else "NDArray[Any]"
        transform = self._transform(plan)
        last = self._add(plan.estimator, "last")
        argument = f"self.transform({inputs})" if transform else inputs
        methods = [
            _method(name, inputs, takes, [f"return {_bound(last, name)}({argument})"], _METHODS[name])
            for name in plan.methods
        ]
        if transform:
            words = "Return what the last step takes."
            methods.insert(0, _method("transform", inputs, takes, transform, words))
        constructor = [
            "    def __init__(self, constants: Mapping[str, NDArray[Any]]) -> None:",
            '        """Take the constants of model/fast.npz."""',
            *self._init,
        ]
        head = 'class FastModel:\n    """The fitted steps of the model."""'
        return "\n\n".join([head, "\n".join(constructor), *methods])

    def _transform(self, plan: FastPlan) -> list[str]:
        """Return the statements of `transform`; none for a model of one step."""
        lines = [_AS_FRAME] if plan.of_frame and not plan.branches else []
        if plan.branches:
            parts = [self._branch(branch, i, lines) for i, branch in enumerate(plan.branches)]
            if len(parts) == 1:
                lines.append(f"x = {parts[0]}")
            else:
                parts_node = sequence(code(part) for part in parts)
                joined = call("np.concatenate", parts_node, axis=code("1"))
                lines.append(statement("x = ", joined, indent=8).lstrip())
        lines += [f"x = {self._add(step)}.transform(x)" for step in plan.steps]
        if lines and lines[-1] != _AS_FRAME:
            lines[-1] = "return " + lines[-1].removeprefix("x = ")
        return (
            ["return np.asfortranarray(x)" + _AS_FRAME.partition(")")[2]] if lines == [_AS_FRAME] else lines
        )

    def _branch(self, branch: FastBranch, number: int, lines: list[str]) -> str:
        """Add the statements for a branch; return the variable that holds its result."""
        if branch.dtype not in ("", "float32", "float64"):
            raise WorkerMessageError(f"a branch has no dtype {branch.dtype[:80]!r}")
        variable = f"part_{number + 1}"
        function = "stack" if branch.numeric else "pick"
        dtype = {"dtype": code(f"np.{branch.dtype}")} if branch.dtype else {}
        node = call(function, code("columns"), *(text(column) for column in branch.columns), **dtype)
        lines.append(statement(f"{variable} = ", node, indent=8).lstrip())
        are_columns = not branch.numeric
        for step in branch.steps:
            source = variable
            if are_columns and step.step != _KEEPS_COLUMNS:  # a variable keeps its type
                variable, are_columns = f"{variable}_encoded", False
            lines.append(f"{variable} = {self._add(step)}.transform({source})")
        return variable

    def _add(self, step: FastStep, attribute: str = "") -> str:
        """Add a step to the constructor; return the expression for it."""
        attribute = attribute or self._attribute(step.step)
        self._init.append(statement(f"self.{attribute} = ", self._made(step, attribute), indent=8))
        return f"self.{attribute}"

    def _made(self, step: FastStep, key: str) -> Node:
        """Return the expression that makes a step whose constants have names that begin with `key`.

        Raises:
            WorkerMessageError: The worker sent a step that is none.
        """
        if step.step not in _definitions() or not step.step[0].isupper():
            raise WorkerMessageError(f"no step has the name {step.step[:80]!r}")
        arguments: dict[str, Node] = {}
        listed: dict[str, list[Node]] = {}
        for constant in step.constants:
            _require_sound(constant)
            name = f"{key}.{constant.parameter}"
            if constant.listed:
                name += f".{len(listed.setdefault(constant.parameter, []))}"
            self.constants[name] = constant
            node = code(f'constants["{name}"]' + (".astype(object)" if constant.as_object else ""))
            if constant.listed:
                listed[constant.parameter].append(node)
            else:
                arguments[constant.parameter] = node
        arguments |= {parameter: sequence(nodes) for parameter, nodes in listed.items()}
        arguments |= {option.parameter: _argument(option) for option in step.options}
        inner = [self._made(step.inner, f"{key}.{_INNER}")] if step.inner else []
        return call(step.step, *inner, **arguments)

    def _attribute(self, step: str) -> str:
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", step).lower()
        number = 1 + sum(each == words or each.startswith(f"{words}_") for each in self._attributes)
        attribute = words if number == 1 else f"{words}_{number}"
        self._attributes.append(attribute)
        return attribute


def _method(method: str, inputs: str, takes: str, body: list[str], words: str) -> str:
    head = f"    def {method}(self, {inputs}: {takes}) -> NDArray[Any]:"
    return "\n".join([head, f'        """{words}"""', *(f"        {line}" for line in body)])


def _bound(step: str, method: str) -> str:
    """Return the expression that is called for a method of a step."""
    return step if method == "__call__" else f"{step}.{method}"


def _argument(option: FastOption) -> Node:
    if not option.parameter.isidentifier():
        raise WorkerMessageError(f"no parameter has the name {option.parameter[:80]!r}")
    return _code.value(option.value)


def _require_sound(constant: Constant) -> None:
    """Raise WorkerMessageError if the worker sent an array that is none."""
    size = int(re.findall(r"\d+", constant.dtype)[0]) if re.fullmatch(_DTYPES, constant.dtype) else -1
    size *= 4 if "U" in constant.dtype else 1
    for length in constant.shape:
        size *= length
    if size != len(constant.content) or not constant.parameter.isidentifier():
        raise WorkerMessageError(f"an array of dtype {constant.dtype[:20]!r} that is none")


@functools.cache
def _definitions() -> dict[str, _Definition]:
    """Return each class and function in `templates/service/fast/` by its name."""
    found: dict[str, _Definition] = {}
    for path in sorted((template_path("service") / "fast").glob("*.py")):
        source = path.read_text(encoding="utf-8")
        for node in ast.parse(source).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                segment = ast.get_source_segment(source, node)
                assert segment is not None
                found[node.name] = _Definition(segment, _names_in(node))
    return found


def _names_in(node: ast.AST) -> list[str]:
    return [each.id for each in ast.walk(node) if isinstance(each, ast.Name)]


def _with_helpers(names: Iterable[str]) -> list[str]:
    """Return the definitions with these names and those that they use, each once and after what it uses."""
    definitions = _definitions()
    ordered: dict[str, str] = {}

    def add(wanted: str) -> None:
        if wanted in definitions and wanted not in ordered:
            for used in definitions[wanted].names:
                if used != wanted:
                    add(used)
            ordered[wanted] = definitions[wanted].source

    for wanted in names:
        add(wanted)
    return list(ordered.values())


def _imports(body: str, parts: CodeParts) -> list[str]:
    """Return the imports of the module that has this body."""
    abstract = [each for each in ("Callable", "Mapping", "Sequence") if re.search(rf"\b{each}\b", body)]
    return [
        *(["from bisect import bisect_left"] if "bisect_left(" in body else []),
        *([f"from collections.abc import {', '.join(abstract)}"] if abstract else []),
        *parts.standard,
        "from typing import Any",
        "",
        "import numpy as np",
        *parts.libraries,
        "from numpy.typing import NDArray",
        *parts.own,
    ]
