"""A table as Parquet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.errors import MissingExtraError, TrafficUnreadableError
from scaffold.spec import JSONValue
from scaffold.traffic._tables import TableSource

_ROWS_AT_ONCE = 8192


class Parquet(TableSource):
    """A column for each field; nested columns by dotted names."""

    suffixes = (".parquet", ".pq")

    def objects(self, path: str) -> Iterator[tuple[int, Mapping[str, JSONValue]]]:
        """Yield the rows of a file, some thousand of which are in memory."""
        arrow, parquet = _pyarrow()
        try:
            number = 0
            with parquet.ParquetFile(path) as file:
                for batch in file.iter_batches(_ROWS_AT_ONCE):
                    for values in batch.to_pylist():
                        number += 1
                        yield number, values
        except (arrow.ArrowException, OSError) as error:
            raise TrafficUnreadableError(path, 0, str(error)) from error


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError("drift", "pyarrow") from error
    return pyarrow, pyarrow.parquet
