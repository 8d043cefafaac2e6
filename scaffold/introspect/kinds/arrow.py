"""Tables of pyarrow."""

from __future__ import annotations

import dataclasses
from typing import Any

from scaffold.errors import UnsupportedSampleError
from scaffold.introspect import _scalars
from scaffold.introspect.kinds._kind import Describe
from scaffold.introspect.kinds._tables import FrameKind
from scaffold.spec import Arrow, Element, Optional, Scalar, ScalarType, Schema, Table

_NUMPY = {"float": "float32", "halffloat": "float16", "double": "float64"}
_TEXTS = ("string", "large_string", "string_view")


class ArrowKind(FrameKind):
    """pyarrow."""

    frames = ("pyarrow.Table",)

    def labels(self, frame: Any) -> list[object]:
        """Return the names of the columns."""
        return list(frame.column_names)

    def column(self, frame: Any, position: int) -> tuple[Any, list[Any]]:
        """Return a column."""
        column = frame.column(position)
        return column, column.drop_null().to_pylist()

    def of_column(self, column: Any, path: str, describe: Describe) -> tuple[Schema, str]:
        """Return the schema of a column, and its type."""
        schema, name = of_arrow_type(column.type, path)
        return (Optional(of=schema) if column.null_count else schema), name

    def count(self, value: Any) -> int | None:
        """Return the rows of a table."""
        return len(value)

    def take(self, value: Any, indices: list[int]) -> object:
        """Return rows."""
        return value.take(indices)

    def record(self, value: Any, i: int) -> Any:
        """Return a row as a dict."""
        return value.slice(i, 1).to_pylist()[0]

    def rows(self, value: Any, schema: Schema) -> list[object]:
        """Return the rows as dicts."""
        return list(value.to_pylist()) if isinstance(schema, Table) else list(value)


def of_arrow_type(type_: object, path: str) -> tuple[Schema, str]:
    """Return the schema for an Arrow type without nulls, and its name."""
    name = str(type_)
    element = Element(name, Arrow())
    scalar = _scalars.of_dtype("str" if name in _TEXTS else _NUMPY.get(name, name), Arrow())
    if scalar is not None:
        return dataclasses.replace(scalar, native=element), name
    if name.startswith("dictionary<values=string"):
        return Scalar(type=ScalarType.STRING, native=element), name
    for start, scalar_type in (
        ("timestamp", ScalarType.AWARE_DATETIME if "tz=" in name else ScalarType.DATETIME),
        ("date", ScalarType.DATE),
        ("time", ScalarType.TIME),
        ("duration", ScalarType.DURATION),
        ("decimal", ScalarType.DECIMAL),
        ("large_binary", ScalarType.BYTES),
        ("binary", ScalarType.BYTES),
    ):
        if name.startswith(start):
            return _scalars.temporal(scalar_type, element), name
    raise UnsupportedSampleError(path, f"a column of Arrow type {name} is not JSON")
