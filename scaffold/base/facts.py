"""Sanitize third-party values: what a server or a file says of a model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from scaffold.base.urls import without_credentials

_MOST_FACTS = 50
_COMMIT = "mlflow.source.git.commit"


def facts(pairs: Any) -> tuple[tuple[str, str], ...]:
    """Return names and values as single-line text without URL credentials, sorted by name."""
    listed = [
        pair for pair in as_list(pairs)[:_MOST_FACTS] if isinstance(pair, list | tuple) and len(pair) == 2
    ]
    values = {one_line(str(name)): one_line(without_credentials(str(value))) for name, value in listed}
    return tuple(sorted(values.items()))


def as_dict(value: Any) -> dict[str, Any]:
    """Return the value if it is a mapping, else an empty mapping."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """Return the value if it is a list, else an empty list."""
    return value if isinstance(value, list) else []


def commit_in(tags: Sequence[tuple[str, str]]) -> str:
    """Return the git revision that the tags of a run name; empty without one."""
    commit = dict(tags).get(_COMMIT, "")
    return commit if re.fullmatch(r"[0-9a-f]{7,64}", commit) else ""


def identifier(value: Any) -> str:
    """Return the id of a run or of a model; empty for an invalid value."""
    return value if isinstance(value, str) and re.fullmatch(r"[\w-]{1,100}", value, re.ASCII) else ""


def version_number(value: Any) -> str:
    """Return a version number as text; empty for an invalid value."""
    text = str(value)
    return text if re.fullmatch(r"\d{1,18}", text, re.ASCII) else ""


def one_line(text: str, most: int = 200) -> str:
    """Return the start of a third-party text, with spaces for unprintable characters."""
    return "".join(character if character.isprintable() else " " for character in text[:most])
