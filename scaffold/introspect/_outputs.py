"""Describe the model's answers, and write each as the body that goes back."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from scaffold.errors import UnsupportedSampleError
from scaffold.introspect import _kinds
from scaffold.introspect._aliases import answers
from scaffold.introspect._calls import FoundCall
from scaffold.introspect._encode import encode, finite
from scaffold.introspect._inputs import as_body, row_schema, rows_of
from scaffold.introspect._layouts import Layout
from scaffold.introspect._names import attributes
from scaffold.introspect._plain import Seen, describe
from scaffold.introspect._rows import take_record
from scaffold.introspect._scalars import has_nanoseconds
from scaffold.spec import (
    Arrays,
    Field,
    JSONValue,
    List,
    OpenedFrame,
    OpenedSeries,
    OverTime,
    Pandas,
    Parts,
    Record,
    Schema,
)

Opened = OpenedFrame | OpenedSeries | OverTime


@answers()
def describe_output(found: FoundCall) -> Schema:
    """Return what the answer to one record is on the wire.

    Raises:
        UnsupportedSampleError: It is nothing that JSON can say, or that polars does not hand out whole.
    """
    for answer in found.output if isinstance(found.output, list) else [found.output]:
        _refuse_finer(answer)
    if found.rows is not None and found.call.batched:
        return _body(_of_answers(found.output, found.layout), found.rows)
    answers = found.output if found.rows is not None else [found.output]
    if found.layout is not Layout.WHOLE:
        return _body(_of_answers(answers[0], found.layout), found.rows or 1)
    opened, form = open_answers(answers)
    schema = describe([(f"$[{i}]", answer) for i, answer in enumerate(opened)])
    match schema, form:
        case Record(), OpenedFrame() | OpenedSeries():
            schema = dataclasses.replace(schema, form=form)
        case List(), OpenedFrame() | OpenedSeries() | OverTime():
            schema = dataclasses.replace(schema, form=form)
    return _body(schema, len(opened))


def _refuse_finer(answer: Any) -> None:
    """Refuse nanoseconds that polars does not hand out: its values in Python have six digits of a second."""
    columns = answer.get_columns() if _kinds.kin(answer, "polars.DataFrame") else [answer]
    for column in columns:
        if not _kinds.kin(column, "polars.Series") or not has_nanoseconds(repr(column.dtype)):
            continue
        if any(count % 1000 for count in column.drop_nulls().to_physical().to_list()):
            raise UnsupportedSampleError(
                f"$.{column.name}",
                "a polars column of nanoseconds, whose values in Python have six digits of a second",
                'Have the model answer with text, or with six digits: column.dt.cast_time_unit("us")',
            )


def open_answers(answers: Sequence[Any]) -> tuple[list[Any], Opened | None]:
    """Return answers that are frames or Series as plain values, and what they were.

    A frame of one row is that row; a Series whose index names its values is a dict.
    """
    first: Any = answers[0] if answers else ""
    over_time = _over_time(first)
    if over_time is not None and any(len(answer) > 1 for answer in answers):
        indexed = [_indexed(answer, over_time) for answer in answers]
        return [[take_record(answer, i) for i in range(len(answer))] for answer in indexed], over_time
    if _kinds.is_frame(first):
        rows = [[take_record(answer, i) for i in range(len(answer))] for answer in answers]
        single = all(len(found) == 1 for found in rows)
        return [found[0] if single else found for found in rows], OpenedFrame(_kinds.container_of(first))
    if _kinds.is_named_series(first):
        return [answer.to_dict() for answer in answers], OpenedSeries(Pandas())
    if _kinds.is_series(first):
        listed = [answer.to_list() if hasattr(answer, "to_list") else answer.tolist() for answer in answers]
        return listed, OpenedSeries(_kinds.container_of(first))
    return list(answers), None


def _over_time(answer: Any) -> OverTime | None:
    """Return how a frame of values over time, or over other floats, is opened; `None` for any other answer.

    Its index says when each value holds. One column that is called by a number is a curve: what was asked
    for had that place in its batch.
    """
    if not _kinds.kin(answer, "pandas.DataFrame") or answer.index.dtype.kind not in "fM":
        return None
    columns = list(answer.columns)
    return OverTime(curve=len(columns) == 1 and isinstance(columns[0], int))


def _indexed(answer: Any, how: OverTime) -> Any:
    return answer.iloc[:, 0].reset_index(name="value") if how.curve else answer.reset_index()


def _body(schema: Schema, rows: int) -> Schema:
    body: Seen = []
    return as_body(schema, "prediction", body, rows)


def _of_answers(output: Any, layout: Layout) -> Schema:
    """Describe one row of an answer to several."""
    if layout is Layout.ROWS:
        return row_schema(output)
    if _kinds.is_mapping(output):
        names = [str(name) for name in output]
        fields = (
            Field(name=name, attribute=attribute, schema=row_schema(part))
            for name, attribute, part in zip(names, attributes(names), output.values(), strict=True)
        )
        return Record(fields=tuple(fields), form=Arrays())
    return Parts(items=tuple(row_schema(part) for part in output))


@answers()
def answers_of(found: FoundCall, schema: Schema) -> tuple[JSONValue, ...]:
    """Return the answer to each record of the sample, as the service has to give it."""
    if found.rows is not None and found.call.batched:
        rows = _rows(found.output, found.layout, schema)
    elif found.layout is Layout.WHOLE:
        rows, _ = open_answers(found.output if found.rows is not None else [found.output])
    else:
        rows = [_rows(answer, found.layout, schema)[0] for answer in found.output]
    return tuple(finite(encode(row, schema)) for row in rows)


def _rows(output: Any, layout: Layout, schema: Schema) -> list[Any]:
    if layout is Layout.ROWS:
        return rows_of(output, schema)
    if _kinds.is_mapping(output):
        columns = {str(name): rows_of(part, describe([])) for name, part in output.items()}
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return list(zip(*(rows_of(part, describe([])) for part in output), strict=True))
