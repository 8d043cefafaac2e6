"""What a server says of a run, as values for a record: text of somebody else's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from scaffold.base.urls import without_credentials

_MOST_FACTS, _FACT_CHARACTERS = 50, 200
_COMMIT = "mlflow.source.git.commit"


def facts(pairs: Any) -> tuple[tuple[str, str], ...]:
    """Return names with their values, as text that fits into one line and holds no credentials of a URL."""
    if not isinstance(pairs, list):
        return ()
    listed = [each for each in pairs[:_MOST_FACTS] if isinstance(each, list | tuple) and len(each) == 2]
    told = {one_line(str(name)): one_line(without_credentials(str(value))) for name, value in listed}
    return tuple(sorted(told.items()))


def commit_in(tags: Sequence[tuple[str, str]]) -> str:
    """Return the git revision that the tags of a run name; empty without one."""
    commit = dict(tags).get(_COMMIT, "")
    return commit if re.fullmatch(r"[0-9a-f]{7,64}", commit) else ""


def one_line(text: str) -> str:
    """Return a text of somebody else's, cut and without characters that are not printed."""
    return "".join(character if character.isprintable() else " " for character in text)[:_FACT_CHARACTERS]
