"""Recognise a value without importing its library.

A value of a library's class can only exist where that library is imported already, so the names in the
class's method resolution order say enough: `import scaffold` never pulls in pandas to find out that a
sample is a dict.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol, TypeGuard


class Shaped(Protocol):
    """What an array, a frame and a column have in common, whichever library they are of."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Their length along each axis."""

    @property
    def dtype(self) -> Any:
        """The type of their items; a frame has one for each column instead."""

    def __len__(self) -> int: ...

    def __getitem__(self, key: object, /) -> Any: ...


class Array(Shaped, Protocol):
    """An array of numpy, torch or scipy."""

    @property
    def ndim(self) -> int:
        """How many axes it has."""

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


def kin(value: object, *names: str) -> bool:
    """Whether `value` is an instance of one of the classes `names`, e.g. `pandas.DataFrame`.

    Only the top package counts, for libraries move their classes between modules.
    """
    cls: type = type(value)
    return not _names(cls).isdisjoint(names)


def is_named_tuple(value: object) -> TypeGuard[NamedFields]:
    """Whether it is an instance of a `typing.NamedTuple` or `collections.namedtuple`."""
    return isinstance(value, tuple) and hasattr(type(value), "_fields")


def is_dataclass(value: object) -> bool:
    """Whether it is an instance of a dataclass."""
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def is_pydantic(value: object) -> bool:
    """Whether it is an instance of a pydantic model."""
    return kin(value, "pydantic.BaseModel")


def is_mapping(value: object) -> TypeGuard[Mapping[Any, Any]]:
    """Whether it maps keys to values; a sparse matrix that is kept as a dict of its items is an array."""
    return isinstance(value, Mapping) and not kin(value, "scipy.spmatrix", "scipy.sparray")


def is_sequence(value: object) -> TypeGuard[Sequence[Any]]:
    """Whether it is a plain ordered collection: list, tuple, deque, but no text and no named tuple."""
    if isinstance(value, (str, bytes, bytearray, memoryview)) or is_named_tuple(value):
        return False
    return isinstance(value, Sequence) or kin(value, "collections.deque")
