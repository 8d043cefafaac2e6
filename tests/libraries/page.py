"""The table of the model libraries, and the page of the documentation that holds it."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence

from tests.libraries.environments import REPOSITORY
from tests.libraries.running import Result

DOCUMENT = REPOSITORY / "docs" / "libraries.md"
_HEADINGS = ("library", "version", "model", "options", "`new`, s", "CPU s", "`verify`, s", "CPU s", "")
_INTRODUCTION = """\
# Model libraries

Each row is a fitted model of `tests/libraries/models`. A script trains the model and writes it to files with
its samples; then the command line makes a service of them, without `--trust`. *new* is the command
`scaffold new --no-verify`, in elapsed seconds and in CPU seconds of its processes. *verify* is
`scaffold verify`, the proof in a clean environment, if it was run; after it, the service was started and
answered a request.

`pytest -m libraries` runs `scaffold new --no-verify` for each model, also in `.ci/run`.
`python -m tests.libraries --write` writes this page from the last run of
`python -m tests.libraries [--proof]` for each model.
"""


def write_document(results: Sequence[Result]) -> None:
    """Write the page of the documentation that holds the table."""
    load = f"{os.cpu_count()} cores with a load average of {os.getloadavg()[2]:.0f}"
    measured = f"Python {platform.python_version()}, {load}: the CPU seconds are what the command needs."
    DOCUMENT.write_text(f"{_INTRODUCTION}\n{measured}\n\n{table(results)}\n", encoding="utf-8")


def table(results: Sequence[Result]) -> str:
    """A Markdown table with a row for each result."""
    rows: list[tuple[str, ...]] = [
        _HEADINGS,
        ("---", "---", "---", "---", "---:", "---:", "---:", "---:", "---"),
    ]
    for each in results:
        outcome = each.failure.strip().splitlines()[-1][:100] if each.failure else "passes"
        options = f"`{each.options}`" if each.options else ""
        seconds = [f"{s.wall:.1f} | {s.cpu:.1f}" if s else " | " for s in (each.new, each.proof)]
        rows.append((each.library, each.version, f"`{each.name}`", options, *seconds, outcome))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def compiled_table(results: Sequence[Result]) -> str:
    """A Markdown table of what `new --accelerate` makes of each model, and a line for each reason why not."""
    rows = [
        "| library | version | model | compiled in | times as fast: one row | 64 rows | proven on |",
        "| --- | --- | --- | --- | ---: | ---: | --- |",
    ]
    reasons: dict[str, list[str]] = {}
    for each in results:
        label = f"{each.library} {each.version} (`{each.name}`)"
        way = each.note.partition(" is kept (")[0]
        speed = re.search(rf"{way}: (\S+) times as fast as the model for one row, (\S+) times for", each.note)
        if each.failure or not each.proven or not speed:
            reason = each.failure.strip() or each.note.partition("; the model is called")[0]
            reasons.setdefault(reason, []).append(label)
        else:
            cells = (each.library, each.version, f"`{each.name}`", way, *speed.groups(), each.proven)
            rows.append(f"| {' | '.join(cells)} |")
    return "\n".join([*rows, "", *(f"- {', '.join(names)}: {reason}" for reason, names in reasons.items())])
