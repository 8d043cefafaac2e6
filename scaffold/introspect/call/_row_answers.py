"""The answers to single rows in an answer to several rows, and their differences."""

from __future__ import annotations

from typing import Any

from scaffold.introspect import _checks
from scaffold.introspect._compare import answer_scale, brief, difference, plain, same_answer
from scaffold.introspect._layouts import Layout, count_answers
from scaffold.introspect.call._invoke import Refused


class RowAnswers:
    """An answer to several rows, by its parts: the columns of its rows."""

    def __init__(self, answer: Any, layout: Layout) -> None:
        if layout is Layout.ROWS:
            parts = [answer]
        else:
            parts = list(answer.values()) if _checks.is_mapping(answer) else list(answer)
        self.scales = [answer_scale(part) for part in parts]
        # Large arrays are not converted to lists.
        self.parts = [part if _checks.is_a(part, "numpy.ndarray") else plain(part) for part in parts]

    def row(self, k: int) -> list[Any]:
        """Return row `k` of each part."""
        return [part[k] for part in self.parts]


def same_parts(row: list[object], alone: list[object], scales: list[float]) -> bool:
    """Whether two rows are equal in all parts, within the tolerance."""
    return all(
        same_answer(part, alone_part, smallest=scale)
        for part, alone_part, scale in zip(row, alone, scales, strict=True)
    )


def refusal_of(answer: object, layout: Layout, rows: int) -> str:
    """Return why an answer does not have one answer for each of `rows` rows."""
    if isinstance(answer, Refused):
        return f"the model raises {answer.message}"
    return f"{rows} rows get {count_answers(answer, layout) or 'no'} answers"


def contrast(got: object, want: object) -> str:
    """Return both answers of a row as text: `gets 14, alone 18`."""
    if isinstance(got, (list, dict)) or isinstance(want, (list, dict)):
        return f"gets another answer: {difference(got, want, name='the row alone')}"
    return f"gets {brief(got)}, alone {brief(want)}"
