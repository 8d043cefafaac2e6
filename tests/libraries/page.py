"""The table of the model libraries, and the page of the documentation that holds it."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Sequence

from tests.libraries.environments import REPOSITORY
from tests.libraries.running import Result

DOCUMENT = REPOSITORY / "docs" / "libraries.md"
_HEADINGS = ("library", "version", "model", "options", "`new --no-verify`, s", "`verify`, s", "")
_INTRODUCTION = """\
# Model libraries

Each row is a fitted model of `tests/libraries/models`. Its script trains the model and writes it with samples to
files; then the command line makes a service of them, without `--trust`. The first number is the whole command
`scaffold new --no-verify` in seconds. The second is `scaffold verify`, the proof in a clean environment; after
the proof the service was started and answered a request.

`python -m tests.libraries --proof --write` writes this page. `pytest -m libraries` takes the models through
`scaffold new --no-verify`, and `.ci/run` runs it.
"""


def write_document(results: Sequence[Result]) -> None:
    """Write the page of the documentation that holds the table."""
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores"
    DOCUMENT.write_text(f"{_INTRODUCTION}\nMeasured on {machine}.\n\n{table(results)}\n", encoding="utf-8")


def table(results: Sequence[Result]) -> str:
    """A Markdown table with a row for each result."""
    rows = [_HEADINGS, ("---", "---", "---", "---", "---:", "---:", "---")]
    for each in results:
        outcome = each.failure.strip().splitlines()[-1][:100] if each.failure else "passes"
        options = f"`{each.options}`" if each.options else ""
        seconds = ["" if math.isnan(value) else f"{value:.1f}" for value in (each.new_s, each.proof_s)]
        rows.append((each.library, each.version, f"`{each.name}`", options, *seconds, outcome))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
