"""Make Python from libcst nodes and lay it out as `ruff format` does.

Text from a sample (a column's name, a level) becomes a string literal by `text` and nothing else, so a
column called `x") or evil("` is only ever that string.
"""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache

import libcst as cst

from scaffold.spec import JSONValue

WIDTH = 100
"""The line length of what is generated: its `pyproject.toml` says the same."""

Node = cst.BaseExpression


def name(dotted: str) -> Node:
    """Return `np.float64` as a node."""
    first, *rest = dotted.split(".")
    node: Node = cst.Name(first)
    for part in rest:
        node = cst.Attribute(value=node, attr=cst.Name(part))
    return node


@cache
def code(source: str) -> Node:
    """Return a node for Python that we wrote; the only text from a sample is checked identifiers."""
    return cst.parse_expression(source)


def text(value: str) -> Node:
    """Return a string literal."""
    return cst.SimpleString(_quoted(value))


def long_text(value: str, width: int) -> Node:
    """Return a string literal; a literal wider than `width` is split between words."""
    parts = [""]
    for word in re.split(r"(?<= )", value):
        if parts[-1] and len(parts[-1]) + len(word) > width:
            parts.append("")
        parts[-1] += word
    literals = [cst.SimpleString(_quoted(part)) for part in parts]
    node: cst.SimpleString | cst.ConcatenatedString = literals[-1]
    for literal in reversed(literals[:-1]):
        node = cst.ConcatenatedString(literal, node)
    return node


