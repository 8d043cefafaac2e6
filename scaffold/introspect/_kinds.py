"""What a value is: by the classes that the kinds name, or by Python's own."""

from __future__ import annotations

from typing import TypeGuard

from scaffold.introspect._kin import (
    Array,
    Frame,
    Series,
    is_dataclass,
    is_mapping,
    is_named_tuple,
    is_pydantic,
    is_sequence,
    kin,
)
from scaffold.introspect.kinds import KINDS
from scaffold.introspect.kinds.pandas import is_named_series
from scaffold.introspect.kinds.structured import is_structured

__all__ = [
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
    "kin",
]

_FRAMES = tuple(name for kind in KINDS.values() for name in kind.frames)
_SERIES = tuple(name for kind in KINDS.values() for name in kind.series)
_ARRAYS = tuple(name for kind in KINDS.values() for name in kind.arrays)
_SPARSE = tuple(name for kind in KINDS.values() if kind.is_sparse for name in kind.arrays)


def is_frame(value: object) -> TypeGuard[Frame]:
    """Whether it has named columns and rows: a pandas, polars or Arrow table."""
    return kin(value, *_FRAMES)


def is_series(value: object) -> TypeGuard[Series]:
    """Whether it is one column of a frame, or a row taken out of one, or the values or index of one."""
    return kin(value, *_SERIES)


def is_array(value: object) -> TypeGuard[Array]:
    """Whether it has a dtype and a shape: a numpy array, torch tensor, sparse matrix."""
    return kin(value, *_ARRAYS)


def is_sparse(value: object) -> bool:
    """Whether it is a scipy sparse matrix or array."""
    return kin(value, *_SPARSE)
