"""`scaffold init`, `update`, `diff` and `undo`: the life of a project."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from scaffold.cli._show import console


class Variant(enum.Enum):
    """What the training project of `init` predicts, from what."""

    REGRESSION = "regression"
    CLASSIFICATION = "classification"
    TEXT = "text"
    IMAGE = "image"


def register(app: typer.Typer) -> None:
    """Add the verbs of this family to `app`."""
    app.command()(init)


def init(
    name: Annotated[Path, typer.Argument(help="The folder to write: absent or empty.")],
    variant: Annotated[Variant | None, typer.Option(help="What is predicted, from what.")] = None,
    defaults: Annotated[bool, typer.Option("--defaults", help="Ask nothing; take the defaults.")] = False,
    answers: Annotated[Path | None, typer.Option(help="YAML or JSON: one answer per question.")] = None,
    template: Annotated[
        str | None, typer.Option(help="Another template: a folder or URL that copier takes.")
    ] = None,
) -> None:
    """Begin a training project that ends in a score service."""
    from scaffold import _update

    given = {"variant": variant.value} if variant else {}
    files = _update.init(
        name, given, answers_file=answers, template=template, ask=not defaults and answers is None
    )
    out = console()
    out.print(f"[green]✓[/] {len(files)} files in ", end="")
    out.print(f"{name}/", markup=False)
    out.print("Next:")
    out.print(f"  cd {name}\n  make", markup=False)
