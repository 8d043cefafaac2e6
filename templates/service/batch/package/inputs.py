"""What is scored: files of Parquet, Arrow, CSV and JSON lines, folders of them, a database table.

An input is cut into parts, always in the same way, so that a run that was ended can go on.
"""

import gzip
from collections.abc import Iterator
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem

from batch import csv_lines
from batch.database import Table, is_table
from batch.files import BatchError, file_system, partition_values, reading
from batch.values import Part

FORMATS = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".csv": "csv",
    ".jsonl": "json",
    ".ndjson": "json",
}
BATCH_ROWS = 65_536  # that are scored in one call of the model
BATCH_BYTES = 32 << 20  # or fewer rows, where they are wide
PART_BYTES = 32 << 20  # of text, at most; a part of Parquet is at least one row group
BLOCK = 1 << 20


class File(NamedTuple):
    """One file of the input."""

    path: str
    url: str
    format: str
    size: int
    version: str  # changes with the content
    values: dict[str, str | None]  # of a partitioned dataset: what its folders say


class Files:
    """A file, or all files of a folder."""

    def __init__(self, url: str, part_rows: int) -> None:
        self.url, self.part_rows = url, part_rows
        self._fs, root = file_system(url)
        self.files = list(_files(self._fs, root))
        if not self.files:
            raise BatchError(f"{url} has no file of a known format: {', '.join(FORMATS)}")
        self.total = sum(file.size for file in self.files)
        self.is_folder = self._fs.isdir(root)

    def fingerprint(self) -> list[Any]:
        """Return what changes with the input."""
        return [[file.url, file.size, file.version] for file in self.files]

    def columns(self) -> list[str]:
        """Return the names of the columns of a table; of JSON lines none."""
        return list(self.schema().names)

    def schema(self) -> pa.Schema:
        """Return the columns of the first file with their types; those of CSV are texts."""
        first = self.files[0]
        with reading(first.url):
            schema = self._schema(first)
        texts = [(name, pa.string()) for name in first.values if name not in schema.names]
        return pa.schema([*schema, *texts])

    def _schema(self, first: File) -> pa.Schema:
        if first.format == "json":
            return pa.schema([])
        if first.format == "csv":
            with _open_text(self._fs, first.path) as text:
                names = csv_lines.header(text.readline())
            return pa.schema([(name, pa.string()) for name in names])
        with self._fs.open(first.path, "rb") as file:
            if first.format == "parquet":
                return pq.ParquetFile(file).schema_arrow
            return pa.ipc.open_file(file).schema

    def parts(self) -> Iterator[Part]:
        """Yield the parts of all files, in order."""
        number = 0
        for file in self.files:
            cut = {"parquet": self._row_groups, "arrow": self._record_batches}
            with reading(file.url):
                for part in cut.get(file.format, self._lines)(file, number):
                    yield part
                    number += 1

    def _row_groups(self, file: File, number: int) -> Iterator[Part]:
        with self._fs.open(file.path, "rb") as opened:
            meta = pq.ParquetFile(opened).metadata
        counts = [meta.row_group(group).num_rows for group in range(meta.num_row_groups)]
        yield from _grouped(file, number, counts, self.part_rows)

    def _record_batches(self, file: File, number: int) -> Iterator[Part]:
        with self._fs.open(file.path, "rb") as opened:
            reader = pa.ipc.open_file(opened)
            counts = [reader.get_batch(n).num_rows for n in range(reader.num_record_batches)]
        yield from _grouped(file, number, counts, self.part_rows)

    def _lines(self, file: File, number: int) -> Iterator[Part]:
        row = 0
        with _open_text(self._fs, file.path) as text:
            header = csv_lines.header(text.readline()) if file.format == "csv" else []
            before = 0
            for content, rows in _cut(text, file.format, self.part_rows):
                size = len(content) if not file.path.endswith(".gz") else 0
                yield Part(
                    number=number,
                    source=file.url,
                    format=file.format,
                    first_row=row,
                    rows=rows,
                    size=size + before,
                    content=content,
                    header=tuple(header),
                    values=file.values,
                )
                number, row, before = number + 1, row + rows, 0


def open_input(url: str, part_rows: int) -> Files | Table:
    """Return the input: files, or a table of a database (`postgresql://host/db#table`)."""
    return Table(url, part_rows) if is_table(url) else Files(url, part_rows)


def _files(fs: Any, root: str) -> Iterator[File]:
    if not fs.exists(root):
        raise BatchError(f"There is no {root}.")
    paths = sorted(fs.find(root)) if fs.isdir(root) else [root]
    for path in paths:
        inside = path.removeprefix(root).strip("/").split("/")
        if fs.isdir(root) and any(part.startswith((".", "_")) for part in inside):
            continue  # as Spark and others mark what is no data
        format_ = _format(path)
        if format_ is None:
            raise BatchError(f"{path} has no known format: {', '.join(FORMATS)} (.gz behind text)")
        about = fs.info(path)
        version = next(
            (
                str(about[key])
                for key in ("ETag", "etag", "md5", "mtime", "LastModified")
                if about.get(key)
            ),
            "",
        )
        source = path if isinstance(fs, LocalFileSystem) else fs.unstrip_protocol(path)
        yield File(path, source, format_, int(about["size"]), version, partition_values(root, path))


def _format(path: str) -> str | None:
    name = path.lower()
    found = next((each for suffix, each in FORMATS.items() if name.endswith(suffix)), None)
    if found is None and name.endswith(".gz"):
        found = _format(name.removesuffix(".gz"))
        found = found if found in ("csv", "json") else None
    return found


def _grouped(file: File, number: int, counts: list[int], part_rows: int) -> Iterator[Part]:
    """Yield parts of consecutive row groups with at least `part_rows` rows."""
    first, groups, rows = 0, list[int](), 0
    total = max(1, sum(counts))
    for group, count in enumerate(counts):
        groups.append(group)
        rows += count
        if rows < part_rows and group + 1 < len(counts):
            continue
        yield Part(
            number=number,
            source=file.url,
            format=file.format,
            first_row=first,
            rows=rows,
            size=file.size * rows // total,
            groups=tuple(groups),
            values=file.values,
        )
        number, first, groups, rows = number + 1, first + rows, [], 0


def _open_text(fs: Any, path: str) -> Any:
    file = fs.open(path, "rb")
    return gzip.open(file) if path.lower().endswith(".gz") else file


def _cut(text: Any, format_: str, part_rows: int) -> Iterator[tuple[bytes, int]]:
    """Yield pieces of whole rows, and how many rows each has."""
    ends = csv_lines.row_ends if format_ == "csv" else csv_lines.line_ends
    rows = 0
    blocks: list[bytes] = []
    quotes = csv_lines.Quotes()
    while block := text.read(BLOCK):
        end, count = ends(block, quotes)
        rows += count
        if count and (rows >= part_rows or sum(map(len, blocks)) >= PART_BYTES):
            yield b"".join([*blocks, block[:end]]), rows
            blocks, rows = [block[end:]] if block[end:] else [], 0
        else:
            blocks.append(block)
    last = b"".join(blocks).rstrip(b"\r\n")  # empty lines at the end are no rows
    if last:
        yield last, rows + 1
