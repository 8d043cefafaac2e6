"""Whether answers are those of the output sample, and in which layout they hold their rows."""

from __future__ import annotations

from typing import Any

from scaffold.introspect import _kinds
from scaffold.introspect._ask import Refused
from scaffold.introspect._compare import difference, plain, same_rows
from scaffold.introspect._layouts import Layout, count_answers, unwrapped


def fitting_layouts(
    answers: list[object], wants: tuple[object, ...], wrapped: bool
) -> tuple[list[Layout], str]:
    """Return the layouts in which answers to single records are the wanted ones, and why the first is not.

    Where a container of one row is answered with one row, that row is tried as the answer before the
    container, under each reading of the output sample.
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
    fitting = [layout for layout, found in reasons.items() if None in found]
    return fitting, next((found[0] for found in reasons.values() if found[0]), "")


def first_wanted(want: object) -> object:
    """Return the answer wanted for the first record, in a list, where there is one for each."""
    rows = plain(want)
    return rows[:1] if isinstance(rows, list) and rows else None


def form_of(answer: object) -> Any:
    """Return the shape of an answer, of its parts where it has some."""
    if _kinds.is_mapping(answer):
        return {key: form_of(value) for key, value in answer.items()}
    if _kinds.is_named_tuple(answer) or isinstance(answer, tuple):
        return [form_of(value) for value in answer]
    if _kinds.is_dataclass(answer) or _kinds.is_pydantic(answer):
        return form_of(vars(answer))
    shape = getattr(answer, "shape", None)
    if isinstance(shape, tuple):
        return tuple(shape)
    return len(answer) if _kinds.is_sequence(answer) else None


def are_columns(answers: list[object], whole: object) -> bool:
    """Whether the answers to the rows alone are the columns of the answer to all: curves over time."""
    shape: tuple[int, ...] = tuple(getattr(whole, "shape", ()))
    if len(shape) != 2 or any(getattr(answer, "shape", ()) != (shape[0], 1) for answer in answers):
        return False
    return same_rows(
        [[row[0] for row in plain(a)] for a in answers], [list(c) for c in zip(*plain(whole), strict=True)]
    )


def misfit(answer: object, want: object) -> str | None:
    """Return why an answer is not the one wanted, `None` where it is."""
    if isinstance(answer, Refused):
        return answer.message
    return None if want is None else difference(answer, want)


def is_answer_to_one(answer: object, want: object) -> bool:
    """Whether `want` is the one row that an answer of one row holds."""
    layouts = [layout for layout in (Layout.ROWS, Layout.PARTS) if count_answers(answer, layout) == 1]
    return any(difference(unwrapped(answer, layout), want) is None for layout in layouts)
