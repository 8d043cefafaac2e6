"""Wording that messages share; most of it says what to type, as a Python call or as a command.

invocation("new", ..., trust=["posix.system"])
scaffold.new(..., trust=['posix.system'])       for a Python caller
scaffold new ... --trust posix.system           on the command line
"""

from __future__ import annotations

import os
import re
import shlex
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar

_FLAGS = {
    "answers": "answer",
    "answers_file": "answers",
    "duration": "for",
    "metrics": "metric",
    "params": "param",
    "platforms": "platform",
    "traffic": "from",
    "types": "type",
}
_IS_WINDOWS = sys.platform.startswith("win")
_BARE = re.compile(r"[A-Za-z0-9_.:/\\=+-]+")
"""Words that PowerShell takes as they are."""
_QUOTES = re.compile("(['\u2018\u2019\u201a\u201b])")
"""What ends a text in single quotes in PowerShell, and is doubled in one.

Source: learn.microsoft.com, "about_Quoting_Rules".
"""
_Words = TypeVar("_Words")
_names_commands = False


@contextmanager
def name_commands() -> Iterator[None]:
    """Make messages name commands instead of Python calls until the block ends."""
    global _names_commands
    before, _names_commands = _names_commands, True
    try:
        yield
    finally:
        _names_commands = before


def invocation(verb: str, *arguments: object, **options: object) -> str:
    """Return a call of a verb.

    Args:
        verb: `new`, `update`, ...
        arguments: Its positional arguments; `...` stands for those that the person knows.
        options: By keyword: a text, a number, True, or several texts; `...` stands for a value.
    """
    if _names_commands:
        words = [_word(each) for each in arguments]
        return " ".join(["scaffold", verb, *words, *(option(name, value) for name, value in options.items())])
    texts = [_literal(each) for each in arguments]
    return (
        f"scaffold.{verb}({', '.join([*texts, *(option(name, value) for name, value in options.items())])})"
    )


def shell_line(*words: object) -> str:
    """Return a command of another program, or of a later shell, each word quoted as a shell needs it."""
    return " ".join(quoted(str(word)) for word in words)


def quoted(word: str) -> str:
    """Return a word as a POSIX shell takes it; on Windows as PowerShell does."""
    if not _IS_WINDOWS:
        return shlex.quote(word)
    return word if _BARE.fullmatch(word) else _powershell_text(word)


def _powershell_text(text: str) -> str:
    return "'" + _QUOTES.sub(r"\1\1", text) + "'"


def on_project(verb: str, **options: object) -> str:
    """Return a call of a verb on the project in the current folder, which the command line takes unasked."""
    return invocation(verb, *either((...,), ()), **options)


def option(name: str, value: object = None) -> str:
    """Return an option of a verb: `--trust NAME`, or `trust=['NAME']`; its name alone without a value."""
    if not _names_commands:
        return name if value is None else f"{name}={_literal(value)}"
    flag = f"--{_FLAGS.get(name, name).replace('_', '-')}"
    if value is None or value is True:
        return flag
    if value is False:
        return flag.replace("--", "--no-", 1)
    if isinstance(value, Mapping):
        value = [f"{key}={each}" for key, each in value.items()]
    values = value if isinstance(value, list | tuple) else [value]
    return " ".join(f"{flag} {_word(each)}" for each in values)


def either(call: _Words, command: _Words) -> _Words:
    """Return the text for a Python caller, or the one for the command line."""
    return command if _names_commands else call


def with_variable(name: str, value: str, verb: str) -> str:
    """Return what sets an environment variable for a verb.

    Args:
        name: The environment variable.
        value: Its value, written as it is.
        verb: The verb of this package: `deploy`.
    """
    if _names_commands:
        if _IS_WINDOWS:
            return f"$env:{name} = {_powershell_text(value)}; {invocation(verb, ...)}"
        return f"{name}={value} {invocation(verb, ...)}"
    return f"os.environ[{name!r}] = {value!r}"


def about_local_time() -> list[str]:
    """Return what to type for a model that depends on local time; nothing where that is UTC."""
    if not (time.timezone or time.daylight):
        return []
    zone = os.environ.get("TZ", "").lstrip(":")
    zone = zone or os.path.realpath("/etc/localtime").partition("/zoneinfo/")[2] or "Europe/Berlin"
    return [
        "The model runs in UTC here, as in its image. If it depends on local time:",
        f"  {invocation('new', ..., env=[f'TZ={zone}'])}",
    ]


def beside_the_code(file: str) -> str:
    """Return what to do about code that opens `file` in the current folder and does not find it."""
    return (
        f"The model opens {file!r} in the current folder, and the service runs in another one.\n"
        "Have the code look beside itself; a file that it opens there goes into the service with it:\n"
        f"  open(Path(__file__).parent / {file!r})"
    )


def _word(value: object) -> str:
    return "..." if value is ... else quoted(str(value))


def _literal(value: object) -> str:
    if value is ...:
        return "..."
    if isinstance(value, Mapping):
        return repr({str(key): each for key, each in value.items()})
    if isinstance(value, Sequence) and not isinstance(value, str):
        return repr([str(each) for each in value])
    return repr(value) if isinstance(value, bool | int | float) else repr(str(value))


_MOST_CHARACTERS = 300


def in_one_line(error: BaseException) -> str:
    """Return the type and the message of an exception of the model's, whatever its class does."""
    try:
        text = " ".join(str(error).split())
    except Exception:
        text = "an exception that cannot be written"  # its `__str__` raises
    return shortened(f"{type(error).__name__}: {text}" if text else type(error).__name__)


def shortened(text: str) -> str:
    """Return a text in one line of at most 300 characters."""
    line = " ".join(text.split())
    return line if len(line) <= _MOST_CHARACTERS else f"{line[: _MOST_CHARACTERS - 3]}..."


def counted(number: int, noun: str) -> str:
    """Return `1 column`, `7 columns`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def listed(names: tuple[str, ...], most: int = 12) -> str:
    """Return `a, b and 3 more`."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
