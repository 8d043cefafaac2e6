"""`scaffold drift`: what a service was asked and answered, beside the baseline of its model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import scaffold
from scaffold.cli._drift_words import cells_of, junit_of, metric_line, summary_of, verdict_line
from scaffold.cli._options import AS_JSON
from scaffold.cli._show import console, show_json
from scaffold.errors import ReportNotWrittenError
from scaffold.spec import DriftReport, DriftVerdict

HERE = Path()
DRIFT_STATUS, TOO_FEW_STATUS = 5, 6
"""The exit statuses of `--exit-code` for drift, and for too few rows to tell."""

_STYLES = {
    DriftVerdict.DRIFT: "bold red",
    DriftVerdict.STABLE: "green",
    DriftVerdict.SLIGHT: "yellow",
    DriftVerdict.TOO_FEW: "yellow",
    DriftVerdict.UNKNOWN: "dim",
    DriftVerdict.ABSENT: "dim",
}


def register(app: typer.Typer) -> None:
    """Add the verb to `app`."""
    app.command()(drift)


def drift(
    project: Annotated[Path, typer.Argument(help="The project's folder.")] = HERE,
    *,
    traffic: Annotated[
        str,
        typer.Option(
            "--from",
            help="A log (logs.jsonl, - for standard input), a table (.parquet, .csv), a pattern of either,"
            " or prometheus:http://host:9090.",
            metavar="SOURCE",
        ),
    ],
    since: Annotated[
        str, typer.Option(help="How far back: 7d, 12h, 4w; all of a file by default.", metavar="TIME")
    ] = "",
    labels: Annotated[
        Path | None, typer.Option(help="A table of true values: a column for --key, and one named label.")
    ] = None,
    key: Annotated[str, typer.Option(help="The field or column that names a row in the labels too.")] = "id",
    psi: Annotated[
        float, typer.Option(help="The least population stability index of a drift.", min=0.0)
    ] = 0.1,
    html: Annotated[
        Path | None, typer.Option(help="Write the report here, with plots, as one HTML page.")
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="Write the verdicts here (JUnit XML).")] = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 5 for drift, and with 6 for too few rows to tell.")
    ] = False,
    as_json: AS_JSON = False,
) -> None:
    """Compare what a service was asked and answered with model/baseline.json, field by field.

    A field drifts if a likelihood-ratio test finds another distribution, with about one false alarm in a
    hundred reports, and its population stability index (PSI) is 0.1 or more.
    """
    report = scaffold.drift(project, traffic, since=since, labels=labels, key=key, psi=psi)
    if html:
        from scaffold.cli._drift_page import drift_page

        _write(html, drift_page(report))
    if junit:
        _write(junit, junit_of(report))
    if as_json:
        show_json(_as_json(report))
    else:
        _show(report)
    if exit_code and report.verdict is not DriftVerdict.STABLE:
        raise typer.Exit(DRIFT_STATUS if report.verdict is DriftVerdict.DRIFT else TOO_FEW_STATUS)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ReportNotWrittenError(str(path), error.strerror or str(error)) from error


def _show(report: DriftReport) -> None:
    """Print the table, then the metrics, the notes and the verdict."""
    from rich.markup import escape
    from rich.table import Table

    out = console()
    out.print(escape(summary_of(report)), soft_wrap=True)
    table = Table(box=None)
    for column in ("field", "kind"):
        table.add_column(column, overflow="fold")
    for column in ("PSI", "JS", "missing", "unseen", "out of range"):
        table.add_column(column, justify="right")
    table.add_column("verdict")
    for title, compared in (("requests", report.fields), ("predictions", report.predictions)):
        if compared:
            table.add_row(f"[bold]{title}[/]")
        for each in compared:
            style = _STYLES[each.verdict]
            table.add_row(*map(escape, cells_of(each)), f"[{style}]{each.verdict.value}[/]")
    out.print(table)
    for metric in report.metrics:
        style = _STYLES[metric.verdict]
        out.print(f"{escape(metric_line(metric))}: [{style}]{metric.verdict.value}[/]", soft_wrap=True)
    for note in report.notes:
        out.print(f"[yellow]![/] {escape(note)}", soft_wrap=True)
    mark = {DriftVerdict.DRIFT: "[red]✗[/]", DriftVerdict.STABLE: "[green]✓[/]"}
    out.print(f"{mark.get(report.verdict, '[yellow]-[/]')} {escape(verdict_line(report))}", soft_wrap=True)


def _as_json(report: DriftReport) -> dict[str, object]:
    return {
        "verdict": report.verdict,
        "drifted": report.drifted,
        **{name: getattr(report, name) for name in report.__dataclass_fields__},
    }
