"""The commands, gathered into one application."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator
from typing import Any

import typer
from typer.core import TyperGroup

from scaffold import __version__

# One file per family of verbs; each has a `register(app)`. They import what they need when a verb runs.
_FAMILIES = (
    "_new",
    "_answers",
    "_project",
    "_test",
    "_drift",
    "_score",
    "_update",
    "_image",
    "_deploy",
    "_store",
    "_doctor",
    "_explain",
)


class _Commands(TyperGroup):
    """The commands; a mistyped one ends with 1, because 2 means that changes break callers."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        with _usage_status():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        with _usage_status():
            return super().invoke(ctx)


@contextlib.contextmanager
def _usage_status() -> Iterator[None]:
    """Change the exit status of an error of usage."""
    try:
        yield
    except typer.Exit:
        raise
    except Exception as error:
        if hasattr(error, "exit_code"):  # of typer or click, which ends the command with it
            error.exit_code = 1
        raise


app = typer.Typer(
    name="scaffold",
    cls=_Commands,
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
