"""A row of a table with the fields of requests and answers as columns."""

from __future__ import annotations

from collections.abc import Mapping

from scaffold.spec import JSONValue
from scaffold.traffic._rows import Row, by_name, key_of, moment_of
from scaffold.traffic._source import RowSource

AT = "at"
"""The column with the time of a row."""


class TableSource(RowSource):
    """A table: a column for each field and each prediction, by the names in the baseline."""

    def row_of(self, number: int, values: Mapping[str, JSONValue], key: str) -> Row:
        """Return the request and the answer in a row."""
        columns = by_name(dict(values), "")
        at, named = columns.get(AT), columns.get(key)
        return Row(
            number=number,
            inputs=columns,
            outputs=columns,
            at=None if at is None else moment_of(at),
            key=key_of(named),
        )
