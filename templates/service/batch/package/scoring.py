"""One function for every engine: score a record batch, by columns where that gives the same."""

import contextlib
import importlib
from typing import Any

import pyarrow as pa

from app import score
from batch.answers import SCHEMA
from batch.edits import why_by_rows
from batch.rows import score_json, score_rows
from batch.values import Scored

__all__ = ["columns", "load", "score_batch", "score_json"]

columns: Any = None if why_by_rows() else importlib.import_module("batch.columns")


def load() -> None:
    """Load the model, once in each process."""
    score.load()


def score_batch(batch: pa.RecordBatch) -> Scored:
    """Score the rows of a batch.

    If they all fit they are scored by columns. Else pydantic says which row does not fit, and why;
    where the model fails, its rows are tried in ever smaller groups.
    """
    if columns is not None:
        with contextlib.suppress(Exception):
            return by_columns(batch)
    return score_rows(batch)


def by_columns(batch: pa.RecordBatch) -> Scored:
    """Score a batch by columns. `Unfit`: a row does not fit."""
    predictions = score.predict(columns.to_model(batch))
    answers = columns.from_model(predictions).cast(SCHEMA)
    return Scored(range(batch.num_rows), answers, [])
