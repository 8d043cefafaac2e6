"""The values that the modules of `batch` hand to each other."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import pyarrow as pa


@dataclass(frozen=True)
class Part:
    """A piece of the input that is scored and written as a whole."""

    number: int
    source: str
    format: str
    first_row: int
    rows: int
    size: int  # its share of the input, in bytes or rows: for the progress
    groups: tuple[int, ...] = ()  # row groups of Parquet, record batches of Arrow
    content: bytes = b""  # lines of text, or an Arrow stream
    header: tuple[str, ...] = ()
    values: dict[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Task:
    """How parts are scored and written."""

    out: str  # a folder, or a table of a database
    format: str
    keep: tuple[str, ...]  # columns that go from the input to the output
    names_files: bool


@dataclass(frozen=True)
class Done:
    """What became of a part."""

    number: int
    scored: int
    rejected: int
    size: int


class Rejected(NamedTuple):
    """A row that is not scored."""

    row: int
    field: str
    reason: str


class Scored(NamedTuple):
    """A batch of rows, scored."""

    rows: Sequence[int]  # the place in the batch of each answer
    answers: pa.RecordBatch
    rejected: Sequence[Rejected]


class Output(Protocol):
    """Where the parts of a run are written."""

    def write(self, part: Part, answers: pa.Table, rejected: Sequence[Rejected]) -> Done:
        """Write a part as a whole."""
