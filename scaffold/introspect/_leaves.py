"""The innermost values of lists, arrays and Series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scaffold.introspect import _scalars
from scaffold.introspect._types import is_a, is_sequence


def leaves_of(values: Sequence[Any]) -> list[object]:
    """Return the values, or the innermost values of lists and arrays."""
    leaves: list[Any] = []
    for value in values:
        if type(value) in (str, int, bool):
            leaves.append(value)
        elif hasattr(type(value), "shape") and not is_a(value, "numpy.generic"):
            leaves += _of_array(value)
        elif isinstance(value, (set, frozenset)) or is_sequence(value):
            leaves += leaves_of(list(value))
        elif _scalars.missing_marker(value) is None:
            leaves.append(value.item() if is_a(value, "numpy.number", "numpy.bool") else value)
    return leaves


def _of_array(value: object) -> list[object]:
    """Return the leaves of an array or a Series; any other value is a leaf."""
    dense = value.toarray() if hasattr(value, "toarray") else value
    listed = getattr(dense, "to_list", None) or getattr(dense, "tolist", None)
    return [value] if listed is None else leaves_of([listed()])
