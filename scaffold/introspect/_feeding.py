"""Find how records go into a call, many at once or one by one, by trying both and comparing the answers."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import enum
import io
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from scaffold import _model
from scaffold.introspect import _kinds
from scaffold.introspect._compare import difference, plain, same_rows
from scaffold.introspect._rows import count_rows, is_row, take_record, take_rows
from scaffold.spec import Arguments, Call

_MOST_MESSAGE = 300


class Layout(enum.Enum):
    """How an answer holds the answers to several records."""

    ROWS = "rows"
    """Along its first axis."""
    PARTS = "parts"
    """Along the first axis of each member of a dict, tuple or list: `(distances, indices)` of neighbours."""
    WHOLE = "whole"
    """Not at all: it is the answer to one record."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The model's own exception, in one line."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fed:
    """A way for the records to go in that gives the output sample, or an output where there is none."""

    output: Any
    rows: int | None = None
    first: Any = None
    """What the first call was given, where each record is a call of its own."""
    layout: Layout = Layout.WHOLE
    batched: bool = False
    wrapped: bool = False
    evidence: str = ""
    notes: tuple[str, ...] = ()


Ask = Callable[[Any], Any]


def ask(model: Any, call: Call, value: Any) -> Any:
    """Return the answer to a copy of `value`, or `Refused`: models change what they are given, and print."""
    try:
        given = copy.deepcopy(value)
    except Exception:
        # What cannot be copied (an open file, a lock inside) goes in itself.
        given = value
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            answer = _model.invoke(model, call, given)
    except (Exception, SystemExit) as error:
        return Refused(_one_line(error))
    if isinstance(answer, (AsyncIterator, Awaitable, Iterator)):
        return Refused(f"gives a {type(answer).__name__}, whose values are made when asked for")
    # Rows of a matrix would be matrices again.
    return answer.A if _kinds.kin(answer, "numpy.matrix") else answer


def feed(model: Any, call: Call, sample: Any, want: Any) -> Fed | str:
    """Return how the records of `sample` go into `call`, or why they do not, in one line.

    The line is empty where `sample` is no set of arguments at all.

    Rows go in together if slices of the sample get the same slices of the answer, a row alone included.
    Nothing is concluded from shapes: an answer may happen to be as wide as there are rows.
    """

    def put(value: Any) -> Any:
        return ask(model, call, value)

    rows = _rows_of_call(call, sample)
    binds = _binds(call, sample)
    whole = put(sample) if binds else Refused("")
    reason = _misfit(whole, want)
    if reason is not None and rows == 1 and _is_answer_to_one(whole, want):
        reason = None
    if reason is None:
        if not rows:
            return Fed(output=whole, evidence="the sample is one record")
        return _settle(put, sample, rows, whole, want)
    several = count_rows(sample)
    if several:
        bare = _bare(put, sample, several, want)
        fed = _wrapped(put, sample, several, want) if isinstance(bare, str) and rows and binds else bare
        if isinstance(fed, Fed):
            return fed
        if _is_plain_sequence(sample):
            return f"{reason}; one by one: {bare}" if reason else bare
    return reason


def _settle(put: Ask, sample: Any, rows: int, whole: Any, want: Any) -> Fed:
    """Return whether an answer to the whole sample answers its rows, each of them, or one record."""
    layout = _layout(put, sample, rows, whole)
    if layout is not None:
        evidence = "rows get the same answers alone and together"
        return Fed(output=whole, rows=rows, layout=layout, batched=True, evidence=evidence)
    as_one = Fed(output=whole, evidence="the answer is one for the whole sample")
    if _is_row_of_numbers(sample):
        return as_one
    if _is_plain_sequence(sample):
        bare = _bare(put, sample, rows, want)
        if isinstance(bare, Fed):
            return bare
    if (rows > 1 or _is_plain_sequence(sample)) and not _follows_rows(put, sample, rows, whole):
        return as_one
    wrapped = _wrapped(put, sample, rows, None)
    return _with_note(wrapped, whole, rows) if isinstance(wrapped, Fed) else as_one


