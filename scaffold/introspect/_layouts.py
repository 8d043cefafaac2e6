"""The layouts of an answer to several records."""

from __future__ import annotations

import enum

from scaffold.introspect import _checks
from scaffold.introspect._compare import plain


class Layout(enum.Enum):
    """Where an answer to several records has the answer to each."""

    ROWS = "rows"
    """Along its first axis."""
    PARTS = "parts"
    """Along the first axis of each member of a dict, tuple or list: `(distances, indices)` of neighbours."""
    WHOLE = "whole"
    """The answer is for one record."""


def unwrapped(answer: object, layout: Layout) -> object:
    """Return the only row of an answer, as plain values."""
    if layout is Layout.ROWS:
        return plain(answer)[0]
    if layout is Layout.PARTS:
        items = plain(answer)
        return {k: v[0] for k, v in items.items()} if isinstance(items, dict) else [v[0] for v in items]
    return answer


def count_answers(answer: object, layout: Layout) -> int | None:
    """Return the number of rows of an answer in a layout; `None` if the answer does not have that layout."""
    if layout is Layout.ROWS:
        if _checks.is_frame(answer) or _checks.is_series(answer) or _checks.is_array(answer):
            return int(answer.shape[0]) if answer.shape else None
        return len(answer) if _checks.is_sequence(answer) else None
    if _checks.is_mapping(answer):
        parts = list(answer.values())
    elif _checks.is_sequence(answer) or _checks.is_named_tuple(answer):
        parts = list(answer)
    else:
        return None
    counts = {count_answers(part, Layout.ROWS) for part in parts}
    return counts.pop() if len(counts) == 1 else None
