"""Between the rows of the tables and the values of the store."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from scaffold.spec import Deployment, Release
from scaffold.store._values import Entry, Run

_AS_JSON = ("params", "metrics", "data")


def row_of(run: Run) -> dict[str, Any]:
    """Return the row of a run that has no number yet."""
    row = {**asdict(run), **{part: json.dumps(getattr(run, part)) for part in _AS_JSON}}
    del row["id"]
    return row


def run_of(row: dict[str, Any]) -> Run:
    """Return the run of a row."""
    return Run(**{**row, **{part: _mapping(row[part]) for part in _AS_JSON}})


def _mapping(text: str) -> dict[str, Any]:
    """A mapping in JSON; an empty one where somebody else's database has another text."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def entry_of(row: dict[str, Any]) -> Entry:
    """Return the deployment of a row, and what was done."""
    del row["id"]
    action = row.pop("action")
    names = ("model_sha256", "proof", "git_revision", "by", "approved_by", "reason")
    release = {name: row.pop(name) for name in names}
    known = Release(**release) if release["model_sha256"] else None
    return Entry(action=action, deployment=Deployment(**row, release=known))
