"""The types on the model's side: of one value, and of the container for many."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TypeAlias, Union

# --------------------------------------------------------------------------- containers


@dataclass(frozen=True, slots=True)
class Python:
    """Python's own lists, tuples, sets and dicts."""


@dataclass(frozen=True, slots=True)
class Pandas:
    """A DataFrame or a Series of pandas."""


@dataclass(frozen=True, slots=True)
class Polars:
    """A DataFrame or a Series of polars."""


@dataclass(frozen=True, slots=True)
class Arrow:
    """A Table of pyarrow."""


@dataclass(frozen=True, slots=True)
class Numpy:
    """An array of numpy; as a table, one whose columns have names that only the model knows."""


@dataclass(frozen=True, slots=True)
class Structured:
    """An array of numpy with named fields."""


@dataclass(frozen=True, slots=True)
class Masked:
    """An array of numpy with a mask over the values that are missing."""


@dataclass(frozen=True, slots=True)
class Sparse:
    """A sparse matrix or array of scipy."""

    matrix: str
    """Its class: `csr_matrix`, `csc_array`."""


@dataclass(frozen=True, slots=True)
class Torch:
    """A tensor of torch."""


@dataclass(frozen=True, slots=True)
class Pillow:
    """An image of PIL."""


Container: TypeAlias = Union[  # noqa: UP007
    Python, Pandas, Polars, Arrow, Numpy, Structured, Masked, Sparse, Torch, Pillow
]
"""The library whose object holds the values. `introspect/kinds` and `render/kinds` have a file for each."""


# --------------------------------------------------------------------------- one value


class PythonType(enum.Enum):
    """The types of Python that one JSON value can stand for."""

    BOOL = "bool"
    INT = "int"
    FLOAT = "float"
    STR = "str"
    BYTES = "bytes"
    BYTEARRAY = "bytearray"
    DECIMAL = "Decimal"
    UUID = "UUID"
    DATE = "date"
    TIME = "time"
    AWARE_TIME = "aware time"
    DATETIME = "datetime"
    TIMEDELTA = "timedelta"


@dataclass(frozen=True, slots=True)
class PythonScalar:
    """A value of one of Python's own types."""

    of: PythonType


@dataclass(frozen=True, slots=True)
class Moment:
    """A `datetime` with a time zone."""

    zone: str
    """The name by which the zone is made again: `Europe/Oslo`, `UTC`, `UTC+02:00`."""


@dataclass(frozen=True, slots=True)
class NumpyScalar:
    """A scalar of numpy."""

    scalar: str
    """Its class in `numpy`: `float32`, `bool_`, `str_`."""


@dataclass(frozen=True, slots=True)
class NumpyTime:
    """A `datetime64` or `timedelta64`: the type of the scalar says which."""

    unit: str
    """`s`, `ns`, `25us`."""


@dataclass(frozen=True, slots=True)
class Timestamp:
    """A moment of pandas."""

    zone: str | None = None


@dataclass(frozen=True, slots=True)
class Timedelta:
    """A span of time of pandas."""


@dataclass(frozen=True, slots=True)
class Period:
    """A period of pandas."""

    frequency: str
    """`M`, `D`, `Q-DEC`."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval of pandas."""


@dataclass(frozen=True, slots=True)
class Element:
    """A value within an array or column, which makes it from the JSON value by its dtype."""

    dtype: str
    """As the library writes it."""
    container: Container


@dataclass(frozen=True, slots=True)
class TextOf:
    """A text that stands for something else: a level of a category of dates or intervals."""

    of: Native


Native: TypeAlias = Union[  # noqa: UP007
    PythonScalar, Moment, NumpyScalar, NumpyTime, Timestamp, Timedelta, Period, Interval, Element, TextOf
]
"""The type of one value as the model is given it."""


class Missing(enum.Enum):
    """How a library says that a value is missing."""

    NONE = "None"
    NAN = "nan"
    NA = "NA"
    NAT = "NaT"
    MASKED = "masked"


# --------------------------------------------------------------------------- the form of one record


@dataclass(frozen=True, slots=True)
class Dict:
    """A dict."""


@dataclass(frozen=True, slots=True)
class Arrays:
    """A dict of arrays, each with a row per record."""

    options: tuple[str, ...] = ()
    """The fields that are options of the call, not rows of an array."""


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """A pandas Series whose index holds the names: one row of a frame."""

    dtype: str


@dataclass(frozen=True, slots=True)
class Void:
    """One element of a structured array."""


class CollectionType(enum.Enum):
    """The collections of Python that a JSON list can stand for."""

    LIST = "list"
    TUPLE = "tuple"
    SET = "set"
    FROZENSET = "frozenset"
    DEQUE = "deque"


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection of Python."""

    of: CollectionType = CollectionType.LIST


@dataclass(frozen=True, slots=True)
class Series:
    """A Series with as many values as the list has items."""

    container: Container
    dtype: str


@dataclass(frozen=True, slots=True)
class OpenedFrame:
    """An answer that is a frame: its one row as an object, or its rows as a list."""

    container: Container


@dataclass(frozen=True, slots=True)
class OpenedSeries:
    """An answer that is a Series: an object where its index holds names, else a list."""

    container: Container


@dataclass(frozen=True, slots=True)
class OverTime:
    """An answer that is a pandas frame over time: a list of its rows, each with its index."""

    curve: bool = False
    """Whether it has one column, called by the place of the record in its batch."""


RecordForm: TypeAlias = Union[Dict, Arrays, SeriesRow, Void, OpenedFrame, OpenedSeries]  # noqa: UP007
ListForm: TypeAlias = Union[Collection, Series, OpenedFrame, OpenedSeries, OverTime]  # noqa: UP007


class ClassKind(enum.Enum):
    """What a class of the user's own is made with."""

    PYDANTIC = "pydantic"
    DATACLASS = "dataclass"
    NAMEDTUPLE = "namedtuple"
    ENUM = "enum"