def _layout(put: Ask, sample: Any, rows: int, whole: Any) -> Layout | None:
    """Return how `whole` holds the rows' answers, if each slice of the sample gets that slice of it."""
    layouts = [layout for layout in (Layout.ROWS, Layout.PARTS) if count_answers(whole, layout) == rows]
    if not layouts:
        return None
    if rows == 1:
        doubled = put(_doubled(sample))
        return next((layout for layout in layouts if _repeats(whole, doubled, layout)), None)
    spans = {(0, 1), (rows - 1, rows), (0, rows // 2), (1, rows), (rows // 3, 2 * rows // 3 + 1)}
    slices = [(a, b, put(take_rows(sample, a, b))) for a, b in sorted(spans) if b - a < rows]
    if any(isinstance(answer, Refused) for _, _, answer in slices):
        return None
    for layout in layouts:
        if all(same_rows(answer, take_answers(whole, layout, a, b)) for a, b, answer in slices):
            return layout
    return None


def _repeats(whole: Any, doubled: Any, layout: Layout) -> bool:
    """Whether both rows of `doubled` are the one row of `whole`."""
    if isinstance(doubled, Refused) or count_answers(doubled, layout) != 2:
        return False
    return all(same_rows(take_answers(doubled, layout, i, i + 1), whole) for i in (0, 1))


def _bare(put: Ask, sample: Any, rows: int, want: Any) -> Fed | str:
    """Try each record by itself: an item of the list, the dict of a row."""
    return _one_by_one(put, rows, lambda i: take_record(sample, i), want, wrapped=False)


def _wrapped(put: Ask, sample: Any, rows: int, want: Any) -> Fed | str:
    """Try each record as a container of one row."""
    return _one_by_one(put, rows, lambda i: without_index(take_rows(sample, i, i + 1)), want, wrapped=True)


def without_index(sample: Any) -> Any:
    """Return a pandas frame or Series with its rows numbered from 0, as they are in the service."""
    if _kinds.kin(sample, "pandas.DataFrame", "pandas.Series") and not is_row(sample):
        return sample.reset_index(drop=True)
    return sample


def _one_by_one(put: Ask, rows: int, record: Callable[[int], Any], want: Any, *, wrapped: bool) -> Fed | str:
    answers: list[Any] = []
    first_wanted = _first_of(want)
    for i in range(rows):
        answer = put(record(i))
        if isinstance(answer, Refused):
            return answer.message
        answers.append(answer)
        if i == 0 and first_wanted is not None:
            # Most that fail do so at once: there may be thousands of rows.
            layouts, reason = _fitting(answers, first_wanted, wrapped)
            if not layouts:
                return reason
    layouts, reason = _fitting(answers, want, wrapped)
    if not layouts:
        return reason
    return Fed(
        output=answers,
        rows=rows,
        first=record(0),
        layout=layouts[0],
        wrapped=wrapped,
        evidence="each record is a call of its own",
    )


def _fitting(answers: list[Any], want: Any, wrapped: bool) -> tuple[list[Layout], str]:
    """Return the layouts in which answers to single records are the wanted ones, and why the first is not."""
    layouts = [Layout.WHOLE]
    for layout in (Layout.ROWS, Layout.PARTS):
        if all(count_answers(answer, layout) == 1 for answer in answers):
            # A container of one row answers with one row: that row is the answer.
            layouts.insert(0 if wrapped else len(layouts), layout)
    if want is None:
        return layouts, ""
    reasons = {layout: difference([unwrapped(a, layout) for a in answers], want) for layout in layouts}
    return [layout for layout, reason in reasons.items() if reason is None], next(
        filter(None, reasons.values()), ""
    )


def _first_of(want: Any) -> Any:
    """Return the answer wanted for the first record, in a list, where there is one for each."""
    rows = plain(want)
    return rows[:1] if isinstance(rows, list) and rows else None


def unwrapped(answer: Any, layout: Layout) -> Any:
    """Return the one row that an answer of one row holds, as plain values."""
    if layout is Layout.ROWS:
        return plain(answer)[0]
    if layout is Layout.PARTS:
        items = plain(answer)
        return {k: v[0] for k, v in items.items()} if isinstance(items, dict) else [v[0] for v in items]
    return answer


def count_answers(answer: Any, layout: Layout) -> int | None:
    """Return how many rows an answer holds in the given layout, `None` where it holds none so."""
    if layout is Layout.ROWS:
        if _kinds.is_frame(answer) or _kinds.is_series(answer) or _kinds.is_array(answer):
            return int(answer.shape[0]) if answer.shape else None
        return len(answer) if _kinds.is_sequence(answer) else None
    if _kinds.is_mapping(answer):
        parts = list(answer.values())
    elif _kinds.is_sequence(answer) or _kinds.is_named_tuple(answer):
        parts = list(answer)
    else:
        return None
    counts = {count_answers(part, Layout.ROWS) for part in parts}
    return counts.pop() if len(counts) == 1 else None


def take_answers(answer: Any, layout: Layout, start: int, stop: int) -> Any:
    """Return rows `start` to `stop` of an answer in the given layout."""
    if layout is Layout.PARTS:
        if _kinds.is_mapping(answer):
            return {name: take_answers(part, Layout.ROWS, start, stop) for name, part in answer.items()}
        return [take_answers(part, Layout.ROWS, start, stop) for part in answer]
    return list(answer)[start:stop] if _kinds.is_sequence(answer) else take_rows(answer, start, stop)


def _follows_rows(put: Ask, sample: Any, rows: int, whole: Any) -> bool:
    """Whether the answer has another shape for another number of rows."""
    other = put(_doubled(sample) if rows == 1 else take_rows(sample, 0, rows - 1))
    return not isinstance(other, Refused) and _form(other) != _form(whole)


def _form(answer: Any) -> Any:
    """Return the shape of an answer, of its parts where it has some."""
    if _kinds.is_mapping(answer):
        return {key: _form(value) for key, value in answer.items()}
    if _kinds.is_named_tuple(answer) or isinstance(answer, tuple):
        return [_form(value) for value in answer]
    if _kinds.is_dataclass(answer) or _kinds.is_pydantic(answer):
        return _form(vars(answer))
    shape = getattr(answer, "shape", None)
    if isinstance(shape, tuple):
        return tuple(shape)
    return len(answer) if _kinds.is_sequence(answer) else None


def _with_note(fed: Fed, whole: Any, rows: int) -> Fed:
    """Return `fed` with a note where the answers to records alone are not those to the whole sample."""
    if count_answers(whole, Layout.ROWS) != rows:
        return fed
    alone = [unwrapped(answer, fed.layout) for answer in fed.output]
    where = None if same_rows(alone, whole) else difference(alone, whole, name="the whole sample at once")
    if where is None or _are_columns(fed.output, whole):
        return fed
    note = (
        "The model's answer to a record depends on the records that go in with it, so that each is scored "
        f"alone: {where}."
    )
    return dataclasses.replace(
        fed, notes=(note,), evidence="each record is scored alone: answers depend on company"
    )


def _are_columns(answers: list[Any], whole: Any) -> bool:
    """Whether the answers to the rows alone are the columns of the answer to all: curves over time."""
    shape: tuple[int, ...] = tuple(getattr(whole, "shape", ()))
    if len(shape) != 2 or any(getattr(answer, "shape", ()) != (shape[0], 1) for answer in answers):
        return False
    return same_rows(
        [[row[0] for row in plain(a)] for a in answers], [list(c) for c in zip(*plain(whole), strict=True)]
    )


def _doubled(sample: Any) -> Any:
    """Return a sample of one row with that row twice."""
    if _kinds.kin(sample, "pandas.DataFrame", "pandas.Series"):
        return sample.iloc[[0, 0]]
    if _kinds.is_mapping(sample):
        return {name: _doubled(value) for name, value in sample.items()}
    if isinstance(sample, tuple) and all(_kinds.is_array(value) for value in sample):
        return tuple(_doubled(value) for value in sample)
    if _kinds.is_sequence(sample):
        return type(sample)([*sample, *sample])
    if _kinds.kin(sample, "pyarrow.Table"):
        return sample.take([0, 0])
    if _kinds.kin(sample, "xgboost.DMatrix"):
        return sample.slice([0, 0])
    return (sample.tocsr() if _kinds.is_sparse(sample) else sample)[[0, 0]]


def _misfit(answer: Any, want: Any) -> str | None:
    """Return why an answer is not the one wanted, `None` where it is."""
    if isinstance(answer, Refused):
        return answer.message
    return None if want is None else difference(answer, want)


def _is_answer_to_one(answer: Any, want: Any) -> bool:
    """Whether `want` is the one row that an answer of one row holds."""
    layouts = [layout for layout in (Layout.ROWS, Layout.PARTS) if count_answers(answer, layout) == 1]
    return any(difference(unwrapped(answer, layout), want) is None for layout in layouts)


def _binds(call: Call, sample: Any) -> bool:
    """Whether the sample can be the arguments of one call. Rows of a frame go in as a frame or alone."""
    if isinstance(sample, list) and sample and is_row(sample[0]):
        return False
    if call.arguments is Arguments.KEYWORDS:
        return _kinds.is_mapping(sample) and all(isinstance(name, str) for name in sample)
    if call.arguments is Arguments.POSITIONAL:
        return _kinds.is_sequence(sample)
    return True


def _rows_of_call(call: Call, sample: Any) -> int | None:
    """Return how many records the arguments of one call hold, `None` for one."""
    if call.arguments is Arguments.POSITIONAL:
        columns = isinstance(sample, tuple) and all(_kinds.is_array(value) for value in sample)
        return count_rows(sample) if columns else None
    return count_rows(sample)


def _is_plain_sequence(sample: Any) -> bool:
    return _kinds.is_sequence(sample)


def _is_row_of_numbers(sample: Any) -> bool:
    """Whether it may be the numbers of one record rather than many records of one number."""
    if _kinds.is_array(sample) or _kinds.is_series(sample):
        return len(sample.shape) == 1
    return _kinds.is_sequence(sample) and all(isinstance(item, (int, float)) for item in sample)


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    message = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return message if len(message) <= _MOST_MESSAGE else f"{message[: _MOST_MESSAGE - 3]}..."
