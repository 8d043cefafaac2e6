"""Describe the model's answers, and write each as the body that goes back."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from scaffold.introspect import _kinds
from scaffold.introspect._aliases import answers
from scaffold.introspect._calls import FoundCall
from scaffold.introspect._describe import describe
from scaffold.introspect._encode import encode, finite
from scaffold.introspect._inputs import as_body, row_schema, rows_of
from scaffold.introspect._layouts import Layout
from scaffold.introspect._names import attributes
from scaffold.introspect.kinds import kind_of
from scaffold.introspect.kinds._kind import Opened, Seen
from scaffold.spec import (
    Arrays,
    Field,
    JSONValue,
    List,
    OpenedFrame,
    OpenedSeries,
    OverTime,
    Parts,
    Record,
    Schema,
)


@answers()
def describe_output(found: FoundCall) -> Schema:
    """Return what the answer to one record is on the wire.

    Raises:
        UnsupportedSampleError: It is nothing that JSON can say, or that polars does not hand out whole.
    """
    for answer in found.output if isinstance(found.output, list) else [found.output]:
        kind_of(answer).check_answer(answer)
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


def open_answers(answers: Sequence[object]) -> tuple[list[object], Opened | None]:
    """Return answers that are frames or Series as plain values, and what they were."""
    return kind_of(answers[0]).opened(answers) if answers else ([], None)


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


def _rows(output: Any, layout: Layout, schema: Schema) -> list[object]:
    if layout is Layout.ROWS:
        return rows_of(output, schema)
    if _kinds.is_mapping(output):
        columns = {str(name): rows_of(part, describe([])) for name, part in output.items()}
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return list(zip(*(rows_of(part, describe([])) for part in output), strict=True))
