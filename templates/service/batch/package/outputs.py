"""A folder that gets the answers as files, and which of its parts are done."""

import io
import json
import time
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from batch.answers import FILE, ROW
from batch.files import BatchError, Folder
from batch.manifest import require_same
from batch.values import Done, Part, Rejected, Task

SUFFIXES = {"parquet": "parquet", "csv": "csv", "json": "jsonl", "arrow": "arrow"}
WRITE_S = 2.0  # between two versions of the manifest


class FolderOutput:
    """Writes the parts of a run, in each process that scores."""

    def __init__(self, task: Task) -> None:
        self._task, self._out = task, Folder(task.out)

    def write(self, part: Part, answers: pa.Table, rejected: Sequence[Rejected]) -> Done:
        """Write a part. Its answers come last: a part that has them is done."""
        lines = [_line(part, self._task, each) for each in rejected]
        self._out.write(f"rejected/part-{part.number:06d}.jsonl", b"".join(lines))
        format_ = self._task.format
        name = f"answers/part-{part.number:06d}.{SUFFIXES[format_]}"
        self._out.write(name, _encode(answers, format_))
        return Done(part.number, answers.num_rows, len(rejected), part.size)


class FolderManifest:
    """The file `manifest.json` of a folder, or `manifest-2-of-8.json` of a share of it.

    It may be older than the parts: a part that is done and not in it is scored again and written
    over, with the same rows.
    """

    def __init__(self, url: str, share: tuple[int, int], facts: dict[str, Any]) -> None:
        number, shares = share
        self._is_whole = shares == 1
        self._name = "manifest.json" if self._is_whole else f"manifest-{number}-of-{shares}.json"
        self._out = Folder(url)
        self._facts = json.loads(json.dumps(facts))
        self.done: dict[int, Done] = {}
        self.is_complete = False
        self._written = 0.0

    def read(self) -> None:
        """Read what an earlier run wrote, if there is something, and what other shares wrote.

        Raises:
            BatchError: One of them had another input, model or option, or there are other files.
        """
        names = self._out.names("manifest*.json")
        for name in names:
            before = json.loads(self._out.read(name) or b"{}")
            require_same(self._out.url, before.get("facts", self._facts), self._facts)
            if name == self._name and before:
                self.done = {number: Done(number, *counts) for number, *counts in before["done"]}
                self.is_complete = before["complete"]
        if self._is_whole and self._name not in names and not self._out.is_empty():
            raise BatchError(
                f"{self._out.url} is not empty, and has no manifest of a run. Name another folder."
            )

    def start(self) -> None:
        """Write the first version.

        Raises:
            BatchError: It cannot be written, or another run writes to the folder.
        """
        self._out.lock(alone=self._is_whole)
        if self._is_whole:
            for folder in ("answers", "rejected", "."):
                self._out.remove_unfinished(folder)
        self._write()

    def add(self, part: Done) -> None:
        """Note a part that is done."""
        self.done[part.number] = part
        if time.monotonic() - self._written > WRITE_S:
            self._write()

    def finish(self) -> None:
        """Note that all parts are done."""
        self.is_complete = True
        self._write()

    def summarize(self, summary: dict[str, Any]) -> None:
        """Write the summary beside the manifest."""
        self._out.write(self._name.replace("manifest", "summary", 1), json.dumps(summary).encode())

    def _write(self) -> None:
        done = [
            [part.number, part.scored, part.rejected, part.size]
            for _, part in sorted(self.done.items())
        ]
        document = {"facts": self._facts, "complete": self.is_complete, "done": done}
        self._out.write(self._name, json.dumps(document).encode())
        self._written = time.monotonic()


def _line(part: Part, task: Task, rejected: Rejected) -> bytes:
    where = {FILE: part.source} if task.names_files else {}
    place = {ROW: rejected.row + part.first_row, "field": rejected.field, "reason": rejected.reason}
    return json.dumps({**where, **place}, ensure_ascii=False).encode() + b"\n"


def _encode(table: pa.Table, format_: str) -> bytes:
    sink = io.BytesIO()
    if format_ == "parquet":
        pq.write_table(table, sink)
    elif format_ == "arrow":
        with pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
    elif format_ == "csv":
        pyarrow.csv.write_csv(_flat(table), sink)
    else:
        for row in table.to_pylist():
            sink.write(json.dumps(row, ensure_ascii=False, default=str).encode() + b"\n")
    return sink.getvalue()


def _flat(table: pa.Table) -> pa.Table:
    """Return the table with JSON in the place of lists and objects, which CSV does not have."""
    for place, field in enumerate(table.schema):
        if pa.types.is_nested(field.type):
            texts = [json.dumps(value) for value in table.column(place).to_pylist()]
            table = table.set_column(place, field.name, pa.array(texts, pa.string()))
    return table
