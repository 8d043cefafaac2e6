"""What is said about each error, as Markdown: its docstring, its message with placeholders, its fields.

`scaffold explain` prints it, and the documentation has a page of it for each branch of the tree.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Literal, get_args, get_origin, get_type_hints

from scaffold.errors.base import ScaffoldError
from scaffold.errors.wording import name_commands

_Error = type[ScaffoldError]


def branches() -> list[_Error]:
    """Return the branches of the tree, in the order of the stages."""
    return _kinds(ScaffoldError)


def tree(error: _Error) -> list[_Error]:
    """Return an error and all kinds of it, each before its own kinds."""
    return [error, *(each for kind in _kinds(error) for each in tree(kind))]


def branch_of(error: _Error) -> _Error:
    """Return the branch that an error belongs to."""
    return next(each for each in error.__mro__ if ScaffoldError in each.__bases__)


def meaning(error: _Error) -> str:
    """Return what an error means, and what to do about it: its docstring without the fields."""
    return _docstring(error)[0]


def explain(error: _Error) -> str:
    """Return what an error means, its message and its fields."""
    parts = [meaning(error)]
    lines, others = _message(error)
    if any(map(str.islower, "".join(lines))):  # else the message consists of the fields alone
        parts += ["It prints, with the facts in place of the capitals:", _block(lines)]
        parts += ["In other cases, in place of some of these lines:", _block(others)] if others else []
    return "\n\n".join([*parts, *_fields(error)])


def _kinds(error: _Error) -> list[_Error]:
    return [kind for kind in error.__subclasses__() if kind.__module__.startswith("scaffold.errors.")]


def _docstring(error: _Error) -> tuple[str, dict[str, str]]:
    """What the docstring says, and what it says of fields, by name."""
    text, _, fields = inspect.cleandoc(error.__doc__ or "").partition("\n\nArgs:\n")
    described: dict[str, str] = {}
    name = ""
    for line in textwrap.dedent(fields).splitlines():
        if line.startswith(" "):
            described[name] += f"\n{line}"
        else:
            name, _, described[name] = line.partition(": ")
    return text, described


def _fields(error: _Error) -> list[str]:
    """The fields, as a list where the docstring describes some."""
    described = _docstring(error)[1]
    names = [f"`{name}`" for name in error._fields]
    if not described:
        return [f"Fields: {', '.join(names)}."] if names else []
    texts = [f": {described[name]}" if name in described else "" for name in error._fields]
    return ["Fields:", "\n".join(f"- {name}{text}" for name, text in zip(names, texts, strict=True))]


def _block(lines: Sequence[str]) -> str:
    return "\n".join(["```text", *lines, "```"])


def _message(error: _Error) -> tuple[list[str], list[str]]:
    """The lines of the message with all facts, and the lines that it has in other cases."""
    if error.__str__ is Exception.__str__:
        return [], []
    with name_commands():
        first, *others = [str(error(**facts)).rstrip().splitlines() for facts in _cases(error)]
    # A case may lack the cause that stands in parentheses.
    more = [line for lines in others for line in lines if line not in first and " ()" not in line]
    return first, list(dict.fromkeys(more))


def _cases(error: _Error) -> Iterator[dict[str, Any]]:
    """Facts for an error: all of them, then with other values of one, then those without a default."""
    hints = get_type_hints(error)
    values = {name: _values(name, hints[name]) for name in error._fields}
    full = {name: candidates[0] for name, candidates in values.items()}
    yield full
    for name, candidates in values.items():
        for value in candidates[1:]:
            yield full | {name: value}
        if hasattr(error, name):
            yield {key: value for key, value in full.items() if key != name}
    yield {name: value for name, value in full.items() if not hasattr(error, name)}


def _values(name: str, hint: Any) -> list[Any]:
    """Values of a field: a placeholder for a text, all values of a choice."""
    arguments = get_args(hint)
    if get_origin(hint) is Literal:
        return list(arguments)
    if type(None) in arguments:
        return [*_values(name, arguments[0]), None]
    if get_origin(hint) in (tuple, Sequence):
        return [_several(name, hint)]
    return [True, False] if hint is bool else [_placeholder(name, hint)]


def _several(name: str, hint: Any) -> tuple[Any, ...]:
    """A sequence of one placeholder, or a tuple of a placeholder and of dots."""
    first, *more = get_args(hint)
    if get_origin(hint) is Sequence or more == [...]:
        return (_values(name.removesuffix("s"), first)[0],)
    return (_placeholder(name.removesuffix("s"), first), *("..." if kind is str else 3 for kind in more))


def _placeholder(name: str, hint: Any) -> Any:
    return {int: 3, datetime: datetime(2026, 1, 2)}.get(hint, name.upper())
