"""One part of the input: read it, score it, write its answers and its rejected rows."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from batch.answers import FILE, ROW, SCHEMA, output_name
from batch.csv_lines import read_csv, typed_column
from batch.files import file_system, reading
from batch.inputs import BATCH_BYTES, BATCH_ROWS
from batch.scoring import score_batch, score_json
from batch.values import Done, Output, Part, Rejected, Scored, Task


def score_part(part: Part, task: Task, output: Output) -> Done:
    """Score a part and write it to the output."""
    tables: list[pa.Table] = []
    rejected: list[Rejected] = []
    for content, rows, unread in _batches(part):
        if isinstance(content, list):
            scored, kept = score_json(content), None
        else:
            kept = content.select([name for name in task.keep if name in content.schema.names])
            others = [name for name in content.schema.names if name not in task.keep]
            scored = score_batch(content.select(others))
        tables.append(_table(part, task, scored, rows, kept))
        rejected += unread
        rejected += [each._replace(row=rows[each.row]) for each in scored.rejected]
    rejected.sort()
    answers = (
        pa.concat_tables(tables, promote_options="permissive") if tables else SCHEMA.empty_table()
    )
    return output.write(part, answers, rejected)


def _batches(part: Part) -> Iterator[tuple[Any, Sequence[int], Sequence[Rejected]]]:
    """Yield rows that are scored at once, the place of each in the part, and unread rows."""
    if part.format == "json":
        lines = [line.strip() for line in part.content.split(b"\n")]
        places = [row for row, line in enumerate(lines) if line]
        for start in range(0, len(places), BATCH_ROWS):
            some = places[start : start + BATCH_ROWS]
            yield [lines[row] for row in some], some, []
        return
    if part.format == "csv":
        with reading(part.source):
            table, rows, rejected = read_csv(part.content, part.header)
        unread: Sequence[Rejected] = rejected
        start = 0
        for batch in table.to_batches(BATCH_ROWS):
            yield _with_values(batch, part), rows[start : start + batch.num_rows], unread
            start, unread = start + batch.num_rows, []
        if unread:
            yield _with_values(table.schema.empty_table().to_batches()[0], part), [], unread
        return
    start = 0
    for batch in _record_batches(part):
        yield _with_values(batch, part), range(start, start + batch.num_rows), []
        start += batch.num_rows


def _record_batches(part: Part) -> Iterator[pa.RecordBatch]:
    if part.format == "stream":
        yield from _smaller(pa.ipc.open_stream(part.content))
        return
    fs, path = file_system(part.source)
    with reading(part.source), fs.open(path, "rb") as file:
        if part.format == "arrow":
            reader = pa.ipc.open_file(file)
            yield from _smaller(reader.get_batch(group) for group in part.groups)
            return
        parquet = pq.ParquetFile(file)
        sizes = [parquet.metadata.row_group(group).total_byte_size for group in part.groups]
        rows = max(1, min(BATCH_ROWS, BATCH_BYTES * max(1, part.rows) // max(1, sum(sizes))))
        yield from parquet.iter_batches(rows, row_groups=list(part.groups), use_threads=False)


def _smaller(batches: Any) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for start in range(0, batch.num_rows, BATCH_ROWS):
            yield batch.slice(start, BATCH_ROWS)


def _with_values(batch: pa.RecordBatch, part: Part) -> pa.RecordBatch:
    """Add the values that the folders of a partitioned dataset have."""
    for name, value in part.values.items():
        if name not in batch.schema.names:
            column = pa.array([value], pa.string())
            typed = typed_column(name, column)
            one = column if typed is None else typed
            batch = batch.append_column(name, pa.repeat(one[0], batch.num_rows))
    return batch


def _table(
    part: Part, task: Task, scored: Scored, rows: Sequence[int], kept: pa.RecordBatch | None
) -> pa.Table:
    """Return the answers with the number of their row in the file, and the columns to keep."""
    places = np.asarray(scored.rows, dtype="int64")
    columns = {ROW: pa.array(np.asarray(rows, dtype="int64")[places] + part.first_row)}
    if task.names_files:
        columns[FILE] = pa.repeat(pa.scalar(part.source), len(places))
    if kept is not None:
        all_rows = len(places) == kept.num_rows
        some = kept if all_rows else kept.take(pa.array(places))
        columns |= {output_name(name): some.column(name) for name in kept.schema.names}
    columns |= {name: scored.answers.column(name) for name in SCHEMA.names}
    return pa.table(columns)
