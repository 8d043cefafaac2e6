"""Between the rows of the tables and the values of the store."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, TypeVar

from scaffold.spec import Deployment, Release
from scaffold.store._values import Entry, Run

_Kind = TypeVar("_Kind", dict[str, Any], list[Any])

_MAPPINGS = ("params", "metrics", "data", "confusion_matrix")


def row_of(run: Run) -> dict[str, Any]:
    """Return the row of a run that has no number yet."""
    as_json = {part: json.dumps(getattr(run, part)) for part in (*_MAPPINGS, "requirements")}
    row = {**asdict(run), **as_json}
    del row["id"]
    return row


def run_of(row: dict[str, Any]) -> Run:
    """Return the run of a row. A field is empty if its column does not hold the expected JSON."""
    mappings = {part: _parse_json(row[part], dict) for part in _MAPPINGS}
    numbers = {name: n for name, n in mappings["metrics"].items() if isinstance(n, int | float)}
    lines = (line for line in _parse_json(row["requirements"], list) if isinstance(line, str))
    return Run(**{**row, **mappings, "metrics": numbers, "requirements": tuple(lines)})


def _parse_json(text: str | None, kind: type[_Kind]) -> _Kind:
    try:
        value = json.loads(text or "")
    except (ValueError, RecursionError):
        return kind()
    return value if isinstance(value, kind) else kind()


def row_of_entry(entry: Entry) -> dict[str, Any]:
    """Return the row of a history entry."""
    row = asdict(entry.deployment)
    row |= row.pop("release") or asdict(Release(model_sha256="", proof=""))
    for field in ("replicas", "wanted", "unready", "traffic"):  # of the moment
        del row[field]
    return {"action": entry.action, **row}


def entry_of(row: dict[str, Any]) -> Entry:
    """Return the history entry of a row."""
    row.pop("id", None)
    action = row.pop("action")
    names = ("model_sha256", "proof", "git_revision", "by", "approved_by", "reason")
    columns = {name: row.pop(name) for name in names}
    release = Release(**columns) if columns["model_sha256"] else None
    return Entry(action=action, deployment=Deployment(**row, release=release))
