"""Find how records go into a call, many at once or one by one, by trying both and comparing the answers."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from scaffold.introspect import _kinds
from scaffold.introspect._ask import Ask, Refused, ask
from scaffold.introspect._compare import difference, same_rows
from scaffold.introspect._findings import Dependent, Finding, Independent, Undecided, Unstable
from scaffold.introspect._fits import (
    are_columns,
    first_wanted,
    fitting_layouts,
    form_of,
    is_answer_to_one,
    misfit,
)
from scaffold.introspect._independence import examine_rows
from scaffold.introspect._layouts import Layout, count_answers, unwrapped
from scaffold.introspect._missing import without_wider_dtypes
from scaffold.introspect._readings import readings
from scaffold.introspect._rows import (
    WithOptions,
    count_rows,
    is_row,
    option_readings,
    options_of,
    take,
    take_record,
    take_rows,
)
from scaffold.spec import Arguments, Batching, Call

Examine = Callable[[Any, int, Any, Layout], Finding | None]
"""`examine_rows` of one model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fed:
    """A way for the records to go in that gives the output sample, or an output where there is none."""

    output: Any
    rows: int | None = None
    first: Any = None
    """What the first call was given, where each record is a call of its own."""
    layout: Layout = Layout.WHOLE
    batching: Batching = Batching.ALONE
    evidence: str = ""
    notes: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    """Options whose value changes the form of the answer."""
    reading: WithOptions | None = None
    """The sample with the options that were found beside its arrays; `None` where it is as it was given."""
    unstable: Unstable | None = None
    """The model changed while its rows were examined: it cannot be served."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why the records do not go in."""

    reason: str
    """In one line; empty where the sample is no set of arguments at all."""
    refusals: tuple[Refused, ...] = ()


def feed(
    model: object,
    call: Call,
    sample: object,
    want: object,
    *,
    copied: Callable[[], object] = lambda: None,
    nullable: Sequence[str] = (),
) -> Fed | Misfit:
    """Return how the records of `sample` go into `call`, or why they do not.

    Where the sample goes in as one record, what stands beside its arrays is tried as options next: it is
    that if rows of the arrays, each with all of it, get the answers that they get together.

    Rows are batched if each gets the same answer alone and with other rows: see `examine_rows`. Shapes prove
    nothing: the width of an answer may equal the number of rows by chance.

    Args:
        model: The model.
        call: How it is called.
        sample: The records.
        want: The output sample; `None` where there is none.
        copied: Returns a copy of the model as it was before the first call, `None` where there is none.
        nullable: Fields that may be null, whether or not the sample shows it.
    """

    refusals: list[Refused] = []

    def given(value: object) -> object:
        return without_wider_dtypes(value, sample) if nullable else value

    def put(value: object) -> Any:
        answer = ask(model, call, given(value))
        if isinstance(answer, Refused):
            refusals.append(answer)
        return answer

    def fresh() -> Ask | None:
        other = copied()
        return None if other is None else lambda value: ask(other, call, given(value))

    examine = functools.partial(examine_rows, put, fresh=fresh, nullable=nullable)
    fed = _fed(put, call, sample, want, examine)
    if not isinstance(fed, Fed):
        return Misfit(fed, tuple(refusals))
    settled = fed.batching is Batching.TOGETHER or (fed.rows is not None and options_of(sample))
    for reading in () if settled else option_readings(sample):
        other = _fed(put, call, reading, want, examine)
        if isinstance(other, Fed) and other.rows is not None:
            return dataclasses.replace(other, reading=reading)
    return fed


def _fed(put: Ask, call: Call, sample: object, want: object, examine: Examine) -> Fed | str:
    """Return how the records go in, or why they do not; nothing where the sample is no set of arguments."""
    rows = _rows_of_call(call, sample)
    binds = _binds(call, sample)
    whole = put(sample) if binds else Refused("")
    wants = readings(want)
    reasons = [misfit(whole, wanted) for wanted in wants]
    if rows == 1 and any(is_answer_to_one(whole, wanted) for wanted in wants):
        reasons[0] = None
    if None in reasons:
        if not rows:
            return Fed(output=whole, evidence="the sample is one record")
        fitting = wants[reasons.index(None)]
        return _settle(put, sample, rows, whole, fitting, examine)
    several = count_rows(sample)
    if several:
        bare = _bare(put, sample, several, wants)
        fed = _wrapped(put, sample, several, wants) if isinstance(bare, str) and rows and binds else bare
        if isinstance(fed, Fed):
            return fed
        if _kinds.is_sequence(sample):
            return f"{reasons[0]}; one by one: {bare}" if reasons[0] else bare
    return reasons[0] or ""


def _settle(put: Ask, sample: object, rows: int, whole: object, want: object, examine: Examine) -> Fed:
    """Return whether an answer to the whole sample answers its rows, each of them, or one record."""
    layout, finding = _examined(sample, rows, whole, examine)
    options = options_of(sample)
    if isinstance(finding, Independent) and not options:
        return Fed(output=whole, rows=rows, layout=layout, batching=Batching.TOGETHER, evidence=str(finding))
    if isinstance(finding, Unstable):
        return Fed(output=whole, rows=rows, layout=layout, batching=Batching.TOGETHER, unstable=finding)
    as_one = Fed(output=whole, evidence="the answer is one for the whole sample")
    if isinstance(finding, Undecided) and not options:
        wrapped = _wrapped(put, sample, rows, (None,))
        if isinstance(wrapped, Fed):
            return dataclasses.replace(wrapped, evidence=f"one record at a time: {finding}")
    if options:
        return (
            _with_options(put, sample, rows, options, as_one) if isinstance(finding, Independent) else as_one
        )
    if _is_row_of_numbers(sample):
        return as_one
    if _kinds.is_sequence(sample):
        bare = _bare(put, sample, rows, (want,))
        if isinstance(bare, Fed):
            return _with_note(bare, whole, rows, finding)
    if (rows > 1 or _kinds.is_sequence(sample)) and not _follows_rows(put, sample, rows, whole):
        return as_one
    wrapped = _wrapped(put, sample, rows, (None,))
    return _with_note(wrapped, whole, rows, finding) if isinstance(wrapped, Fed) else as_one


