"""Type checks for values: by the classes that the kinds name, or by Python's own."""

from __future__ import annotations

from typing import TypeGuard

from scaffold.introspect._types import (
    Array,
    Frame,
    Series,
    is_a,
    is_dataclass,
    is_mapping,
    is_named_tuple,
    is_pydantic,
    is_sequence,
)
from scaffold.introspect.kinds import KINDS
from scaffold.introspect.kinds.pandas import is_named_series
from scaffold.introspect.kinds.structured import is_structured

__all__ = [
    "is_a",
    "is_array",
    "is_dataclass",
    "is_frame",
    "is_mapping",
    "is_named_series",
    "is_named_tuple",
    "is_pydantic",
    "is_sequence",
    "is_series",
    "is_sparse",
    "is_structured",
]

_FRAMES = tuple(name for kind in KINDS.values() for name in kind.frames)
_SERIES = tuple(name for kind in KINDS.values() for name in kind.series)
_ARRAYS = tuple(name for kind in KINDS.values() for name in kind.arrays)
_SPARSE = tuple(name for kind in KINDS.values() if kind.is_sparse for name in kind.arrays)


def is_frame(value: object) -> TypeGuard[Frame]:
    """Whether `value` is a table of pandas, polars or Arrow."""
    return is_a(value, *_FRAMES)


def is_series(value: object) -> TypeGuard[Series]:
    """Whether `value` is a column, row, index or value array of a frame."""
    return is_a(value, *_SERIES)


def is_array(value: object) -> TypeGuard[Array]:
    """Whether `value` has a dtype and a shape: a numpy array, torch tensor, sparse matrix."""
    return is_a(value, *_ARRAYS)


def is_sparse(value: object) -> bool:
    """Whether `value` is a sparse matrix or array of scipy."""
    return is_a(value, *_SPARSE)
