"""Every error stores its facts, can be pickled, and words its own message."""

import pickle
import re
import shlex
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from scaffold import errors
from scaffold.errors import InvalidOptionError, NoSuchVersionError, ScaffoldError, UsageError
from scaffold.worker._errors import decode_error, encode_error


def walk(cls: type[ScaffoldError], depth: int = 0) -> Iterator[tuple[int, type[ScaffoldError]]]:
    """Yield the classes of the tree below `cls`, each with its depth."""
    yield depth, cls
    for child in cls.__subclasses__():
        if child.__module__.startswith("scaffold.errors."):
            yield from walk(child, depth + 1)


TREE = list(walk(ScaffoldError))
BRANCHES = [cls for _, cls in TREE if cls.__str__ is Exception.__str__]
LEAVES = [cls for _, cls in TREE if cls not in BRANCHES]


def example(hint: Any, text: str = "text") -> Any:
    """Return a value of the type of a field; `text` where that is a text."""
    inner = [each for each in get_args(hint) if each not in (..., type(None))]
    if get_origin(hint) is Literal:
        return inner[0]
    if get_origin(hint) is tuple and ... not in get_args(hint):
        return tuple(example(each, text) for each in inner)
    if get_origin(hint) in (tuple, Sequence):
        return (example(inner[0], text),)
    if inner:
        return example(inner[0], text)
    return {str: text, int: 3, bool: True, object: "value", datetime: datetime(2026, 1, 2)}[hint]


def example_error(cls: type[ScaffoldError]) -> ScaffoldError:
    hints = get_type_hints(cls)
    return cls(**{name: example(hints[name]) for name in cls._fields})


@pytest.mark.parametrize("cls", [cls for _, cls in TREE], ids=lambda cls: cls.__name__)
def test_an_error_survives_pickling(cls: type[ScaffoldError]) -> None:
    error = example_error(cls)
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is cls
    assert str(copy) == str(error)
    assert [getattr(copy, name) for name in cls._fields] == list(error.args)


@pytest.mark.parametrize("cls", LEAVES, ids=lambda cls: cls.__name__)
def test_an_error_crosses_from_the_worker_unchanged(cls: type[ScaffoldError]) -> None:
    error = example_error(cls)
    copy = decode_error(encode_error(error))
    assert type(copy) is cls
    assert str(copy) == str(error)


@pytest.mark.parametrize("cls", LEAVES, ids=lambda cls: cls.__name__)
def test_the_message_of_an_error_contains_its_facts(cls: type[ScaffoldError]) -> None:
    message = str(example_error(cls))
    assert re.match(r"\S.*\w", message)
    assert message == message.rstrip()


FOLDER = "my model's dir"
COMMANDS = {"command", "verb"}
"""Fields that hold a command, or a part of one, whose words are quoted already."""
PROGRAMS = {"scaffold", "git", "rm", "cd", "pip", "uv", "docker", "kubectl"}


@pytest.mark.parametrize("cls", LEAVES, ids=lambda cls: cls.__name__)
def test_a_command_in_the_message_of_an_error_is_quoted_for_a_shell(cls: type[ScaffoldError]) -> None:
    hints = get_type_hints(cls)
    texts = {name: "text" if name in COMMANDS else FOLDER for name in cls._fields}
    error = cls(**{name: example(hints[name], text) for name, text in texts.items()})
    for line in str(error).splitlines():
        if line.startswith("  ") and line.split()[0] in PROGRAMS:
            words = shlex.split(line)
            assert any(FOLDER in word for word in words) == ("my model" in line), line
            assert words[0] != "git" or words[1] == "-C", "a git command works in any folder"


def test_a_branch_of_the_tree_takes_no_arguments() -> None:
    for cls in BRANCHES:
        with pytest.raises(TypeError, match="takes no arguments"):
            cls("What was typed cannot be done.")  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ((), {}),
        (("python", "2", "more"), {}),
        (("python",), {"option": "python", "found": "2"}),
        (("python", "2"), {"other": 1}),
    ],
)
def test_facts_are_checked_as_arguments_are(values: tuple[Any, ...], named: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="InvalidOptionError takes option, found"):
        InvalidOptionError(*values, **named)


def test_the_fields_of_a_parent_error_come_first() -> None:
    error = NoSuchVersionError("no such version", "numpy", "==9", reason="array")
    assert (error.cause, error.distribution, error.specifier, error.reason) == error.args


def test_the_docstring_shows_the_tree_of_errors() -> None:
    drawn = [
        (len(found[1]) // 4, found[2])
        for found in re.finditer(r"^    ([ │├└─]*)(\w+Error)\b", errors.__doc__ or "", re.MULTILINE)
    ]
    below: dict[str, list[str]] = {}
    path: list[str] = []
    for depth, name in drawn:
        path[depth:] = [name]
        below.setdefault(name, [])
        if depth:
            below[path[depth - 1]].append(name)
    assert {name: sorted(names) for name, names in below.items()} == {
        cls.__name__: sorted(child.__name__ for depth, child in walk(cls) if depth == 1) for _, cls in TREE
    }


def test_every_error_is_exported() -> None:
    assert {cls.__name__ for _, cls in TREE} <= set(errors.__all__)
    assert all(getattr(errors, name) for name in errors.__all__)
    assert issubclass(UsageError, ScaffoldError)