def _with_options(put: Ask, sample: object, rows: int, options: tuple[object, ...], as_one: Fed) -> Fed:
    """Return that each record is a call of its own: its options are its own too."""
    fed = _wrapped(put, sample, rows, (None,))
    if isinstance(fed, str):
        return as_one
    first = take(sample, [0])
    switches = [name for name in options if isinstance(first[name], bool)]
    forms = {name: form_of(put({**first, name: not first[name]})) for name in switches}
    fixed = tuple(str(name) for name, form in forms.items() if form != form_of(fed.output[0]))
    notes = tuple(
        f"{name} is {first[name]} in each request: otherwise the model's answer has another form."
        for name in fixed
    )
    listed = ", ".join(map(str, options))
    evidence = f"each record is a call of its own, with its own {listed}"
    return dataclasses.replace(fed, fixed=fixed, notes=notes, evidence=evidence)


def _examined(sample: object, rows: int, whole: object, examine: Examine) -> tuple[Layout, Finding | None]:
    """Return what is found of the rows in the layout in which `whole` holds their answers."""
    found: tuple[Layout, Finding | None] = (Layout.WHOLE, None)
    for layout in (Layout.ROWS, Layout.PARTS):
        if count_answers(whole, layout) != rows:
            continue
        finding = examine(sample, rows, whole, layout)
        if isinstance(finding, Independent):
            return layout, finding
        found = (layout, finding) if found[1] is None else found
    return found


def _bare(put: Ask, sample: object, rows: int, wants: tuple[object, ...]) -> Fed | str:
    """Try each record by itself: an item of the list, the dict of a row."""
    return _one_by_one(put, rows, lambda i: take_record(sample, i), wants, wrapped=False)


def _wrapped(put: Ask, sample: object, rows: int, wants: tuple[object, ...]) -> Fed | str:
    """Try each record as a container of one row."""
    return _one_by_one(put, rows, lambda i: take(sample, [i]), wants, wrapped=True)


def _one_by_one(
    put: Ask, rows: int, record: Callable[[int], object], wants: tuple[object, ...], *, wrapped: bool
) -> Fed | str:
    answers: list[Any] = []
    firsts = tuple(first for want in wants if (first := first_wanted(want)) is not None)
    for i in range(rows):
        answer = put(record(i))
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
    return Fed(
        output=answers,
        rows=rows,
        first=record(0),
        layout=layouts[0],
        batching=Batching.ONE_ROW if wrapped else Batching.ALONE,
        evidence="each record is a call of its own",
    )


def _follows_rows(put: Ask, sample: object, rows: int, whole: object) -> bool:
    """Whether the answer has another shape for another number of rows."""
    other = put(take(sample, [0, 0]) if rows == 1 else take_rows(sample, 0, rows - 1))
    return not isinstance(other, Refused) and form_of(other) != form_of(whole)


def _with_note(fed: Fed, whole: object, rows: int, finding: Finding | None) -> Fed:
    """Return `fed` with a note where a record's answer depends on what goes in with it."""
    where = str(finding) if isinstance(finding, Dependent) else _contradiction(fed, whole, rows)
    if where is None:
        return fed
    note = (
        "The model's answer to a record depends on the records that go in with it, so that each is scored "
        f"alone: {where}."
    )
    return dataclasses.replace(fed, notes=(note,), evidence=f"one record at a time: {where}")


def _contradiction(fed: Fed, whole: object, rows: int) -> str | None:
    """Return where the answers to records alone are not those to the whole sample."""
    if count_answers(whole, Layout.ROWS) != rows or are_columns(fed.output, whole):
        return None
    alone = [unwrapped(answer, fed.layout) for answer in fed.output]
    return None if same_rows(alone, whole) else difference(alone, whole, name="the whole sample at once")


def _binds(call: Call, sample: object) -> bool:
    """Whether the sample can be the arguments of one call. Rows of a frame go in as a frame or alone."""
    if isinstance(sample, list) and sample and is_row(sample[0]):
        return False
    if call.arguments is Arguments.KEYWORDS:
        return _kinds.is_mapping(sample) and all(isinstance(name, str) for name in sample)
    if call.arguments is Arguments.POSITIONAL:
        return _kinds.is_sequence(sample)
    return True


def _rows_of_call(call: Call, sample: object) -> int | None:
    """Return how many records the arguments of one call hold, `None` for one."""
    if call.arguments is Arguments.POSITIONAL:
        columns = isinstance(sample, tuple) and all(_kinds.is_array(value) for value in sample)
        return count_rows(sample) if columns else None
    return count_rows(sample)


def _is_row_of_numbers(sample: object) -> bool:
    """Whether it may be the numbers of one record rather than many records of one number."""
    if _kinds.is_array(sample) or _kinds.is_series(sample):
        return len(sample.shape) == 1
    return _kinds.is_sequence(sample) and all(isinstance(item, (int, float)) for item in sample)
