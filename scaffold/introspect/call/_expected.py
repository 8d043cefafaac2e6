"""Compare answers with the output sample, and find the layout of their rows."""

from __future__ import annotations

from typing import Any

from scaffold.introspect import _checks
from scaffold.introspect._compare import difference, plain, same_rows
from scaffold.introspect._layouts import Layout, count_answers, unwrapped
from scaffold.introspect.call._invoke import Refused


def fitting_layouts(
    answers: list[object], wants: tuple[object, ...], wrapped: bool
) -> tuple[list[Layout], str]:
    """Return the layouts in which the answers equal the expected ones, and why the others do not.

    If the answer to a container of one row is a container of one row, the row is compared before the
    container, with each reading of the output sample.
    """
    layouts = [Layout.WHOLE]
    for layout in (Layout.ROWS, Layout.PARTS):
        if all(count_answers(answer, layout) == 1 for answer in answers):
            layouts.insert(0 if wrapped else len(layouts), layout)
    if all(want is None for want in wants):
        return layouts, ""
    reasons = {
        layout: [difference([unwrapped(a, layout) for a in answers], want) for want in wants]
        for layout in layouts
    }
    fitting = [layout for layout, differences in reasons.items() if None in differences]
    return fitting, next((differences[0] for differences in reasons.values() if differences[0]), "")


def first_expected(want: object) -> object:
    """Return a list of the expected answer to the first record; `None` if the output has no rows."""
    rows = plain(want)
    return rows[:1] if isinstance(rows, list) and rows else None


def form_of(answer: object) -> Any:
    """Return the shape of an answer, or the shapes of its parts."""
    if _checks.is_mapping(answer):
        return {key: form_of(value) for key, value in answer.items()}
    if _checks.is_named_tuple(answer) or isinstance(answer, tuple):
        return [form_of(value) for value in answer]
    if _checks.is_dataclass(answer) or _checks.is_pydantic(answer):
        return form_of(vars(answer))
    shape = getattr(answer, "shape", None)
    if isinstance(shape, tuple):
        return tuple(shape)
    return len(answer) if _checks.is_sequence(answer) else None


def are_columns(answers: list[object], whole: object) -> bool:
    """Whether the answers to single rows are the columns of the answer to all: curves over time."""
    shape: tuple[int, ...] = tuple(getattr(whole, "shape", ()))
    if len(shape) != 2 or any(getattr(answer, "shape", ()) != (shape[0], 1) for answer in answers):
        return False
    return same_rows(
        [[row[0] for row in plain(a)] for a in answers], [list(c) for c in zip(*plain(whole), strict=True)]
    )


def misfit(answer: object, want: object) -> str | None:
    """Return why an answer differs from the expected one; `None` if it does not."""
    if isinstance(answer, Refused):
        return answer.message
    return None if want is None else difference(answer, want)


def is_answer_to_one(answer: object, want: object) -> bool:
    """Whether the answer contains one row, which equals `want`."""
    layouts = [layout for layout in (Layout.ROWS, Layout.PARTS) if count_answers(answer, layout) == 1]
    return any(difference(unwrapped(answer, layout), want) is None for layout in layouts)
