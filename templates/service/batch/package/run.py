"""A run over an input: it goes on where an earlier one stopped, and ends with a summary."""

import importlib
import json
import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from batch.answers import ANSWER_FIELDS, FIELDS, REQUIRED
from batch.files import BatchError, Folder
from batch.inputs import open_input
from batch.manifest import Manifest, model_facts
from batch.progress import Shown
from batch.values import FILE, ROW, Task
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
    out = Folder(options.out)
    number, shares = options.share
    name = "manifest.json" if shares == 1 else f"manifest-{number}-of-{shares}.json"
    facts: dict[str, Any] = {
        "input": source.fingerprint(),
        **model_facts(),
        "format": options.format,
        "keep": list(keep),
        "part_rows": options.part_rows,
    }
    manifest = Manifest(out, name, facts)
    manifest.read()
    if not manifest.done and shares == 1 and out.read(name) is None and not out.is_empty():
        raise BatchError(
            f"{options.out} is not empty, and has no manifest of a run. Name another folder."
        )
    earlier = sum(part.scored + part.rejected for part in manifest.done.values())
    start = time.monotonic()
    if not manifest.is_complete:
        if shares == 1:
            for folder in ("answers", "rejected", "."):
                out.remove_unfinished(folder)
        manifest.write()
        _score(options, source, keep, manifest)
        manifest.write(complete=True)
    scored = sum(part.scored for part in manifest.done.values())
    rejected = sum(part.rejected for part in manifest.done.values())
    summary = Summary(scored, rejected, max(time.monotonic() - start, 1e-9), earlier)
    document = {"scored": scored, "rejected": rejected, "seconds": round(summary.seconds, 3)}
    out.write(name.replace("manifest", "summary"), json.dumps(document).encode())
    return summary


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
    if not Folder(options.out).is_empty():
        raise BatchError(f"{options.out} is not empty. Name another folder.")
    keep = _keep(options.keep, source.columns())
    start = time.monotonic()
    scored, rejected = module.run(_absolute(options.source), _absolute(options.out), address, keep)
    return Summary(scored, rejected, time.monotonic() - start, 0)


def _absolute(url: str) -> str:
    return url if "://" in url else os.path.abspath(url)


def _score(options: Options, source: Any, keep: tuple[str, ...], manifest: Manifest) -> None:
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
    if taken := [name for name in keep if name in (ROW, FILE, *ANSWER_FIELDS)]:
        raise BatchError(
            f"The output has a column {_listed(taken)} of its own; --keep cannot add it."
        )
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
