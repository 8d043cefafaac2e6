"""`scaffold verify` and `scaffold serve`: what one does with a project that is there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scaffold.cli._show import Stages, console, show_json

PROJECT = Annotated[Path, typer.Argument(help="The project's folder.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this family to `app`."""
    app.command()(verify)
    app.command()(serve)


def verify(
    project: PROJECT,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")] = False,
) -> None:
    """Prove a project again: clean environment, service started, sample replayed, answers compared."""
    from scaffold import api

    with Stages(quiet=as_json) as stages:
        verification = api.verify(project, on_stage=stages)
    if as_json:
        show_json(verification)
    else:
        console().print("[green]✓[/] The service gives the model's answers.")


def serve(
    project: PROJECT,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
) -> None:
    """Run a project's service here, in an environment made from its lock (kept in its .venv)."""
    from scaffold import api

    with Stages() as stages:
        raise typer.Exit(api.serve(project, host=host, port=port, on_stage=stages))
