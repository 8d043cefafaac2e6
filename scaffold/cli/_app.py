"""The commands, gathered into one application."""

from __future__ import annotations

import importlib

import typer

from scaffold import __version__

# One file per family of verbs; each has a `register(app)`. They import what they need when a verb runs.
_FAMILIES = (
    "_new",
    "_answers",
    "_project",
    "_test",
    "_update",
    "_image",
    "_deploy",
    "_store",
    "_doctor",
    "_explain",
)

app = typer.Typer(
    name="scaffold",
    help="A trained model becomes a proven score service that you own.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,  # plain help: rich would double the time of `--help`
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def _root(version: bool = typer.Option(False, "--version", help="Print the version and stop.")) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


for _family in _FAMILIES:
    importlib.import_module(f"scaffold.cli.{_family}").register(app)
