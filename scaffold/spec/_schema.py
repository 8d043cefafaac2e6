"""A schema: what one record is, or one value within it."""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass
from typing import TypeAlias, Union

from scaffold.spec._evidence import Evidence
from scaffold.spec._json import JSONScalar, JSONValue
from scaffold.spec._native import (
    ClassKind,
    Collection,
    Container,
    Dict,
    ListForm,
    Missing,
    Native,
    PythonScalar,
    PythonType,
    RecordForm,
)


class ScalarType(enum.Enum):
    """The types of one JSON value that is neither list nor object."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    NUMBER = "number"
    STRING = "string"
    DECIMAL = "decimal"
    UUID = "uuid"
    DATE = "date"
    TIME = "time"
    DATETIME = "datetime"
    AWARE_DATETIME = "aware datetime"
    DURATION = "duration"
    PERIOD = "period"
    BYTES = "bytes"
    NULL = "null"
    ANY = "any"


class Standalone:
    """A schema whose records never share a container: many of them are a list.

    The others, `Record` among them, can be the rows of a frame or of arrays.
    """

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar(Standalone):
    """One value."""

    type: ScalarType
    native: Native | None = None
    """What the model is given; `None` where that is the JSON value itself."""
    minimum: int | float | None = None
    """The least and the greatest value of `native`, where JSON allows more."""
    maximum: int | float | None = None
    max_length: int | None = None
    """The longest text that `native` can hold."""
    choices: tuple[JSONScalar, ...] = ()
    """The only values allowed."""
    constraints: tuple[tuple[str, JSONScalar], ...] = ()
    """What an annotation asks for beside the type: arguments of pydantic's `Field`, as `ge` and `pattern`."""
    nanoseconds: bool = False
    """Whether a moment or a span of time has nine digits of a second; Python's own have six."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Category(Standalone):
    """One of the levels of a categorical dtype, by its value."""

    of: Scalar
    """Describes a level. `native` is the dtype of the levels, if their values alone do not determine it."""
    levels: tuple[JSONScalar, ...]
    ordered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Optional(Standalone):
    """A value that may be `null`; `missing` is what the model is given then."""

    of: Schema
    missing: Missing = Missing.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Either(Standalone):
    """A value of one of several types."""

    of: tuple[Schema, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class List(Standalone):
    """A list of any length, or of exactly `length` items."""

    items: Schema
    length: int | None = None
    form: ListForm = dataclasses.field(default_factory=Collection)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuple(Standalone):
    """A list with a type for each place."""

    items: tuple[Schema, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping(Standalone):
    """An object whose keys are data, not field names."""

    values: Schema
    keys: Scalar = Scalar(type=ScalarType.STRING, native=PythonScalar(PythonType.STR))


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One named part of a record: a column, a key, an argument."""

    name: str
    """The name on the wire: the column's own, as text."""
    attribute: str
    """The name in Python: an identifier, unique in its record."""
    schema: Schema
    dtype: str = ""
    """The dtype of the column, in a table."""
    label: str = ""
    """What the model calls it, as a Python literal, where that is no text: `0`, `('a', 'b')`."""
    required: bool = True
    default: JSONValue = None
    """What an absent field stands for; only where `required` is false."""
    example: JSONValue = None
    """One made-up value, for the API page."""
    evidence: Evidence = dataclasses.field(default_factory=Evidence)
    """Why the field is what it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """An object with known fields."""

    fields: tuple[Field, ...]
    form: RecordForm = dataclasses.field(default_factory=Dict)
    """What the model is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Records that are the rows of a frame: one field per column, under the column's own name."""

    columns: tuple[Field, ...]
    container: Container
    """`Numpy`: an array whose columns have names that the model knows; `Python`: a list of dicts."""
    dtype: str = ""
    """`Numpy`: the dtype of the array."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """Records that are slices of an array: `{"data": [...]}` with the shape after the first axis."""

    shape: tuple[int, ...]
    dtype: str
    items: Schema
    """One number."""
    container: Container
    stacked: bool = True
    """Whether many records are one array; if not, each is an array of its own, in a list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A record or an answer that is no object by itself: `{"data": ...}`, `{"prediction": ...}`."""

    field: Field


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Records that are spread over several arrays, one row of each: `(distances, indices)` of neighbours."""

    items: tuple[Schema, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Records that are the values of one Series."""

    items: Schema
    dtype: str
    container: Container
    label: str = ""
    """The name of the Series, as a Python literal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture(Standalone):
    """An image, base64 on the wire; the model is given a PIL image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserType(Standalone):
    """A class of the user's own, e.g. a pydantic model, dataclass or Enum: it keeps its own rules."""

    module: str
    qualname: str
    kind: ClassKind
    seen: Schema | None = None
    """What its values hold, by the names on the wire; `label` is the attribute where that is another."""
    example: JSONValue = None
    """Made-up JSON that the class takes; `None` where none was found."""


Schema: TypeAlias = Union[  # noqa: UP007
    Scalar,
    Category,
    Optional,
    Either,
    List,
    Tuple,
    Mapping,
    Record,
    Table,
    Tensor,
    Value,
    Parts,
    Column,
    Picture,
    UserType,
]
