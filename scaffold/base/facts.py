"""Values and text of somebody else's: what a server or a file says of a model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from scaffold.base.urls import without_credentials

_MOST_FACTS = 50
_COMMIT = "mlflow.source.git.commit"


def facts(pairs: Any) -> tuple[tuple[str, str], ...]:
    """Return names with their values, as text that fits into one line and holds no credentials of a URL."""
    listed = [
        pair for pair in as_list(pairs)[:_MOST_FACTS] if isinstance(pair, list | tuple) and len(pair) == 2
    ]
    values = {one_line(str(name)): one_line(without_credentials(str(value))) for name, value in listed}
    return tuple(sorted(values.items()))


def as_dict(value: Any) -> dict[str, Any]:
    """Return a value of JSON or YAML if it is a mapping; else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """Return a value of JSON or YAML if it is a list; else an empty one."""
    return value if isinstance(value, list) else []


def commit_in(tags: Sequence[tuple[str, str]]) -> str:
    """Return the git revision that the tags of a run name; empty without one."""
    commit = dict(tags).get(_COMMIT, "")
    return commit if re.fullmatch(r"[0-9a-f]{7,64}", commit) else ""


def identifier(value: Any) -> str:
    """Return the id of a run or of a model; empty where a value is none."""
    return value if isinstance(value, str) and re.fullmatch(r"[\w-]{1,100}", value, re.ASCII) else ""


def version_number(value: Any) -> str:
    """Return the number of a version, as text; empty where a value is none."""
    text = str(value)
    return text if re.fullmatch(r"\d{1,18}", text, re.ASCII) else ""


def one_line(text: str, most: int = 200) -> str:
    """Return the start of a text of somebody else's, with spaces for what is not printed."""
    return "".join(character if character.isprintable() else " " for character in text[:most])
