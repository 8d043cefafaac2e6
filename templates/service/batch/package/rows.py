"""Scores row by row, through schemas.py, convert.py and `score.run`."""

import math
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ValidationError
from pydantic_core import to_json

from app import score
from app.schemas import ModelInput, ModelOutput
from batch.answers import FIELDS, PLAIN, as_columns
from batch.record import RECORDS, Refused, read_record, read_records
from batch.values import Rejected, Scored

MOST_FAULTS = 100  # rows of one batch on which the model may fail before the run ends


def score_rows(batch: pa.RecordBatch) -> Scored:
    """Score the rows of a batch; a row that does not fit is rejected with its field and reason."""
    columns = [_wire(name, batch.column(name)) for name in batch.schema.names]
    names = batch.schema.names
    rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    try:
        return _score(list(enumerate(RECORDS.validate_json(to_json(rows)))), [])
    except ValidationError:
        return _score(*_read([to_json(row) for row in rows]))


def score_json(bodies: Sequence[bytes]) -> Scored:
    """Score rows that are JSON, as `/score` does."""
    # A line that holds two records, or half of one, is looked at alone.
    if all(body.startswith(b"{") and body.endswith(b"}") for body in bodies):
        records = read_records(bodies)
        if records is not None:
            return _score(list(enumerate(records)), [])
    return _score(*_read(bodies))


def _read(bodies: Sequence[bytes]) -> tuple[list[tuple[int, ModelInput]], list[Rejected]]:
    """Return the records with their rows, and the rows that are no records."""
    records: list[tuple[int, ModelInput]] = []
    rejected = []
    for row, body in enumerate(bodies):
        record = read_record(body)
        if isinstance(record, Refused):
            rejected.append(Rejected(row, *record))
        else:
            records.append((row, record))
    return records, rejected


def _score(records: list[tuple[int, ModelInput]], rejected: list[Rejected]) -> Scored:
    answers = list(_answers(records, rejected))
    rejected.sort()
    return Scored([row for row, _ in answers], as_columns([each for _, each in answers]), rejected)


def _answers(
    records: list[tuple[int, ModelInput]], rejected: list[Rejected]
) -> list[tuple[int, ModelOutput]]:
    """Return the answers by row. Where the model fails, it is called with half of the rows."""
    if not records:
        return []
    try:
        answers = score.run([record for _, record in records])
    except Exception as error:
        if len(records) > 1:
            half = len(records) // 2
            return _answers(records[:half], rejected) + _answers(records[half:], rejected)
        rejected.append(
            Rejected(records[0][0], "", f"the model raised {type(error).__name__}: {error}")
        )
        if sum(not each.field for each in rejected) > MOST_FAULTS:
            raise
        return []
    return list(zip([row for row, _ in records], answers, strict=True))


def _wire(name: str, column: pa.Array) -> list[Any]:
    """Return a column with its values as they are in a request: NaN as null, bytes as base64."""
    kind = column.type
    if pa.types.is_decimal(kind) and FIELDS.get(name) == PLAIN["number"]:
        column = column.cast(pa.float64())
    if pa.types.is_floating(kind):
        column = pc.if_else(pc.is_nan(column), None, column)
    values: list[Any] = column.to_pylist()
    if pa.types.is_floating(kind) and name in FIELDS and pa.types.is_integer(FIELDS[name]):
        values = [int(each) if each and each.is_integer() else each for each in values]
    if pa.types.is_decimal(kind) and FIELDS.get(name) in (PLAIN["integer"], pa.uint64()):
        values = [int(each) if each is not None and each == int(each) else each for each in values]
    plain = pa.types.is_primitive(kind) and not pa.types.is_temporal(kind)
    return values if plain or pa.types.is_string(kind) else [_plain(value) for value in values]


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if getattr(value, "nanosecond", 0):  # Python's own datetime has six digits of a second
        return value.isoformat()
    return value
