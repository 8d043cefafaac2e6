"""Merge an assignment: its annotation, and the arguments of `Field(...)` or another call one by one."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from scaffold.upgrade._conflicts import Disagreement, choose

LINE_LENGTH = 100
_BOUNDS = {
    "ge",
    "gt",
    "le",
    "lt",
    "multiple_of",
    "min_length",
    "max_length",
    "pattern",
    "max_digits",
    "decimal_places",
    "default",
    "default_factory",
}
"""The arguments of a `Field(...)` that depend on the type of its value."""
_NO_DEFAULT = {"...", "None"}
_NUMBERS = {"Int", "UInt", "int", "float", "Float"}
"""The types of numbers, without their bits."""
_EMPTY = cst.Module(body=[])
_NO_COMMA = cst.MaybeSentinel.DEFAULT


class OtherKind(Disagreement):
    """The owner's bounds do not fit the type that a field has in the new state."""


def merge_assignment(base: str, ours: str, theirs: str) -> str:
    """The assignment, of a field or of a call's value, with both sides' changes; the layout is the owner's.

    Raises:
        Disagreement: Both changed the annotation or the same argument, or there is no such thing to merge.
    """
    before, mine, new = (_parse(text) for text in (base, ours, theirs))
    merged: cst.Assign | cst.AnnAssign
    if (
        isinstance(before, cst.AnnAssign)
        and isinstance(mine, cst.AnnAssign)
        and isinstance(new, cst.AnnAssign)
    ):
        kinds = [side.annotation.annotation for side in (before, mine, new)]
        if is_another_kind(_code(kinds[0]), _code(kinds[2])) and _constraints(mine) - _constraints(before):
            raise OtherKind
        merged = mine.with_changes(
            annotation=mine.annotation.with_changes(annotation=_merge_annotation(*kinds)),
            value=_merge_value(before.value, mine.value, new.value),
            equal=mine.equal if mine.value else new.equal,
        )
    elif isinstance(before, cst.Assign) and isinstance(mine, cst.Assign) and isinstance(new, cst.Assign):
        calls = [side.value for side in (before, mine, new)]
        if not all(isinstance(call, cst.Call) for call in calls):
            raise Disagreement
        value = _merge_value(before.value, mine.value, new.value)
        assert value is not None
        merged = mine.with_changes(value=value)
    else:
        raise Disagreement
    indent = ours[: len(ours) - len(ours.lstrip())]
    line = ours.rstrip("\n")
    trailing = line[len(indent + _code(mine)) :] if line.startswith(indent + _code(mine)) else ""
    if len(f"{indent}{_code(merged)}") > LINE_LENGTH >= len(line) and "\n" not in _code(merged):
        merged = merged.with_changes(value=_split_arguments(merged.value, indent))
    return f"{indent}{_code(merged)}{trailing}\n"


def is_another_kind(before: str, after: str) -> bool:
    """Whether a constraint or a validator of the first type may not fit the second: a number, and a text."""
    kinds = [_kind(cst.parse_expression(text)) for text in (before, after)]
    return kinds[0] != kinds[1]


def _kind(annotation: cst.BaseExpression) -> str:
    """A type without `None`; all types of numbers are one kind, and so are the values of `Literal` texts."""
    text, _ = _split_none(annotation)
    if text.rstrip("0123456789") in _NUMBERS:
        return "number"
    return "text" if text == "str" or text.startswith(('Literal["', "Literal['")) else text


def _constraints(field: cst.AnnAssign) -> set[str]:
    """The arguments of a `Field(...)` that bound its value, or are one: a default of the former type."""
    if field.value is None:
        return set()
    call = _as_call(field.value)
    names = {
        argument.keyword.value if argument.keyword else "default"
        for argument in (*call.args[:1], *(each for each in call.args[1:] if each.keyword))
        if not argument.star and _code(argument.value) not in _NO_DEFAULT
    }
    return names & _BOUNDS


def _split_arguments(value: cst.BaseExpression | None, indent: str) -> cst.BaseExpression | None:
    """Return a call that is too long for its line, with each argument on a separate line."""
    if not isinstance(value, cst.Call):
        return value
    before = "".join(f"\n{indent}    {_code(each.with_changes(comma=_NO_COMMA))}," for each in value.args)
    return cst.parse_expression(f"{_code(value.func)}({before}\n{indent})")


def _parse(text: str) -> cst.BaseSmallStatement:
    try:
        statement = cst.parse_statement(text.strip())
    except cst.ParserSyntaxError as error:
        raise Disagreement from error
    if not isinstance(statement, cst.SimpleStatementLine):
        raise Disagreement
    return statement.body[0]


def _merge_annotation(
    base: cst.BaseExpression, ours: cst.BaseExpression, theirs: cst.BaseExpression
) -> cst.BaseExpression:
    """Return the merged type; `None` and the rest of the union are merged separately."""
    if _code(ours) == _code(theirs) or _code(theirs) == _code(base):
        return ours
    if _code(ours) == _code(base):
        return theirs
    sides = [_split_none(side) for side in (base, ours, theirs)]
    text = choose(*(kind for kind, _ in sides))
    nullable = choose(*(may_be_none for _, may_be_none in sides))
    return cst.parse_expression(f"{text} | None" if nullable else text)


