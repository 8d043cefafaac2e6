"""Find out whether a call takes many records or one, by trying both and comparing the answers."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

from scaffold.introspect import _checks
from scaffold.introspect._compare import difference, same_rows
from scaffold.introspect._layouts import Layout, count_answers, unwrapped
from scaffold.introspect._missing import without_wider_dtypes
from scaffold.introspect._rows import (
    count_rows,
    is_row,
    option_readings,
    options_of,
    take,
    take_record,
    take_rows,
)
from scaffold.introspect.call._batch_findings import Dependent, Finding, Independent, Undecided, Unstable
from scaffold.introspect.call._call_results import CallResult, Misfit
from scaffold.introspect.call._expected import (
    are_columns,
    first_expected,
    fitting_layouts,
    form_of,
    is_answer_to_one,
    misfit,
)
from scaffold.introspect.call._independence import examine_rows
from scaffold.introspect.call._invoke import Predict, Refused, call_model
from scaffold.introspect.call._readings import readings
from scaffold.spec import Arguments, Batching, Call

Examine = Callable[[Any, int, Any, Layout], Finding | None]
"""`examine_rows` of one model."""


def try_call(
    model: object,
    call: Call,
    sample: object,
    want: object,
    *,
    copy_model: Callable[[], object] = lambda: None,
    nullable: Sequence[str] = (),
) -> CallResult | Misfit:
    """Return how the records of `sample` are passed to `call`, or why the call does not fit.

    If the sample is passed as one record, the values beside its arrays are tried as options: they are
    options if each row of the arrays, together with them, gets the same answer as in the whole sample.

    Rows are batched if each gets the same answer alone and with other rows: see `examine_rows`. Shapes are no
    evidence: the width of an answer may equal the number of rows by chance.

    Args:
        model: The model.
        call: How it is called.
        sample: The records.
        want: The output sample, or `None`.
        copy_model: Returns a copy of the model from before the first call, or `None`.
        nullable: Fields that may be null, whether or not the sample shows it.
    """

    refusals: list[Refused] = []

    def prepare(value: object) -> object:
        return without_wider_dtypes(value, sample) if nullable else value

    def predict(value: object) -> Any:
        answer = call_model(model, call, prepare(value))
        if isinstance(answer, Refused):
            refusals.append(answer)
        return answer

    def fresh() -> Predict | None:
        copied_model = copy_model()
        return None if copied_model is None else lambda value: call_model(copied_model, call, prepare(value))

    examine = functools.partial(examine_rows, predict, fresh=fresh, nullable=nullable)
    result = _try_sample(predict, call, sample, want, examine)
    if not isinstance(result, CallResult):
        return Misfit(result, tuple(refusals))
    is_resolved = result.batching is Batching.TOGETHER or (result.rows is not None and options_of(sample))
    for reading in () if is_resolved else option_readings(sample):
        alternative = _try_sample(predict, call, reading, want, examine)
        if isinstance(alternative, CallResult) and alternative.rows is not None:
            return dataclasses.replace(alternative, reading=reading)
    return result


def _try_sample(
    predict: Predict, call: Call, sample: object, want: object, examine: Examine
) -> CallResult | str:
    """Return how the records are passed, or why the call does not fit: see `Misfit.reason`."""
    rows = _rows_of_call(call, sample)
    binds = _binds(call, sample)
    whole = predict(sample) if binds else Refused("")
    wants = readings(want)
    reasons = [misfit(whole, expected) for expected in wants]
    if rows == 1 and any(is_answer_to_one(whole, expected) for expected in wants):
        reasons[0] = None
    if None in reasons:
        if not rows:
            return CallResult(output=whole, evidence="the sample is one record")
        fitting = wants[reasons.index(None)]
        return _resolve_batching(predict, sample, rows, whole, fitting, examine)
    several = count_rows(sample)
    if several:
        bare = _try_bare(predict, sample, several, wants)
        result = (
            _try_wrapped(predict, sample, several, wants)
            if isinstance(bare, str) and rows and binds
            else bare
        )
        if isinstance(result, CallResult):
            return result
        if _checks.is_sequence(sample):
            return f"{reasons[0]}; one by one: {bare}" if reasons[0] else bare
    return reasons[0] or ""


def _resolve_batching(
    predict: Predict, sample: object, rows: int, whole: object, want: object, examine: Examine
) -> CallResult:
    """Decide whether the answer to the whole sample is one answer per row or the answer to one record."""
    layout, finding = _examine_layouts(sample, rows, whole, examine)
    options = options_of(sample)
    if isinstance(finding, Independent) and not options:
        return CallResult(
            output=whole, rows=rows, layout=layout, batching=Batching.TOGETHER, evidence=str(finding)
        )
    if isinstance(finding, Unstable):
        return CallResult(
            output=whole, rows=rows, layout=layout, batching=Batching.TOGETHER, unstable=finding
        )
    as_one = CallResult(output=whole, evidence="the answer is one for the whole sample")
    if isinstance(finding, Undecided) and not options:
        wrapped = _try_wrapped(predict, sample, rows, (None,))
        if isinstance(wrapped, CallResult):
            return dataclasses.replace(wrapped, evidence=f"one record at a time: {finding}")
    if options:
        return (
            _with_options(predict, sample, rows, options, as_one)
            if isinstance(finding, Independent)
            else as_one
        )
    if _is_row_of_numbers(sample):
        return as_one
    if _checks.is_sequence(sample):
        bare = _try_bare(predict, sample, rows, (want,))
        if isinstance(bare, CallResult):
            return _with_note(bare, whole, rows, finding)
    if (rows > 1 or _checks.is_sequence(sample)) and not _follows_rows(predict, sample, rows, whole):
        return as_one
    wrapped = _try_wrapped(predict, sample, rows, (None,))
    return _with_note(wrapped, whole, rows, finding) if isinstance(wrapped, CallResult) else as_one


def _with_options(
    predict: Predict, sample: object, rows: int, options: tuple[object, ...], as_one: CallResult
) -> CallResult:
    """Return the result with one call per record, because each record has its own options."""
    result = _try_wrapped(predict, sample, rows, (None,))
    if isinstance(result, str):
        return as_one
    first = take(sample, [0])
    switches = [name for name in options if isinstance(first[name], bool)]
    forms = {name: form_of(predict({**first, name: not first[name]})) for name in switches}
    fixed = tuple(str(name) for name, form in forms.items() if form != form_of(result.output[0]))
    notes = tuple(
        f"{name} is {first[name]} in each request: otherwise the model's answer has another form."
        for name in fixed
    )
    listed = ", ".join(map(str, options))
    evidence = f"each record is a call of its own, with its own {listed}"
    return dataclasses.replace(result, fixed=fixed, notes=notes, evidence=evidence)


def _examine_layouts(
    sample: object, rows: int, whole: object, examine: Examine
) -> tuple[Layout, Finding | None]:
    """Return the layout in which `whole` holds one answer per row, and the finding for that layout."""
    fallback: tuple[Layout, Finding | None] = (Layout.WHOLE, None)
    for layout in (Layout.ROWS, Layout.PARTS):
        if count_answers(whole, layout) != rows:
            continue
        finding = examine(sample, rows, whole, layout)
        if isinstance(finding, Independent):
            return layout, finding
        fallback = (layout, finding) if fallback[1] is None else fallback
    return fallback


def _try_bare(predict: Predict, sample: object, rows: int, wants: tuple[object, ...]) -> CallResult | str:
    """Try each record by itself: an item of the list, the dict of a row."""
    return _one_by_one(predict, rows, lambda i: take_record(sample, i), wants, wrapped=False)


def _try_wrapped(predict: Predict, sample: object, rows: int, wants: tuple[object, ...]) -> CallResult | str:
    """Try each record as a container of one row."""
    return _one_by_one(predict, rows, lambda i: take(sample, [i]), wants, wrapped=True)


def _one_by_one(
    predict: Predict, rows: int, record: Callable[[int], object], wants: tuple[object, ...], *, wrapped: bool
) -> CallResult | str:
    answers: list[Any] = []
    firsts = tuple(first for want in wants if (first := first_expected(want)) is not None)
    for i in range(rows):
        answer = predict(record(i))
        if isinstance(answer, Refused):
            return answer.message
        answers.append(answer)
        if i == 0 and firsts:
            # Most failing models fail at the first row, and there may be thousands.
            layouts, reason = fitting_layouts(answers, firsts, wrapped)
            if not layouts:
                return reason
    layouts, reason = fitting_layouts(answers, wants, wrapped)
    if not layouts:
        return reason
    return CallResult(
        output=answers,
        rows=rows,
        first=record(0),
        layout=layouts[0],
        batching=Batching.ONE_ROW if wrapped else Batching.ALONE,
        evidence="each record is a call of its own",
    )


def _follows_rows(predict: Predict, sample: object, rows: int, whole: object) -> bool:
    """Whether the shape of the answer depends on the number of rows."""
    resized = predict(take(sample, [0, 0]) if rows == 1 else take_rows(sample, 0, rows - 1))
    return not isinstance(resized, Refused) and form_of(resized) != form_of(whole)


def _with_note(result: CallResult, whole: object, rows: int, finding: Finding | None) -> CallResult:
    """Add a note if a record's answer depends on the other records of the call."""
    where = str(finding) if isinstance(finding, Dependent) else _contradiction(result, whole, rows)
    if where is None:
        return result
    note = (
        "The model's answer to a record depends on the records that go in with it, so that each is scored "
        f"alone: {where}."
    )
    return dataclasses.replace(result, notes=(note,), evidence=f"one record at a time: {where}")


