"""The recorded sample, by both ways: do batch and service give the same answers?"""

import json
import math
from pathlib import Path
from typing import Any

import pyarrow as pa

from batch import scoring
from batch.answers import FIELDS
from batch.edits import why_by_rows
from batch.files import BatchError
from batch.rows import score_json
from batch.values import Scored

RECORDED = Path(__file__).parents[1] / "tests" / "recorded.json"


def check() -> str:
    """Return what was compared.

    Raises:
        BatchError: An answer differs from the recorded one.
    """
    sample = json.loads(RECORDED.read_text(encoding="utf-8"))
    requests, answers = sample["requests"], sample["answers"]
    scoring.load()
    _compare("by rows", score_json([json.dumps(each).encode() for each in requests]), answers)
    if why := why_by_rows():
        return f"{len(requests)} rows have the recorded answers, by rows: {why}."
    _compare("by columns", scoring.by_columns(_table(requests)), answers)
    return f"{len(requests)} rows have the recorded answers, by rows and by columns."


def _table(requests: list[dict[str, Any]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(
        {name: pa.array([each[name] for each in requests], FIELDS[name]) for name in requests[0]}
    )


def _compare(way: str, scored: Scored, answers: list[Any]) -> None:
    for each in scored.rejected:
        raise BatchError(
            f"{way}, request {each.row} of the sample is refused: {each.field}: {each.reason}"
        )
    for row, (found, expected) in enumerate(zip(scored.answers.to_pylist(), answers, strict=True)):
        if not _same(found, expected):
            raise BatchError(
                f"{way}, the answer to request {row} is {found}; recorded is {expected}"
            )


def _same(found: Any, expected: Any) -> bool:
    """Equal; floats to six digits. What an answer has no column for is JSON text."""
    if isinstance(found, str) and not isinstance(expected, str):
        found = json.loads(found)
    if isinstance(expected, dict):
        return isinstance(found, dict) and all(
            _same(found.get(name), value) for name, value in expected.items()
        )
    if isinstance(expected, list):
        return (
            isinstance(found, list)
            and len(found) == len(expected)
            and all(map(_same, found, expected))
        )
    if isinstance(expected, float | int) and isinstance(found, float | int):
        return math.isclose(found, expected, rel_tol=1e-6, abs_tol=1e-6)
    return bool(found == expected)
