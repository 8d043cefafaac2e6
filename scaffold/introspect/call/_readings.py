"""The possible meanings of an output sample: a file is less specific than an object."""

from __future__ import annotations

from typing import Any

from scaffold.introspect import _checks
from scaffold.introspect._compare import plain

_INDEX = "Unnamed: 0"
"""The name that pandas gives to a first column without a name."""


def readings(want: object) -> tuple[object, ...]:
    """Return the possible meanings of an output sample, in the order of preference.

    First the sample itself. Then, where it is a table of one column, the values of that column: a frame or a
    file with one column, an array of shape `(n, 1)`, a list of objects with one field, or an object whose one
    field is a list. Then the same without the index, where the file has that as a column.
    """
    bare = without_written_index(want)
    forms = [want] if bare is None else [want, bare]
    result: list[object] = []
    for form in forms:
        column = _column(form)
        result += [form] if column is None else [form, column]
    return tuple(result)


def without_written_index(sample: Any) -> Any:
    """Return a frame without its index column; `None` if it has none.

    `to_csv` writes the index first, without a name, and `read_csv` makes that a column.
    """
    if not _checks.is_a(sample, "pandas.DataFrame") or sample.shape[1] < 2 or sample.columns[0] != _INDEX:
        return None
    numbers = sample.iloc[:, 0]
    return sample.iloc[:, 1:] if numbers.dtype.kind == "i" and numbers.is_unique else None


def _column(want: object) -> list[object] | None:
    """Return the values of the only column of a table, `None` for anything else."""
    if not (_checks.is_frame(want) or _checks.is_array(want) or isinstance(want, (list, dict))):
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