def _contradiction(result: CallResult, whole: object, rows: int) -> str | None:
    """Return where the answers to single records differ from the answer to the whole sample."""
    if count_answers(whole, Layout.ROWS) != rows or are_columns(result.output, whole):
        return None
    alone = [unwrapped(answer, result.layout) for answer in result.output]
    return None if same_rows(alone, whole) else difference(alone, whole, name="the whole sample at once")


def _binds(call: Call, sample: object) -> bool:
    """Whether the sample can be the arguments of one call; a list of frame rows cannot."""
    if isinstance(sample, list) and sample and is_row(sample[0]):
        return False
    if call.arguments is Arguments.KEYWORDS:
        return _checks.is_mapping(sample) and all(isinstance(name, str) for name in sample)
    if call.arguments is Arguments.POSITIONAL:
        return _checks.is_sequence(sample)
    return True


def _rows_of_call(call: Call, sample: object) -> int | None:
    """Return the number of records in the arguments of one call; `None` if they are one record."""
    if call.arguments is Arguments.POSITIONAL:
        columns = isinstance(sample, tuple) and all(_checks.is_array(value) for value in sample)
        return count_rows(sample) if columns else None
    return count_rows(sample)


def _is_row_of_numbers(sample: object) -> bool:
    """Whether the sample may be one record of numbers rather than many records of one number."""
    if _checks.is_array(sample) or _checks.is_series(sample):
        return len(sample.shape) == 1
    return _checks.is_sequence(sample) and all(isinstance(item, (int, float)) for item in sample)
