"""CSV and JSON lines: where their rows end, and the columns of CSV."""

import contextlib
import csv
import io
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from batch.answers import FIELDS, PLAIN
from batch.files import BatchError
from batch.values import Rejected

NO_TEXTS = (PLAIN["boolean"], PLAIN["integer"], PLAIN["number"], pa.uint64())
OPENING = (b",", b"\n", b"\r", b'"')  # a quote behind another byte is part of the text: 5" pipe


class Quotes:
    """Whether a place in a CSV file is inside of quotes, and the byte before it."""

    def __init__(self) -> None:
        self.is_inside = False
        self.before = b"\n"

    def step(self) -> None:
        """Pass a quote."""
        if self.is_inside:
            self.is_inside, self.before = False, b'"'
        else:
            self.is_inside, self.before = self.before in OPENING, b""


def row_ends(block: bytes, quotes: Quotes) -> tuple[int, int]:
    """Return where the last whole row of a CSV block ends, and how many rows end in the block."""
    if b'"' not in block and not quotes.is_inside:
        quotes.before = block[-1:]
        return line_ends(block, quotes)
    end, count, place = 0, 0, 0
    for number, piece in enumerate(block.split(b'"')):
        if number:
            quotes.step()
        quotes.before = piece[-1:] or quotes.before
        if not quotes.is_inside and (lines := piece.count(b"\n")):
            count += lines
            end = place + piece.rindex(b"\n") + 1
        place += len(piece) + 1
    return end, count


def line_ends(block: bytes, _: Quotes) -> tuple[int, int]:
    """Return the same for a block of lines."""
    return block.rfind(b"\n") + 1, block.count(b"\n")


def header(line: bytes) -> list[str]:
    """Return the names in the first line of a CSV file.

    Raises:
        BatchError: There are no names, or a name stands there twice.
    """
    try:
        names = next(csv.reader(io.StringIO(line.decode("utf-8-sig"))), [])
    except csv.Error as error:
        raise BatchError(f"The first line of the CSV file has no names: {error}") from None
    if not names:
        raise BatchError("The first line of the CSV file has no names: it is empty.")
    if twice := {name for name in names if names.count(name) > 1}:
        raise BatchError(f"The first line of the CSV file names {', '.join(sorted(twice))} twice.")
    return names


def read_csv(content: bytes, names: Sequence[str]) -> tuple[pa.Table, list[int], list[Rejected]]:
    """Return the rows with the types of their fields, the place of each, and the unfit rows.

    An empty cell without quotes is a missing value; one with quotes is where no text is expected.
    """
    rejected: list[Rejected] = []

    def reject(row: pyarrow.csv.InvalidRow) -> str:
        reason = f"the row has {row.actual_columns} columns, not {row.expected_columns}"
        rejected.append(Rejected(row.number - 1, "", reason))
        return "skip"

    table = pyarrow.csv.read_csv(
        io.BytesIO(content),
        pyarrow.csv.ReadOptions(column_names=names, use_threads=False, block_size=len(content) + 1),
        pyarrow.csv.ParseOptions(
            newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=reject
        ),
        pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    skipped = {each.row for each in rejected}
    rows = [row for row in range(table.num_rows + len(skipped)) if row not in skipped]
    return _typed(table, rows, rejected)


def _typed(
    table: pa.Table, rows: list[int], rejected: list[Rejected]
) -> tuple[pa.Table, list[int], list[Rejected]]:
    columns = {}
    wrong: dict[int, Rejected] = {}
    for name in table.column_names:
        column = table.column(name).combine_chunks()
        typed = typed_column(name, column)
        if typed is None:
            for place, value in enumerate(column):
                if typed_column(name, pa.array([value.as_py()], pa.string())) is None:
                    wrong.setdefault(place, Rejected(rows[place], name, _reason(FIELDS[name])))
        columns[name] = column if typed is None else typed
    table = pa.table(columns)
    if not wrong:
        return table, rows, rejected
    keep = [place for place in range(len(rows)) if place not in wrong]
    kept = table.take(pa.array(keep, pa.int64()))
    return _typed(kept, [rows[place] for place in keep], [*rejected, *wrong.values()])


def typed_column(name: str, column: pa.Array) -> pa.Array | None:
    """Return a column of texts with the type of its field; None if a text is no such value."""
    kind = FIELDS.get(name)
    if kind in NO_TEXTS and pa.types.is_string(column.type):
        column = pc.if_else(pc.equal(column, ""), None, column)
    if kind is not None and pa.types.is_integer(kind):
        for each in (kind, pa.uint64(), pa.float64()):  # pandas writes 3.0 beside a missing value
            with contextlib.suppress(pa.ArrowInvalid):
                typed = column.cast(each)
                is_exact = (
                    each != pa.float64() or not pc.any(pc.greater(pc.abs(typed), 2**53)).as_py()
                )
                return typed if is_exact else None
        return None
    if kind not in (PLAIN["number"], PLAIN["boolean"]):
        return column
    with contextlib.suppress(pa.ArrowInvalid):
        return column.cast(kind)
    return None


def _reason(kind: pa.DataType) -> str:
    """Return what pydantic says of a text that is no such value."""
    word = next((word for word, each in PLAIN.items() if each == kind), "integer")
    return f"Input should be a valid {word}, unable to parse the text"
