"""What a source of traffic does: a log, a table, or a server that counts."""

from __future__ import annotations

import contextlib
import glob
import gzip
import io
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from scaffold.errors import TrafficNotFoundError, TrafficUnreadableError
from scaffold.spec import Baseline, JSONValue
from scaffold.traffic._cells import Counts
from scaffold.traffic._rows import Row

STDIN = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The time that is compared; all of it where it has no beginning."""

    begin: datetime | None
    length_s: int | None


class CountSource(ABC):
    """A server that has counted the traffic by the bins of the baseline; it has no rows."""

    default_since = "7d"
    """The time that is compared where none is named."""

    @abstractmethod
    def recognises(self, written: str) -> bool:
        """Whether what was typed names such a source."""

    @abstractmethod
    def count(self, written: str, baseline: Baseline, span: Span, model_sha256: str) -> Counts:
        """Return the counts.

        Args:
            written: What was typed.
            baseline: Of the model.
            span: The time that is compared.
            model_sha256: Of the model; empty for any.

        Raises:
            DriftError: The source cannot be read.
        """


class RowSource(ABC):
    """A file, several, or standard input, with an object for each row."""

    suffixes: Sequence[str] = ()
    default_since = ""
    """The time that is compared where none is named: all of it."""

    def recognises(self, written: str) -> bool:
        """Whether the name of a file has one of the suffixes, a `.gz` behind it left out."""
        return _without_gzip(written).lower().endswith(tuple(self.suffixes))

    @abstractmethod
    def objects(self, path: str) -> Iterator[tuple[int, Mapping[str, JSONValue]]]:
        """Yield the number and the values of each row of a file.

        Raises:
            DriftError: The file cannot be read.
        """

    @abstractmethod
    def row_of(self, number: int, values: Mapping[str, JSONValue], key: str) -> Row | None:
        """Return the request and the answer in a row; None for a row that is neither.

        Args:
            number: Of the row.
            values: Its values.
            key: The name of the value that the labels name a row by.

        Raises:
            ValueError: Its time is none.
        """

    def rows(self, written: str, key: str) -> Iterator[Row]:
        """Yield the rows of all files that were named.

        Args:
            written: What was typed.
            key: The name of the value that the labels name a row by.

        Raises:
            DriftError: They cannot be read.
        """
        for path in paths_of(written):
            for number, values in self.objects(path):
                try:
                    row = self.row_of(number, values, key)
                except ValueError as error:
                    raise TrafficUnreadableError(path, number, str(error)) from error
                if row is not None:
                    yield row


def paths_of(written: str) -> list[str]:
    """Return the files that a path or a pattern names, in the order of their names.

    Raises:
        TrafficNotFoundError: There is none.
    """
    if written == STDIN or Path(written).is_file():
        return [written]
    found = [
        path
        for path in sorted(glob.glob(written, recursive=True))  # noqa: PTH207 - the pattern may be absolute
        if Path(path).is_file()
    ]
    if not found:
        raise TrafficNotFoundError(written)
    return found


@contextlib.contextmanager
def opened(path: str) -> Iterator[io.TextIOBase]:
    """Open a file of text, or standard input; one with `.gz` at the end of its name is unpacked.

    Raises:
        TrafficUnreadableError: It cannot be read, or is no text.
    """
    try:
        if path == STDIN:
            yield sys.stdin  # type: ignore[misc]
            return
        with gzip.open(path, "rb") if path.endswith(".gz") else open(path, "rb") as file:  # noqa: PTH123
            yield io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    except (OSError, EOFError, UnicodeError) as error:
        cause = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise TrafficUnreadableError(path, 0, cause) from error


def _without_gzip(written: str) -> str:
    return written.removesuffix(".gz")
