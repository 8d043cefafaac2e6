"""Recognise the type of a value without importing its library.

A value of a library's class exists only if that library is already imported, so the class names in the
method resolution order are sufficient: `import scaffold` does not import pandas.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol, TypeGuard


class Shaped(Protocol):
    """The common interface of arrays, frames and columns of all libraries."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""

    @property
    def dtype(self) -> Any:
        """The dtype of the items; frames have `dtypes` instead."""

    def __len__(self) -> int: ...

    def __getitem__(self, key: object, /) -> Any: ...


class Array(Shaped, Protocol):
    """An array of numpy, torch or scipy."""

    @property
    def ndim(self) -> int:
        """The number of axes."""

    def reshape(self, *shape: object) -> Any:
        """Return the same items in another shape."""


class Series(Shaped, Protocol):
    """A column of pandas, polars or Arrow."""

    def to_numpy(self) -> Any:
        """Return its values as an array of numpy."""


class Frame(Series, Protocol):
    """A table of pandas, polars or Arrow."""

    @property
    def columns(self) -> Any:
        """The names of its columns; of an Arrow table the columns themselves."""


class NamedFields(Protocol):
    """A `typing.NamedTuple` or `collections.namedtuple`."""

    def __iter__(self) -> Iterator[object]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, key: object, /) -> object: ...

    def _asdict(self) -> dict[str, Any]: ...

    def _replace(self, **fields: Any) -> Any: ...


@lru_cache(maxsize=1024)
def _names(cls: type) -> frozenset[str]:
    return frozenset(f"{base.__module__.partition('.')[0]}.{base.__qualname__}" for base in cls.__mro__)


def is_a(value: object, *names: str) -> bool:
    """Whether `value` is an instance of one of the classes `names`, e.g. `pandas.DataFrame`.

    Only the top-level package is compared, because libraries move classes between modules.
    """
    cls: type = type(value)
    return not _names(cls).isdisjoint(names)


def is_named_tuple(value: object) -> TypeGuard[NamedFields]:
    """Whether `value` is an instance of a `typing.NamedTuple` or `collections.namedtuple`."""
    return isinstance(value, tuple) and hasattr(type(value), "_fields")


def is_dataclass(value: object) -> bool:
    """Whether `value` is an instance of a dataclass."""
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def is_pydantic(value: object) -> bool:
    """Whether `value` is an instance of a pydantic model."""
    return is_a(value, "pydantic.BaseModel")


def is_mapping(value: object) -> TypeGuard[Mapping[Any, Any]]:
    """Whether `value` is a mapping; scipy's `dok_matrix`, a dict of its items, is not."""
    return isinstance(value, Mapping) and not is_a(value, "scipy.spmatrix", "scipy.sparray")


def is_sequence(value: object) -> TypeGuard[Sequence[Any]]:
    """Whether `value` is a plain ordered collection: list, tuple, deque, but no string and no named tuple."""
    if isinstance(value, (str, bytes, bytearray, memoryview)) or is_named_tuple(value):
        return False
    return isinstance(value, Sequence) or is_a(value, "collections.deque")
