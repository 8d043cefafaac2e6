"""The function `_plain` of `convert.py`, which converts objects and arrays to plain values."""

from __future__ import annotations

from collections.abc import Iterator

from typing_extensions import assert_never

from scaffold.render._code import Imports
from scaffold.render.kinds import MISSING, Kind, Line, kind_of
from scaffold.spec import (
    Category,
    Collection,
    Column,
    Container,
    Either,
    Element,
    Interval,
    List,
    Mapping,
    Missing,
    Moment,
    Native,
    Numpy,
    NumpyScalar,
    NumpyTime,
    OpenedFrame,
    OpenedSeries,
    Optional,
    Pandas,
    Parts,
    Period,
    Picture,
    Pillow,
    Python,
    PythonScalar,
    Record,
    Scalar,
    Schema,
    Series,
    SeriesRow,
    Structured,
    Table,
    Tensor,
    TextOf,
    Timedelta,
    Timestamp,
    Tuple,
    UserType,
    Value,
    Void,
    children,
)


def plain_function(schema: Schema, imports: Imports) -> str:
    """Return `_plain` with a statement for each type of value in the model's recorded answers."""
    lines = sorted(set(_lines(schema)), key=lambda line: line.place)
    imports.take("collections.abc", "Mapping", "Sequence", "Set")
    imports.take("typing", "Any")
    for line in lines:
        line.take(imports)
    return "\n".join(
        [
            "def _plain(value: Any) -> Any:",
            '    """Return `value` with all objects and arrays in it as plain dicts and lists."""',
            *(line.text for line in lines),
            '    if hasattr(value, "tolist"):  # an array, or a number of numpy',
            "        value = value.tolist()",
            "    if isinstance(value, Mapping):",
            "        return {str(key): _plain(item) for key, item in value.items()}",
            "    if isinstance(value, Sequence | Set) and not isinstance(value, str | bytes):",
            "        return [_plain(item) for item in value]",
            "    return value",
        ]
    )


def _lines(schema: Schema) -> Iterator[Line]:
    """Yield the statements for a schema and the schemas within it."""
    if isinstance(schema, Scalar):
        yield from kind_of(_container_of(schema.native)).scalar_lines(schema)
        yield from kind_of(Python()).scalar_lines(schema)
    if isinstance(schema, Optional) and schema.missing in (Missing.NA, Missing.NAT):
        yield MISSING
    kind = _kind_of(schema)
    if kind is not None:
        yield from kind.lines(schema)
    for inner in children(schema):
        yield from _lines(inner)


def _kind_of(schema: Schema) -> Kind | None:
    """Return the library whose object an answer is, `None` where a Python of ours holds it."""
    match schema:
        case List(items=Table(container=container)):
            return kind_of(container)
        case Table(container=container) | Column(container=container) | Tensor(container=container):
            return kind_of(container)
        case List(form=Series(container=container)):
            return kind_of(container)
        case Record(form=OpenedFrame(container=container) | OpenedSeries(container=container)):
            return kind_of(container)
        case Record(form=SeriesRow()):
            return kind_of(Pandas())
        case Record(form=Void()):
            return kind_of(Structured())
        case List(form=Collection()) | UserType():
            return kind_of(Python())
        case Picture():
            return kind_of(Pillow())
        case List() | Record() | Scalar() | Category() | Optional() | Either() | Tuple() | Mapping():
            return None
        case Value() | Parts():
            return None
        case _:
            assert_never(schema)


def _container_of(native: Native | None) -> Container:
    """Return the library that a value is of."""
    match native:
        case None | PythonScalar() | Moment():
            return Python()
        case NumpyScalar() | NumpyTime():
            return Numpy()
        case Timestamp() | Timedelta() | Period() | Interval() | TextOf():
            return Pandas()
        case Element(container=container):
            return container
        case _:
            assert_never(native)
