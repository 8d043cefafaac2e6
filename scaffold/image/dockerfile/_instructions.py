"""The instructions of a Dockerfile, and the words of an instruction.

Source: docs.docker.com/reference/dockerfile, the sections on format and on environment replacement.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scaffold.errors import DockerfileError

_VARIABLE = re.compile(r"\\\$|\$(\w+)|\$\{(\w+)(?::([-+])([^}]*))?\}|\$\{")
_QUOTED = re.compile(r"'[^']*'|\"(?:\\.|[^\"\\])*\"|\\.", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One instruction: `COPY --from=build /opt/venv /opt/venv`."""

    line: int
    keyword: str
    flags: Mapping[str, str]
    value: str


def instructions(text: str) -> Iterator[Instruction]:
    """Yield the instructions, continuation lines joined and comments left out."""
    joined, start = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#") or (not line.strip() and joined):
            continue
        start = start if joined else number
        stripped = line.rstrip()
        if stripped.endswith("\\"):
            joined += stripped[:-1]
            continue
        if step_text := (joined + stripped).strip():
            yield _instruction(step_text, start)
        joined = ""
    if joined.strip():
        yield _instruction(joined.strip(), start)


def _instruction(text: str, line: int) -> Instruction:
    keyword, value = (*text.split(None, 1), "")[:2]
    flags: dict[str, str] = {}
    while match := re.match(r"--([a-z-]+)(?:=(\S+))?\s+", value):
        flags[match[1]] = match[2] or ""
        value = value[match.end() :]
    return Instruction(line=line, keyword=keyword.upper(), flags=flags, value=value)


def unreadable(step: Instruction) -> DockerfileError:
    """Return the error for an instruction that does not have the form that Docker requires."""
    return DockerfileError(step.line, f"{step.keyword} {step.value}".rstrip(), "unreadable")


def exec_form(value: str) -> list[str] | None:
    """Return the words of `["program", "argument"]`; None for the shell form, such as `[ -f x ] && y`.

    Raises:
        ValueError: A list of something else than strings.
    """
    try:
        words: list[str] | None = json.loads(value) if value.lstrip().startswith("[") else None
    except json.JSONDecodeError:
        return None
    if words is not None and not all(isinstance(word, str) for word in words):
        raise ValueError(value)
    return words


def split_words(text: str) -> list[str]:
    """Split as a shell does. A `$` in single quotes or after a backslash becomes NUL for `expand`."""

    def hide(match: re.Match[str]) -> str:
        return match[0].replace("$" if match[0].startswith("'") else "\\$", "\0")

    return shlex.split(_QUOTED.sub(hide, text))


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Expand `$NAME`, `${NAME}`, `${NAME:-default}` and `${NAME:+other}`; an undefined name is empty.

    Raises:
        ValueError: Another form of `${...}`.
    """

    def value_of(match: re.Match[str]) -> str:
        if match[0] == "\\$":
            return "$"
        if match[0] == "${":
            raise ValueError(text)
        current = variables.get(match[1] or match[2], "")
        if match[3] == "-":
            return current or match[4]
        if match[3] == "+":
            return match[4] if current else ""
        return current

    return _VARIABLE.sub(value_of, text).replace("\0", "$")