def _split_none(annotation: cst.BaseExpression) -> tuple[str, bool]:
    parts = [_code(part) for part in _union(annotation)]
    kinds = [part for part in parts if part != "None"]
    return " | ".join(kinds), len(kinds) < len(parts)


def _union(annotation: cst.BaseExpression) -> list[cst.BaseExpression]:
    if isinstance(annotation, cst.BinaryOperation) and isinstance(annotation.operator, cst.BitOr):
        return [*_union(annotation.left), *_union(annotation.right)]
    return [annotation]


def _merge_value(
    base: cst.BaseExpression | None, ours: cst.BaseExpression | None, theirs: cst.BaseExpression | None
) -> cst.BaseExpression | None:
    if _same(ours, theirs) or _same(theirs, base):
        return ours
    if _same(ours, base):
        return theirs
    calls = [_as_call(side) for side in (base, ours, theirs)]
    before, mine, new = calls
    choose(*(_code(call.func) for call in calls))
    return _merge_arguments(before, mine, new)


def _as_call(value: cst.BaseExpression | None) -> cst.Call:
    """Return a value as a call: a missing value as `Field()`, a bare value as `Field(default=value)`."""
    if value is None:
        return cst.Call(func=cst.Name("Field"))
    if isinstance(value, cst.Call):
        return value
    argument = cst.Arg(keyword=cst.Name("default"), value=value, equal=_tight())
    return cst.Call(func=cst.Name("Field"), args=[argument])


def _merge_arguments(base: cst.Call, ours: cst.Call, theirs: cst.Call) -> cst.Call:
    before, mine, new = (_by_keyword(call.args) for call in (base, ours, theirs))
    merged_arguments: list[cst.Arg] = []
    for name in [*mine, *(name for name in new if name not in mine)]:
        text = choose(*(_text_of(side.get(name)) for side in (before, mine, new)))
        if text is not None:
            from_new = name not in mine
            value = new[name].value if _text_of(new.get(name)) == text else mine[name].value
            merged_arguments.append(new[name] if from_new else mine[name].with_changes(value=value))
    if len(merged_arguments) == len(mine) and all(name in mine for name in _by_keyword(merged_arguments)):
        return ours.with_changes(args=merged_arguments)
    if _comments(ours) or _comments(theirs) != _comments(base):
        raise Disagreement
    return ours.with_changes(args=_with_commas(merged_arguments, ours.args))


def _comments(call: cst.Call) -> list[str]:
    """Return the comments between the parentheses of a call, which a move of its arguments would lose."""
    collector = _Comments()
    call.visit(collector)
    return collector.texts


def _by_keyword(args: Sequence[cst.Arg]) -> dict[str, cst.Arg]:
    """Return arguments by keyword; the first positional argument has the key `default`."""
    by_keyword: dict[str, cst.Arg] = {}
    for index, argument in enumerate(args):
        if argument.star == "*":
            raise Disagreement
        place = f"**{_code(argument.value)}" if argument.star else "default" if index == 0 else str(index)
        name = argument.keyword.value if argument.keyword else place
        by_keyword[name] = argument
    return by_keyword


def _with_commas(args: list[cst.Arg], like: Sequence[cst.Arg]) -> list[cst.Arg]:
    """Return the arguments in the layout of the owner's call: on one line, or each on a separate line."""
    separator = next(
        (argument.comma for argument in like[:-1] if isinstance(argument.comma, cst.Comma)),
        cst.Comma(whitespace_after=cst.SimpleWhitespace(" ")),
    )
    last = like[-1].comma if like else cst.MaybeSentinel.DEFAULT
    laid = [
        argument.with_changes(comma=separator, whitespace_after_arg=cst.SimpleWhitespace(""))
        for argument in args
    ]
    if laid:
        laid[-1] = laid[-1].with_changes(
            comma=last,
            whitespace_after_arg=like[-1].whitespace_after_arg if like else cst.SimpleWhitespace(""),
        )
    return laid


def _text_of(argument: cst.Arg | None) -> str | None:
    return None if argument is None else _code(argument.value)


def _same(left: cst.BaseExpression | None, right: cst.BaseExpression | None) -> bool:
    if left is None or right is None:
        return left is right
    return _code(left) == _code(right)


def _code(node: cst.CSTNode) -> str:
    return _EMPTY.code_for_node(node)


def _tight() -> cst.AssignEqual:
    return cst.AssignEqual(
        whitespace_before=cst.SimpleWhitespace(""), whitespace_after=cst.SimpleWhitespace("")
    )


class _Comments(cst.CSTVisitor):
    """Collects the comments in a node; `libcst.matchers` would, but takes 0.2 s to import."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def visit_Comment(self, node: cst.Comment) -> None:  # noqa: N802 - libcst's own name
        self.texts.append(node.value)
