"""Frames and Series of polars."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from scaffold.errors import UnsupportedSampleError
from scaffold.introspect import _scalars
from scaffold.introspect._types import is_a
from scaffold.introspect.kinds._kind import Describe
from scaffold.introspect.kinds._tables import FrameKind
from scaffold.spec import (
    Category,
    Element,
    List,
    Optional,
    Polars,
    Record,
    Scalar,
    ScalarType,
    Schema,
    Table,
)


class PolarsKind(FrameKind):
    """polars."""

    frames = ("polars.DataFrame",)
    series = ("polars.Series",)

    def column(self, frame: Any, position: int) -> tuple[Any, list[Any]]:
        """Return a column."""
        column = frame.to_series(position)
        return column, column.drop_nulls().to_list()

    def of_column(self, column: Any, path: str, describe: Describe) -> tuple[Schema, str]:
        """Return the schema of a Series, and its dtype as polars writes it."""
        dtype, name = column.dtype, repr(column.dtype)
        base = name.partition("(")[0]
        element = Element(name, Polars())
        temporal = {
            "Datetime": (
                ScalarType.AWARE_DATETIME if getattr(dtype, "time_zone", None) else ScalarType.DATETIME
            ),
            "Date": ScalarType.DATE,
            "Time": ScalarType.TIME,
            "Duration": ScalarType.DURATION,
            "Decimal": ScalarType.DECIMAL,
            "Binary": ScalarType.BYTES,
            "Categorical": ScalarType.STRING,
        }
        scalar = _scalars.of_dtype(base.lower(), Polars())
        if scalar is not None:
            schema: Schema = replace(scalar, native=element)
        elif base == "Enum":
            of = Scalar(type=ScalarType.STRING, native=Element("String", Polars()))
            schema = Category(of=of, levels=tuple(dtype.categories.to_list()), ordered=True)
        elif base in temporal:
            schema = _scalars.temporal(temporal[base], element)
        elif base in ("List", "Array", "Struct"):
            values = column.drop_nulls().to_list()
            schema = _with_bounds(
                describe([(f"{path}[{i}]", value) for i, value in enumerate(values)]), dtype
            )
        else:
            raise UnsupportedSampleError(path, f"a polars column of {name} is not JSON")
        missing = column.null_count() or (base.startswith("Float") and column.is_nan().any())
        return (Optional(of=schema) if missing else schema), name

    def count(self, value: Any) -> int | None:
        """Return the rows of a frame, the values of a Series."""
        return len(value)

    def record(self, value: Any, i: int) -> Any:
        """Return a row of a frame as a dict, or a value of a Series."""
        return value.row(i, named=True) if is_a(value, *self.frames) else value[i]

    def with_integer_moments(self, value: Any) -> object:
        """Return the container, with datetimes and durations of nanosecond resolution as integers.

        polars converts them to Python's datetimes, which have microsecond resolution.
        """
        if is_a(value, *self.series):
            return value.to_physical() if _scalars.has_nanoseconds(repr(value.dtype)) else value
        fine = [name for name, dtype in value.schema.items() if _scalars.has_nanoseconds(repr(dtype))]
        return value.with_columns(value[name].to_physical() for name in fine)

    def rows(self, value: Any, schema: Schema) -> list[object]:
        """Return the rows of a frame as dicts, or the values of a Series."""
        return list(value.iter_rows(named=True)) if isinstance(schema, Table) else list(value)

    def to_lists(self, value: Any) -> Any:
        """Return the values of a Series."""
        return value.to_list()

    def check_answer(self, answer: Any) -> None:
        """Refuse nanoseconds: polars converts to Python's datetimes, which have microsecond resolution."""
        for column in answer.get_columns() if is_a(answer, *self.frames) else [answer]:
            if not _scalars.has_nanoseconds(repr(column.dtype)):
                continue
            if any(count % 1000 for count in column.drop_nulls().to_physical().to_list()):
                raise UnsupportedSampleError(
                    f"$.{column.name}",
                    "a polars column of nanoseconds, whose values in Python have six digits of a second",
                    'Have the model answer with text, or with six digits: column.dt.cast_time_unit("us")',
                )


def _with_bounds(schema: Schema, dtype: Any) -> Schema:
    """Add the bounds of the dtype to nested numbers: polars raises beyond them."""
    match schema:
        case Optional(of=inner):
            return replace(schema, of=_with_bounds(inner, dtype))
        case List(items=items):
            return replace(schema, items=_with_bounds(items, dtype.inner))
        case Record(fields=fields):
            dtypes = {field.name: field.dtype for field in dtype.fields}
            inner_fields = [
                replace(field, schema=_with_bounds(field.schema, dtypes[field.name])) for field in fields
            ]
            return replace(schema, fields=tuple(inner_fields))
        case Scalar(type=ScalarType.INTEGER | ScalarType.NUMBER, maximum=None):
            of = _scalars.of_dtype(repr(dtype).lower(), Polars())
            return schema if of is None else replace(schema, minimum=of.minimum, maximum=of.maximum)
        case _:
            return schema
