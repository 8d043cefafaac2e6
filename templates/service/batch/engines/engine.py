"""What every engine calls: score a table of Arrow, with the code that scores files here."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from batch.answers import SCHEMA

ROOT = Path(__file__).parents[1]
SHIPPED = ("app", "batch", "model")  # add folders of your own modules
REJECTED = "rejected"  # the field and reason of a row that does not fit, else null


def output_schema(schema: pa.Schema, keep: Sequence[str]) -> pa.Schema:
    """Return the columns of the output: those that are kept, the answer, why there is none."""
    kept = [schema.field(name) for name in keep]
    return pa.schema([*kept, *SCHEMA, (REJECTED, pa.string())])


def score_table(table: pa.Table, keep: Sequence[str]) -> pa.Table:
    """Return a row for each row: its kept columns, and its answer or why there is none."""
    schema = output_schema(table.schema, keep)
    batches = table.combine_chunks().to_batches()
    return pa.concat_tables(
        [schema.empty_table(), *(_score(each, keep, schema) for each in batches)]
    )


def _score(batch: pa.RecordBatch, keep: Sequence[str], schema: pa.Schema) -> pa.Table:
    scored = _scoring().score_batch(batch.drop_columns(list(keep)) if keep else batch)
    places = np.full(batch.num_rows, -1, dtype="int64")
    places[np.asarray(scored.rows, dtype="int64")] = np.arange(len(scored.rows))
    answers = scored.answers.take(pa.array(places, mask=places < 0))
    reasons: list[str | None] = [None] * batch.num_rows
    for each in scored.rejected:
        reasons[each.row] = f"{each.field}: {each.reason}" if each.field else each.reason
    columns = [batch.column(name) for name in keep]
    return pa.table([*columns, *answers.columns, pa.array(reasons, pa.string())], schema=schema)


@functools.cache
def _scoring() -> Any:
    """Load the model, once in each process."""
    from batch import scoring

    scoring.load()
    return scoring
