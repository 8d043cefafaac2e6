"""A table as CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping

from scaffold.errors import TrafficUnreadableError
from scaffold.spec import JSONValue
from scaffold.traffic._source import opened
from scaffold.traffic._tables import TableSource

_MISSING = {"", "nan", "NaN", "null"}


class CSV(TableSource):
    """The first row has the names of the columns; an empty cell is a missing value."""

    suffixes = (".csv",)

    def objects(self, path: str) -> Iterator[tuple[int, Mapping[str, JSONValue]]]:
        """Yield the rows of a file, their values as text."""
        with opened(path) as file:
            reader = csv.DictReader(file)
            try:
                for values in reader:
                    if None in values or None in values.values():
                        raise TrafficUnreadableError(
                            path, reader.line_num, "has another number of cells than the first row"
                        )
                    yield (
                        reader.line_num,
                        {name: None if text in _MISSING else text for name, text in values.items()},
                    )
            except csv.Error as error:
                raise TrafficUnreadableError(path, reader.line_num, str(error)) from error
