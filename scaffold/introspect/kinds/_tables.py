"""The common behaviour of frames of all libraries."""

from __future__ import annotations

from typing import Any

from scaffold.introspect import _scalars
from scaffold.introspect._names import attributes
from scaffold.introspect._types import is_a
from scaffold.introspect.kinds._kind import Describe, Describer, Kind, PathValues
from scaffold.introspect.kinds._records import column_field, either, literal, refuse_duplicates
from scaffold.spec import Column, Field, List, Missing, Optional, Schema, Series, Table


class FrameKind(Kind):
    """A library of frames, and of Series that are their columns."""

    def labels(self, frame: Any) -> list[object]:
        """Return the labels of the columns."""
        return list(frame.columns)

    def column(self, frame: object, position: int) -> tuple[Any, list[Any]]:
        """Return a column of a frame, and its values that are not missing."""
        raise NotImplementedError

    def of_column(self, column: object, path: str, describe: Describe) -> tuple[Schema, str]:
        """Return the schema of one value of a column, and the dtype of the column.

        Args:
            column: A column of a frame, in its own library.
            path: Its path in the sample: `$.price`.
            describe: Describes nested values.

        Raises:
            UnsupportedSampleError: JSON cannot represent a value, or the values are of several types.
        """
        raise NotImplementedError

    def describe_table(self, frame: object, describe: Describe, path: str = "$") -> Table:
        """Return the records of a frame: one field per column.

        Raises:
            UnsupportedSampleError: No columns, two of one name, or a column that JSON cannot represent.
        """
        labels = self.labels(frame)
        names = [str(label) for label in labels]
        refuse_duplicates(names)

        def field(position: int, name: str, attribute: str, label: object) -> Field:
            column, values = self.column(frame, position)
            schema, dtype = self.of_column(column, f"{path}.{name}", describe)
            if isinstance(schema, Optional) and schema.missing is Missing.NAN:
                values = [value for value in values if not _scalars.is_nan(value)]
            written = "" if isinstance(label, str) else literal(label, "$")
            return column_field(name, attribute, schema, dtype, values, len(column), written)

        places = enumerate(zip(names, attributes(names), labels, strict=True))
        return Table(
            columns=tuple(field(position, *place) for position, place in places), container=self.container
        )

    def describer(self, path: str, value: object) -> Describer:
        """Return the function that describes frames, or Series."""
        return self._frames if is_a(value, *self.frames) else self._series

    def row(self, value: object, describe: Describe) -> Table | Column:
        """Return a row of a frame, or a value of a Series."""
        if is_a(value, *self.frames):
            return self.describe_table(value, describe)
        return self.describe_values(value, describe)

    def describe_values(self, series: Any, describe: Describe) -> Column:
        """Return the records of a Series that is one column."""
        schema, dtype = self.of_column(series, "$", describe)
        return Column(items=schema, dtype=dtype, container=self.container, label=literal(series.name, "$"))

    def _frames(self, pairs: PathValues, describe: Describe) -> Schema:
        """Return lists of rows; frames with different columns are alternatives of a union."""
        tables = dict.fromkeys(self.describe_table(value, describe, path) for path, value in pairs)
        return either([List(items=table) for table in tables])

    def _series(self, pairs: PathValues, describe: Describe) -> Schema:
        """Return lists of values."""
        values = [(f"{path}[{i}]", v) for path, series in pairs for i, v in enumerate(self.to_lists(series))]
        return List(items=describe(values), form=Series(self.container, str(pairs[0][1].dtype)))
