"""A run over an input: it goes on where an earlier one stopped, and ends with a summary."""

import importlib
import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from batch.answers import FIELDS, REQUIRED, output_name
from batch.database import is_table
from batch.files import BatchError, Folder
from batch.inputs import open_input
from batch.manifest import model_facts
from batch.outputs import FolderManifest
from batch.progress import Shown
from batch.values import Task
from batch.workers import score_parts


@dataclass(frozen=True)
class Options:
    """The options of `score`."""

    source: str
    out: str
    format: str
    keep: tuple[str, ...]
    workers: int
    part_rows: int
    share: tuple[int, int]  # of indexed jobs: this one, of how many


@dataclass(frozen=True)
class Summary:
    """What became of the rows."""

    scored: int
    rejected: int
    seconds: float
    earlier: int  # rows that an earlier run had done

    def __str__(self) -> str:
        """Return the lines that are shown."""
        fresh = self.scored + self.rejected - self.earlier
        speed = f"{fresh / self.seconds:,.0f} rows a second" if fresh else "nothing was left to do"
        lines = [f"{self.scored:,} rows scored, {self.rejected:,} rejected; {speed}"]
        if self.earlier:
            lines.append(f"{self.earlier:,} of them were done before")
        return "\n".join(lines)


def run(options: Options) -> Summary:
    """Score an input.

    Raises:
        BatchError: It cannot be read, or the output belongs to another run.
    """
    source = open_input(options.source, options.part_rows)
    keep = _keep(options.keep, source.columns())
    facts: dict[str, Any] = {
        "input": source.fingerprint(),
        **model_facts(),
        "format": options.format,
        "keep": list(keep),
        "part_rows": options.part_rows,
    }
    manifest = _manifest(options, facts, source)
    manifest.read()
    earlier = sum(part.scored + part.rejected for part in manifest.done.values())
    start = time.monotonic()
    if not manifest.is_complete:
        manifest.start()
        _score(options, source, keep, manifest)
        manifest.finish()
    scored = sum(part.scored for part in manifest.done.values())
    rejected = sum(part.rejected for part in manifest.done.values())
    summary = Summary(scored, rejected, max(time.monotonic() - start, 1e-9), earlier)
    seconds = round(summary.seconds, 3)
    manifest.summarize({"scored": scored, "rejected": rejected, "seconds": seconds})
    return summary


def _manifest(options: Options, facts: dict[str, Any], source: Any) -> Any:
    if not is_table(options.out):
        return FolderManifest(options.out, options.share, facts)
    from batch.tables import TableManifest, output_columns

    schema = source.schema()
    kept = pa.schema([schema.field(name) for name in options.keep])
    columns = output_columns(kept, names_files=source.is_folder)
    return TableManifest(options.out, options.share, facts, columns)


def run_on_engine(options: Options, address: str) -> Summary:
    """Score a file or folder of Parquet on an engine.

    Raises:
        BatchError: The project has no file for the engine, or the input is something else.
    """
    engine = address.partition(":")[0]
    try:
        module = importlib.import_module(f"batch.on_{engine}")
    except ModuleNotFoundError as error:
        if error.name != f"batch.on_{engine}":
            raise BatchError(f"{error.name} is not installed.") from None
        raise BatchError(
            f"There is no batch/on_{engine}.py. Add it:\n"
            f"  scaffold update . --answer batch=local,{engine}"
        ) from None
    source = open_input(options.source, options.part_rows)
    if {file.format for file in source.files} != {"parquet"}:
        raise BatchError(f"Engines read Parquet; {options.source} is something else.")
    if is_table(options.out):
        raise BatchError("Engines write Parquet. Name a folder for OUT.")
    if not Folder(options.out).is_empty():
        raise BatchError(f"{options.out} is not empty. Name another folder.")
    keep = _keep(options.keep, source.columns())
    start = time.monotonic()
    try:
        scored, rejected = module.run(
            _absolute(options.source), _absolute(options.out), address, keep
        )
    except Exception as error:
        raise BatchError(f"The run on {address} failed: {error}") from error
    return Summary(scored, rejected, time.monotonic() - start, 0)


def _absolute(url: str) -> str:
    return url if "://" in url else os.path.abspath(url)


def _score(options: Options, source: Any, keep: tuple[str, ...], manifest: Any) -> None:
    number, shares = options.share
    left = (
        part
        for part in source.parts()
        if part.number % shares == number and part.number not in manifest.done
    )
    task = Task(options.out, options.format, keep, source.is_folder)
    size = sum(part.size for part in manifest.done.values())
    with Shown(max(1, source.total // shares), size) as shown:
        for done in score_parts(left, task, options.workers):
            manifest.add(done)
            shown.advance(done.scored + done.rejected, done.rejected, done.size)


def _keep(keep: Sequence[str], columns: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that go to the output.

    Raises:
        BatchError: The columns of the input are not those of the model.
    """
    if not columns:  # JSON lines: each row says what it has
        if keep:
            raise BatchError(
                "--keep is for tables: the rows of JSON lines go to the model as they are."
            )
        return ()
    if absent := [name for name in keep if name not in columns]:
        raise BatchError(f"The input has no column {_listed(absent)}. It has {_listed(columns)}.")
    names = [output_name(name) for name in keep]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise BatchError(f"The output would have the column {_listed(twice)} twice.")
    if not FIELDS:
        return tuple(keep)
    if absent := sorted(name for name in REQUIRED if name not in columns or name in keep):
        raise BatchError(
            f"The input lacks columns that the model takes: {_listed(absent)}.\n"
            f"It has {_listed(columns)}."
        )
    if more := [name for name in columns if name not in FIELDS and name not in keep]:
        raise BatchError(
            f"The input has columns that the model does not take: {_listed(more)}.\n"
            f"Keep them in the output: --keep {','.join([*keep, *more])}"
        )
    return tuple(keep)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(re.sub(r"[^\x20-\x7e\xa0-\U0010ffff]", "?", name) for name in names)
