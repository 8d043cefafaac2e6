"""`scaffold verify`, `serve` and `audit`: verbs for an existing project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import scaffold
from scaffold.cli._display import Display
from scaffold.cli._options import TIMEOUT, cluster_options, pace_of, targets
from scaffold.cli._show import console, show_json, show_rows
from scaffold.errors.wording import counted
from scaffold.spec import Outcome

if TYPE_CHECKING:
    from scaffold.cluster import ClusterAccess
    from scaffold.resolve import Audit

PROJECT = Annotated[Path, typer.Argument(help="The project's folder.")]
TARGET = Annotated[
    str | None,
    typer.Option(help="Prove what runs at this target, whoever deployed it.", autocompletion=targets),
]
HERE = Path()


def register(app: typer.Typer) -> None:
    """Add the verbs of this family to `app`."""
    app.command()(cluster_options(verify))
    app.command()(serve)
    app.command()(audit)


def verify(
    project: PROJECT = HERE,
    quick: Annotated[
        bool, typer.Option("--quick", help="Only check in a second that the files belong together.")
    ] = False,
    accept: Annotated[
        bool, typer.Option("--accept", help="Record the present answers as the right ones.")
    ] = False,
    allow_read: Annotated[
        list[Path], typer.Option(help="A file or folder that the service may read.", metavar="PATH")
    ] = [],  # noqa: B006 - typer copies it
    allow_network: Annotated[
        bool, typer.Option("--allow-network", help="Let the service connect to other machines.")
    ] = False,
    target: TARGET = None,
    url: Annotated[str | None, typer.Option(help="Prove the service under this URL.")] = None,
    insecure: Annotated[bool, typer.Option(help="Speak plain HTTP to the registry of the target.")] = False,
    timeout: TIMEOUT = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")] = False,
    *,
    access: ClusterAccess,
) -> None:
    """Prove a project again, as it stands now; or what runs at a target or under a URL."""
    if quick:
        _verify_quickly(project, as_json, accept=accept, target=target, url=url)
        return
    with Display(quiet=as_json) as display:
        verification = scaffold.verify(
            project,
            accept=accept,
            allow_read=allow_read,
            allow_network=allow_network,
            headers=access.headers,
            target=target,
            url=url,
            access=access,
            insecure=insecure,
            pace=pace_of(timeout),
            on_event=display,
        )
    if as_json:
        show_json(verification)
    elif accept:
        console().print(
            "[green]✓[/] These answers are the recorded ones now; `scaffold undo` takes that back."
        )
    else:
        console().print("[green]✓[/] The service gives the model's answers.")


def _verify_quickly(project: Path, as_json: bool, **others: Any) -> None:
    verification = scaffold.verify(project, quick=True, **others)
    if as_json:
        show_json(verification)
        return
    for check in verification.checks:
        if check.outcome is Outcome.PASSED:
            console().print(f"[green]✓[/] {check.name}: ", end="")
        else:
            console().print(f"[yellow]-[/] {check.name}, not checked: ", end="")
        console().print(check.detail, markup=False)


def serve(
    project: PROJECT,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8000,
) -> None:
    """Run a project's service here.

    Its environment is made from its lock, in the project's .venv.
    """
    with Display() as display:
        raise typer.Exit(scaffold.serve(project, host=host, port=port, on_event=display))


def audit(
    project: PROJECT,
    sbom: Annotated[Path | None, typer.Option(help="Write the bill of materials here (CycloneDX).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")] = False,
) -> None:
    """List what a project's lock holds.

    Licences, and what is known against each distribution; exit 1 where something is.
    """
    report = scaffold.audit(project)
    if sbom:
        sbom.write_text(report.sbom, encoding="utf-8")
    if as_json:
        show_json(
            {
                "components": report.components,
                "vulnerabilities": report.vulnerabilities,
                "notes": report.notes,
            }
        )
    else:
        _show_audit(report)
    if report.vulnerabilities:
        raise typer.Exit(1)


def _show_audit(report: Audit) -> None:
    from rich.markup import escape

    out = console()
    show_rows([(each.name, each.version, each.licence) for each in report.components])
    for note in report.notes:
        out.print(f"[yellow]![/] {escape(note)}")
    if report.vulnerabilities is None:
        return
    if not report.vulnerabilities:
        looked_up = counted(len(report.components) - len(report.notes), "distribution")
        out.print(f"[green]✓[/] No known vulnerabilities in {looked_up}.")
    for each in report.vulnerabilities:
        fixed = f"fixed in {', '.join(each.fixed_in)}" if each.fixed_in else "not fixed yet"
        out.print(f"[red]✗[/] {escape(f'{each.name} {each.version}: {each.id}, {fixed}')}")
