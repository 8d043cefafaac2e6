"""Describe the model's answers, and encode each as a response body."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from scaffold.introspect import _checks
from scaffold.introspect._aliases import answers
from scaffold.introspect._describe import describe
from scaffold.introspect._encode import encode, finite
from scaffold.introspect._layouts import Layout
from scaffold.introspect._names import attributes
from scaffold.introspect.call._calls import ResolvedCall
from scaffold.introspect.fields._inputs import as_body, row_schema, rows_of
from scaffold.introspect.kinds import kind_of
from scaffold.introspect.kinds._kind import AnswerForm, PathValues
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
def describe_output(resolved: ResolvedCall) -> Schema:
    """Return the schema of the answer to one record on the wire.

    Raises:
        UnsupportedSampleError: JSON cannot represent the answer, or polars would lose nanoseconds.
    """
    for answer in resolved.output if isinstance(resolved.output, list) else [resolved.output]:
        kind_of(answer).check_answer(answer)
    if resolved.rows is not None and resolved.call.batched:
        return _body(_of_answers(resolved.output, resolved.layout), resolved.rows)
    answers = resolved.output if resolved.rows is not None else [resolved.output]
    if resolved.layout is not Layout.WHOLE:
        return _body(_of_answers(answers[0], resolved.layout), resolved.rows or 1)
    plain_answers, form = open_answers(answers)
    schema = describe([(f"$[{i}]", answer) for i, answer in enumerate(plain_answers)])
    match schema, form:
        case Record(), OpenedFrame() | OpenedSeries():
            schema = dataclasses.replace(schema, form=form)
        case List(), OpenedFrame() | OpenedSeries() | OverTime():
            schema = dataclasses.replace(schema, form=form)
    return _body(schema, len(plain_answers))


def open_answers(answers: Sequence[object]) -> tuple[list[object], AnswerForm | None]:
    """Convert frames and Series to plain values; return the values and the original form."""
    return kind_of(answers[0]).open_answers(answers) if answers else ([], None)


def _body(schema: Schema, rows: int) -> Schema:
    pairs: PathValues = []
    return as_body(schema, "prediction", pairs, rows)


def _of_answers(output: Any, layout: Layout) -> Schema:
    """Describe one row of an answer to several."""
    if layout is Layout.ROWS:
        return row_schema(output)
    if _checks.is_mapping(output):
        names = [str(name) for name in output]
        fields = (
            Field(name=name, attribute=attribute, schema=row_schema(part))
            for name, attribute, part in zip(names, attributes(names), output.values(), strict=True)
        )
        return Record(fields=tuple(fields), form=Arrays())
    return Parts(items=tuple(row_schema(part) for part in output))


@answers()
def answers_of(resolved: ResolvedCall, schema: Schema) -> tuple[JSONValue, ...]:
    """Return the expected response body for each record of the sample."""
    if resolved.rows is not None and resolved.call.batched:
        rows = _rows(resolved.output, resolved.layout, schema)
    elif resolved.layout is Layout.WHOLE:
        rows, _ = open_answers(resolved.output if resolved.rows is not None else [resolved.output])
    else:
        rows = [_rows(answer, resolved.layout, schema)[0] for answer in resolved.output]
    return tuple(finite(encode(row, schema)) for row in rows)


def _rows(output: Any, layout: Layout, schema: Schema) -> list[object]:
    if layout is Layout.ROWS:
        return rows_of(output, schema)
    if _checks.is_mapping(output):
        columns = {str(name): rows_of(part, describe([])) for name, part in output.items()}
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return list(zip(*(rows_of(part, describe([])) for part in output), strict=True))
