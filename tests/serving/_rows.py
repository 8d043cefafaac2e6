"""A model whose answers tell to which row they belong."""

import os
import time
from typing import Any


def score_rows(rows: Any) -> list[dict[str, Any]]:
    """Return an object for each row of a frame."""
    time.sleep(float(os.environ.get("ROWS_SLEEP_S", "0")))
    names = rows["name"].to_list()
    return [
        {"number": number, "name": name if isinstance(name, str) else None}
        for number, name in zip(rows["number"].to_list(), names, strict=True)
    ]


def score_faster(rows: Any) -> list[dict[str, Any]]:
    """Return the same for rows whose `ratio` is called `rate`."""
    rows["rate"].to_list()
    return score_rows(rows)


def score_more(rows: Any) -> list[dict[str, Any]]:
    """Return one field more."""
    return [
        {**row, "rate": rate} for row, rate in zip(score_faster(rows), rows["rate"].to_list(), strict=True)
    ]


def echo(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the records."""
    return records
