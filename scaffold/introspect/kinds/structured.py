"""Arrays of numpy with named fields."""

from __future__ import annotations

import dataclasses
from typing import Any

from scaffold.introspect import _scalars
from scaffold.introspect._names import attributes
from scaffold.introspect._types import is_a
from scaffold.introspect.kinds._kind import Describe, Describer, PathValues, plain
from scaffold.introspect.kinds._records import column_field, describe_mappings, either
from scaffold.introspect.kinds.numpy import NumpyKind
from scaffold.spec import Element, Field, List, Numpy, Scalar, ScalarType, Schema, Structured, Table, Void

_FIELDS = NumpyKind(Numpy())


class StructuredKind(NumpyKind):
    """numpy, with named fields."""

    arrays = ()

    def claims(self, value: object) -> bool:
        """Whether `value` is an array with named fields, or an element of one."""
        return is_structured(value)

    def describer(self, path: str, value: Any) -> Describer:
        """Return the function that describes arrays of records, or elements."""
        by_rank = {0: self._elements, 1: self._tables}
        return by_rank.get(len(value.shape), self._arrays)

    def row(self, value: object, describe: Describe) -> Table:
        """Return the schema of a record: one field for each field of the array."""
        return self.describe_table(value, describe)

    def describe_table(self, value: Any, describe: Describe) -> Table:
        """Return the records of an array of one axis."""
        names = list(value.dtype.names)
        columns = (
            self._column(value, name, attribute, describe)
            for name, attribute in zip(names, attributes(names), strict=True)
        )
        return Table(columns=tuple(columns), container=self.container)

    def _column(self, value: Any, name: str, attribute: str, describe: Describe) -> Field:
        part = value[name]
        inner = _FIELDS.stacked(part, describe, f"$.{name}")
        schema: Schema = inner if inner.shape else inner.items
        base = value.dtype[name].base
        dtype = base.str if base.kind in "US" else str(base)
        if base.kind == "U" and not inner.shape:
            # numpy would silently truncate a longer text.
            text = Element(dtype, Structured())
            schema = Scalar(type=ScalarType.STRING, native=text, max_length=base.itemsize // 4)
        values = [v for v in part.reshape(-1).tolist() if _scalars.missing_marker(v) is None]
        return column_field(name, attribute, schema, dtype, values, part.size)

    def _tables(self, pairs: PathValues, describe: Describe) -> Schema:
        tables = dict.fromkeys(self.describe_table(value, describe) for _, value in pairs)
        return either([List(items=table) for table in tables])

    def _elements(self, pairs: PathValues, describe: Describe) -> Schema:
        as_dicts = [(path, dict(zip(value.dtype.names, value, strict=True))) for path, value in pairs]
        return dataclasses.replace(describe_mappings(as_dicts, describe), form=Void())

    def record(self, value: Any, i: int) -> Any:
        """Return an element as a dict."""
        return {name: plain(value[name][i]) for name in value.dtype.names}

    def rows(self, value: Any, schema: Schema) -> list[object]:
        """Return the elements as dicts."""
        if not isinstance(schema, Table):
            return list(value)
        return [{c.name: row[c.name] for c in schema.columns} for row in value]


def is_structured(value: object) -> bool:
    """Whether `value` is a numpy array with named fields, or an element of one."""
    return is_a(value, "numpy.ndarray", "numpy.void") and value.dtype.names is not None  # type: ignore[attr-defined]
