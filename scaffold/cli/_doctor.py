"""`scaffold doctor`: what this machine has, and what mends the rest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import scaffold
from scaffold.cli._options import AS_JSON, STORE, cluster_options
from scaffold.cli._show import console, show_json
from scaffold.spec import Prerequisite, State

if TYPE_CHECKING:
    from scaffold.cluster import ClusterAccess

_SECONDS = 8.0
_MARKS = {State.OK: "[green]✓[/]", State.MISSING: "[red]✗[/]", State.UNREACHABLE: "[red]✗[/]"}


def register(app: typer.Typer) -> None:
    """Add the verb of this family to `app`."""
    app.command()(cluster_options(doctor))


def doctor(
    project: Annotated[Path, typer.Argument(help="A project, whose manifests name the registry.")] = Path(),
    registry: Annotated[str | None, typer.Option(help="The registry to ask instead.")] = None,
    timeout: Annotated[float, typer.Option(help="Seconds for all checks.", min=0.1)] = _SECONDS,
    store: STORE = None,
    as_json: AS_JSON = False,
    *,
    access: ClusterAccess,
) -> None:
    """Say what is there of all that the commands use, and what to type for the rest.

    Exits with 0 if `new` has what it needs, else with 1.
    """
    prerequisites = scaffold.doctor(project, registry=registry, access=access, store=store, timeout_s=timeout)
    if as_json:
        show_json(prerequisites)
    else:
        _show(prerequisites)
    if _lacking(prerequisites):
        raise typer.Exit(1)


def _lacking(prerequisites: Sequence[Prerequisite]) -> list[str]:
    return [each.name for each in prerequisites if each.needed and each.state is not State.OK]


def _show(prerequisites: Sequence[Prerequisite]) -> None:
    out = console()
    width = max(len(each.name) for each in prerequisites)
    for each in prerequisites:
        out.print(_MARKS[each.state], end=" ")
        state = "" if each.state is State.OK else f"{each.state.value}: "
        out.print(f"{each.name:<{width}}  {state}{each.found}", markup=False)
        if each.fix and each.state is not State.OK:
            out.print(f"{'':{width}}    {each.fix}", markup=False, style="bold")
    lacking = _lacking(prerequisites)
    verdict = f"`new` cannot work: {', '.join(lacking)}" if lacking else "`new` has what it needs."
    out.print(verdict, markup=False)
