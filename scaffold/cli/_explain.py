"""`scaffold explain`: what an error means, offline."""

from __future__ import annotations

from typing import Annotated

import typer

from scaffold.cli._show import console, show_table
from scaffold.errors import UnknownErrorNameError
from scaffold.errors.explained import branch_of, branches, explain, meaning, tree


def register(app: typer.Typer) -> None:
    """Add the verb to `app`."""
    app.command("explain")(explain_error)


def explain_error(
    error: Annotated[str, typer.Argument(help="Its name, such as UntrustedCodeError; all without one.")] = "",
) -> None:
    """Say what an error means and what to do about it."""
    if not error:
        rows = [(each.__name__, meaning(each).partition("\n")[0]) for each in _all()]
        return show_table(("error", "meaning"), rows)
    classes = {each.__name__.lower(): each for each in _all()}
    error_class = classes.get(error.lower())
    if error_class is None:
        raise UnknownErrorNameError(error, [each.__name__ for each in classes.values()])
    branch = branch_of(error_class)
    text = f"# {error_class.__name__}\n\n{explain(error_class)}"
    if branch is not error_class:
        text += f"\n\n## {branch.__name__}\n\n{meaning(branch)}"
    out = console()
    if not out.is_terminal:
        return out.print(text, markup=False)
    from rich.markdown import Markdown

    return out.print(Markdown(text))


def _all() -> list[type]:
    return [each for branch in branches() for each in tree(branch)]