def _quoted(value: str) -> str:
    quote = "'" if value.count('"') > value.count("'") else '"'
    escapes = {"\\": "\\\\", quote: f"\\{quote}", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return quote + "".join(escapes.get(c) or _printable(c) for c in value) + quote


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    point = ord(character)
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def value(json_value: JSONValue) -> Node:
    """Return a JSON value as a Python literal."""
    if isinstance(json_value, str):
        return text(json_value)
    if isinstance(json_value, list):
        return sequence(value(item) for item in json_value)
    if isinstance(json_value, dict):
        return mapping([(text(key), value(item)) for key, item in json_value.items()])
    return code(number(json_value))


def number(json_number: object) -> str:
    """Return a number, `True` or `None` as it is written: the exponent without its plus."""
    return repr(json_number).replace("e+", "e")


def label(field_name: str, python_literal: str) -> Node:
    """Return the model's name of a field: a string, or the literal of a name that is not a string."""
    return literal(python_literal) if python_literal else text(field_name)


class Requoted(cst.CSTTransformer):
    """Writes the texts within an expression as `text` does."""

    def leave_SimpleString(  # noqa: N802
        self,
        original_node: cst.SimpleString,  # noqa: ARG002
        updated_node: cst.SimpleString,
    ) -> Node:
        """Quote as everywhere."""
        return text(str(updated_node.evaluated_value))


def literal(source: str, calls: Collection[str] = ("pd.Timestamp",)) -> Node:
    """Return a node for a literal that introspection wrote with `repr`.

    Raises:
        ValueError: It holds more than literals and calls of the functions `calls`.
    """
    _require_literal(ast.parse(source, mode="eval").body, calls)
    node = cst.parse_expression(source).visit(Requoted())
    assert isinstance(node, cst.BaseExpression)
    return node


def _require_literal(node: ast.AST, calls: Collection[str]) -> None:
    match node:
        case ast.Constant():
            return
        case ast.Name() | ast.Attribute() if ast.unparse(node) in calls:
            return
        case ast.Call() | ast.keyword() | ast.Tuple() | ast.List() | ast.Dict() | ast.UnaryOp():
            for inner in ast.iter_child_nodes(node):
                _require_literal(inner, calls)
        case ast.Load() | ast.USub():
            return
        case _:
            raise ValueError(f"{ast.unparse(node)!r} is no literal")


def sequence(items: Iterable[Node]) -> Node:
    """Return a list display."""
    return cst.List([cst.Element(item) for item in items])


def parenthesised(items: Sequence[Node]) -> Node:
    """Return a tuple display."""
    elements = [cst.Element(item) for item in items]
    if len(elements) == 1:
        elements = [cst.Element(items[0], comma=cst.Comma())]
    return cst.Tuple(elements)


def mapping(items: Iterable[tuple[Node, Node]]) -> Node:
    """Return a dict display."""
    return cst.Dict([cst.DictElement(key, item) for key, item in items])


def call(function: str | Node, *positional: Node, **keywords: Node | None) -> Node:
    """Return a call; a keyword that is `None` is left out."""
    args = [cst.Arg(node) for node in positional]
    args += [
        cst.Arg(node, keyword=cst.Name(key), equal=_TIGHT)
        for key, node in keywords.items()
        if node is not None
    ]
    return cst.Call(code(function) if isinstance(function, str) else function, args)


_TIGHT = cst.AssignEqual(
    whitespace_before=cst.SimpleWhitespace(""), whitespace_after=cst.SimpleWhitespace("")
)


def method(of: Node, called: str) -> Node:
    """Return `of.called`."""
    return cst.Attribute(value=of, attr=cst.Name(called))


def subscript(of: str, *items: Node) -> Node:
    """Return `of[items]`."""
    return cst.Subscript(name(of), [cst.SubscriptElement(cst.Index(item)) for item in items])


def union(items: Sequence[Node]) -> Node:
    """Return `a | b`."""
    node = items[0]
    for item in items[1:]:
        node = cst.BinaryOperation(node, cst.BitOr(), item)
    return node


def each(element: Node, variable: str, iterable: str | Node) -> Node:
    """Return `[element for variable in iterable]`."""
    source = code(iterable) if isinstance(iterable, str) else iterable
    target = code(variable)
    assert isinstance(target, (cst.Name, cst.Tuple))
    return cst.ListComp(element, cst.CompFor(target=target, iter=source))


def flat(node: cst.CSTNode) -> str:
    """Return a node on one line."""
    return _EMPTY.code_for_node(node)


_EMPTY = cst.Module([])


def lay_out(node: Node, indent: int, *, first: int = 0, last: int = 0) -> str:
    """Return the text of `node`, broken where a line would be too long.

    Args:
        node: What to write.
        indent: Columns before the line that it starts on.
        first: Columns taken on that line before it, the indent left out.
        last: Columns taken behind it.
    """
    line = flat(node)
    if indent + first + len(line) + last <= WIDTH:
        return line
    match node:
        case cst.Call(args=args) if args:
            return _bracketed(f"{flat(node.func)}(", [_of_arg(a) for a in args], ")", indent, hug=True)
        case cst.Subscript(slice=items):
            parts = [("", _index(item)) for item in items]
            return _bracketed(f"{flat(node.value)}[", parts, "]", indent, hug=True)
        case cst.List(elements=elements) if elements:
            return _bracketed("[", [("", e.value) for e in elements], "]", indent)
        case cst.Tuple(elements=elements) if elements:
            return _bracketed("(", [("", e.value) for e in elements], ")", indent)
        case cst.Dict(elements=entries) if entries:
            return _bracketed("{", [_of_entry(e) for e in entries], "}", indent)
        case cst.ConcatenatedString(left=left, right=right):
            return f"{flat(left)}\n{' ' * indent}{lay_out(right, indent, last=last)}"
        case cst.ListComp(elt=element, for_in=loop):
            return _comprehension(element, loop, indent)
        case _:
            return line


def _of_arg(arg: cst.Arg) -> tuple[str, Node]:
    return (f"{arg.keyword.value}=" if arg.keyword else arg.star), arg.value


def _of_entry(entry: cst.BaseDictElement) -> tuple[str, Node]:
    return (f"{flat(entry.key)}: " if isinstance(entry, cst.DictElement) else "**"), entry.value


def _index(item: cst.SubscriptElement) -> Node:
    assert isinstance(item.slice, cst.Index)
    return item.slice.value


def _bracketed(
    opening: str, parts: Sequence[tuple[str, Node]], closing: str, indent: int, *, hug: bool = False
) -> str:
    """Return brackets with what they hold on lines of its own: together if it fits and may, else one each."""
    inner = indent + 4
    together = ", ".join(start + flat(node) for start, node in parts)
    if hug and inner + len(together) <= WIDTH:
        lines = [together]
    else:
        comma = "," if len(parts) > 1 else ""
        lines = [
            start + lay_out(node, inner, first=len(start), last=len(comma)) + comma for start, node in parts
        ]
    margin = " " * inner
    return "\n".join([opening, *(margin + line for line in lines), " " * indent + closing])


def _comprehension(element: Node, loop: cst.CompFor, indent: int) -> str:
    margin = " " * (indent + 4)
    line = f"{flat(element)} for {flat(loop.target)} in {flat(loop.iter)}"
    if indent + 4 + len(line) <= WIDTH:
        return f"[\n{margin}{line}\n{' ' * indent}]"
    head = lay_out(element, indent + 4)
    return f"[\n{margin}{head}\n{margin}for {flat(loop.target)} in {flat(loop.iter)}\n{' ' * indent}]"


def statement(start: str, node: Node, *, indent: int = 0) -> str:
    """Return one statement: `return `, `x = ` or `x: int = ` before the expression."""
    return " " * indent + start + lay_out(node, indent, first=len(start))


def comment(words: str, *, indent: int = 0) -> str:
    """Return a comment, wrapped to several lines. Line breaks in a sample's text are escaped."""
    shown = "".join(_printable(c) for c in words)
    room = WIDTH - indent - 2
    lines = [""]
    for word in shown.split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > room:
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + word
    return "\n".join(f"{' ' * indent}# {line[:room]}".rstrip() for line in lines)


class Imports:
    """The imports of a module, sorted as `ruff` sorts them."""

    def __init__(self) -> None:
        self._names: dict[str, set[str]] = {}
        self._modules: dict[str, str] = {}

    def take(self, module: str, *names: str) -> None:
        """Add `from module import names`."""
        self._names.setdefault(module, set()).update(names)

    def whole(self, module: str, alias: str = "") -> None:
        """Add `import module`, or `import module as alias`."""
        self._modules[module] = alias

    def render(self, own: Iterable[str] = ()) -> str:
        """Return the block: standard library, libraries, own modules, a blank line between them."""
        import sys

        own = set(own)
        sections: dict[int, list[str]] = {}
        for module in sorted({*self._modules, *self._names}, key=str.lower):
            top = module.partition(".")[0]
            section = 0 if top in sys.stdlib_module_names else 2 if top in own or top == "app" else 1
            sections.setdefault(section, []).append(module)
        return "\n\n".join("\n".join(self._section(sections[key])) for key in sorted(sections))

    def _section(self, modules: Sequence[str]) -> list[str]:
        whole = [
            f"import {m} as {a}" if a else f"import {m}"
            for m, a in sorted(self._modules.items())
            if m in modules
        ]
        return whole + [_from_import(m, self._names[m]) for m in modules if m in self._names]


def _from_import(module: str, names: Iterable[str]) -> str:
    # Constants, then classes, then functions: the order that ruff's isort keeps.
    ordered = sorted(
        names, key=lambda n: (0 if n.isupper() and len(n) > 1 else 1 if n[:1].isupper() else 2, n)
    )
    line = f"from {module} import {', '.join(ordered)}"
    if len(line) <= WIDTH:
        return line
    return "\n".join([f"from {module} import (", *(f"    {n}," for n in ordered), ")"])


def is_identifier(candidate: str) -> bool:
    """Whether the text can be a name in Python."""
    return candidate.isidentifier() and not keyword.iskeyword(candidate)


def merged(*blocks: str) -> str:
    """Return top-level blocks as one text, two blank lines apart."""
    return "\n\n\n".join(block for block in blocks if block) + "\n"


def members(items: Mapping[str, Node]) -> Node:
    """Return a dict display with text keys."""
    return mapping([(text(key), node) for key, node in items.items()])
