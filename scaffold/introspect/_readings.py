"""The possible meanings of an output sample: a file is less specific than an object."""

from __future__ import annotations

from scaffold.introspect import _kinds
from scaffold.introspect._compare import plain


def readings(want: object) -> tuple[object, ...]:
    """Return what an output sample may stand for, in the order in which it is tried.

    First the sample itself. Then, where it is a table of one column, the values of that column: a frame or a
    file with one column, an array of shape `(n, 1)`, a list of objects with one field, or an object whose one
    field is a list.
    """
    column = _column(want)
    return (want,) if column is None else (want, column)


def _column(want: object) -> list[object] | None:
    """Return the values of the only column of a table, `None` for anything else."""
    if not (_kinds.is_frame(want) or _kinds.is_array(want) or isinstance(want, (list, dict))):
        return None
    values = plain(want)
    if isinstance(values, dict):
        only = next(iter(values.values())) if len(values) == 1 else None
        return only if isinstance(only, list) else None
    if not isinstance(values, list) or not values:
        return None
    rows = [list(row.values()) if isinstance(row, dict) else row for row in values]
    if not all(
        isinstance(row, list) and len(row) == 1 and not isinstance(row[0], (list, dict)) for row in rows
    ):
        return None
    return [row[0] for row in rows]
