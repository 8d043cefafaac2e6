"""`scaffold score`: score a file, a folder or a table with the code of a project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import scaffold
from scaffold.cli._display import Display


def register(app: typer.Typer) -> None:
    """Add the verb to `app`."""
    app.command()(score)


def score(
    project: Annotated[Path, typer.Argument(help="The project's folder.")],
    source: Annotated[
        str, typer.Argument(metavar="in", help="A file, a folder, a URL, or postgresql://host/db#table.")
    ],
    out: Annotated[str, typer.Argument(help="A folder, or a table as in IN; a run that was ended goes on.")],
    on: Annotated[str, typer.Option(help="local, ray, spark or dask, or the URL of one.")] = "local",
    keep: Annotated[str, typer.Option(help="Columns that go to the output, with commas.")] = "",
    format: Annotated[str, typer.Option(help="The format of the answers: parquet, csv, json, arrow.")] = "",
    workers: Annotated[int | None, typer.Option(help="Processes; one for each core by default.")] = None,
    max_rejected: Annotated[
        str, typer.Option(help="Rows, or a percentage, above which the exit status is 3.")
    ] = "",
) -> None:
    """Score a file, a folder or a table with a project's batch/, in an environment of its own.

    Exits with 3 if rows were rejected, more than --max-rejected allows.
    """
    given = {"keep": keep, "format": format, "workers": workers, "max-rejected": max_rejected}
    options = [word for name, value in given.items() if value for word in (f"--{name}", str(value))]
    with Display() as display:
        status = scaffold.score(project, source, out, on=on, options=options, on_event=display)
    raise typer.Exit(status)
