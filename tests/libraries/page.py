"""The table of the model libraries, and the page of the documentation that holds it."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence

from tests.libraries.environments import REPOSITORY
from tests.libraries.running import Result

DOCUMENT = REPOSITORY / "docs" / "libraries.md"
_COMPILED = REPOSITORY / "docs" / "accelerate.md"
_SECTION = "## Which models of the libraries are compiled"
_REASONS = {
    "code of your own": "is code of your own|carries code of your own",
    "a model of another library": r"^[\w.]+ has no compiled form \(models of",
    "a file of ONNX": r"^onnxruntime\.",
    "a folder of spaCy": "^a folder of spacy",
    "a module of torch": "network of torch",
    "a column of text that CatBoost takes as it is": "CatBoost.* with columns other than numbers",
    "a list of texts or a frame of polars": "input other than a frame of pandas",
    "a step without a compiled form": r"(^|: )[A-Z]\w+ has no compiled form",
}
"""What the page says of a model that is not compiled, and what `new --accelerate auto` says."""
_HEADINGS = ("library", "version", "model", "options", "`new`, s", "CPU s", "`verify`, s", "CPU s", "")
_INTRODUCTION = """\
# Model libraries

Each row is a fitted model of `tests/libraries/models`. A script trains the model and writes it to files with
its samples; then the command line makes a service of them, without `--trust`. *new* is the command
`scaffold new --no-verify`, in elapsed seconds and in CPU seconds of its processes. *verify* is
`scaffold verify`, the proof in a clean environment, if it was run; after it, the service was started and
answered a request.

`pytest -m libraries` runs `scaffold new --accelerate auto` for each model, also in `.ci/run`: with the proof
for models with a [compiled form](accelerate.md#which-models-of-the-libraries-are-compiled), with
`--no-verify` for others.
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


def documented_forms() -> list[tuple[str, str]]:
    """Return what the page says of each model: what it is compiled in, or why it is not."""
    section = _COMPILED.read_text(encoding="utf-8").partition(_SECTION)[2].partition("\n## ")[0]
    forms = []
    for line in section.splitlines():
        if line.startswith("|"):
            first, named, *others = (cell.strip() for cell in line.strip("|").split("|"))
            form = others[0].partition(" ")[0] if len(others) > 1 else re.split("[,:]", first)[0]
            forms += [(name, form) for name in re.findall(r"`([\w-]+)`", named)]
    return forms


def form_of(result: Result) -> str:
    """Return what a model is compiled in or why it is not, as the page says it; else what `new` says."""
    way, is_kept, _ = result.note.partition(" is kept (")
    fitting = [words for words, said in _REASONS.items() if re.search(said, result.note)]
    return way if is_kept else (fitting or [result.note])[0]


def compiled_table(results: Sequence[Result]) -> str:
    """The tables of docs/accelerate.md: what each model is compiled in, and why the others are not."""
    rows = [
        "| library | model | compiled in | times as fast: one row | 64 rows | proven on |",
        "| --- | --- | --- | ---: | ---: | --- |",
    ]
    reasons: dict[str, list[str]] = {}
    for each in results:
        form = form_of(each)
        speed = re.search(
            rf"{re.escape(form)}: (\S+) times as fast as the model for one row, (\S+) times for", each.note
        )
        if each.failure or not each.proven or not speed:
            reasons.setdefault(each.failure.strip() or form, []).append(f"`{each.name}`")
        else:
            cells = (f"{each.library} {each.version}", f"`{each.name}`", form, *speed.groups(), each.proven)
            rows.append(f"| {' | '.join(cells)} |")
    rows += ["", "| reason | models |", "| --- | --- |"]
    return "\n".join([*rows, *(f"| {reason} | {', '.join(names)} |" for reason, names in reasons.items())])
