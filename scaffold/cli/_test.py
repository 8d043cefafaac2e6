"""`scaffold test`: the tests of a project against its service where it is deployed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import scaffold
from scaffold.cli._display import Display
from scaffold.cli._options import AS_JSON, cluster_options
from scaffold.cli._show import console, show_json
from scaffold.errors.wording import counted
from scaffold.spec import Check, LiveTests, Outcome

if TYPE_CHECKING:
    from scaffold.cluster import ClusterAccess

HERE = Path()
_MOST_SHOWN = 10
"""Failed cases of one test that get a line each."""
_MOST_CHARACTERS = 160
_MARKS = {Outcome.PASSED: "[green]✓[/]", Outcome.FAILED: "[red]✗[/]", Outcome.SKIPPED: "[yellow]-[/]"}


def register(app: typer.Typer) -> None:
    """Add the verb to `app`."""
    app.command("test")(cluster_options(run_tests))


def run_tests(
    project: Annotated[Path, typer.Argument(help="The project's folder.")] = HERE,
    url: Annotated[str | None, typer.Option(help="Where the service runs: https://host/path.")] = None,
    target: Annotated[
        str | None, typer.Option(help="The target at which it runs, in place of a URL.")
    ] = None,
    stress: Annotated[bool, typer.Option("--stress", help="Run the stress test, too.")] = False,
    users: Annotated[
        int | None, typer.Option(help="Callers of the stress test at the same time; 64 by default.")
    ] = None,
    duration: Annotated[
        str | None, typer.Option("--for", help="How long they send: 90s, 1m30s; 60s by default.")
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="Write the results here (JUnit XML).")] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write locust's report of the stress test here (HTML).")
    ] = None,
    as_json: AS_JSON = False,
    *,
    access: ClusterAccess,
) -> None:
    """Ask a deployed service the recorded sample and the edge cases of its schema; exit 1 if a test fails.

    With --stress, send load in stages as well, and compare failures, p95 and throughput with the limits in
    tests/load/locustfile.py.
    """
    with Display(quiet=as_json) as display:
        live_tests = scaffold.test(
            project,
            url=url,
            target=target,
            access=access,
            stress=stress,
            users=users,
            duration=duration,
            headers=access.headers,
            junit=junit,
            html=html,
            on_event=display,
        )
    if as_json:
        show_json({"url": live_tests.url, "passed": live_tests.passed, "suites": live_tests.suites})
    else:
        _show(live_tests)
    if not live_tests.passed:
        raise typer.Exit(1)


def _show(live_tests: LiveTests) -> None:
    """Print a table with a row for each test and for each of its cases that failed."""
    from rich.markup import escape
    from rich.table import Table

    table = Table("", "test", "result", box=None)
    for suite in live_tests.suites:
        table.add_row("", f"[bold]{suite.name}[/]", "")
        for outcome, name, result in _rows(suite.checks):
            table.add_row(_MARKS[outcome] if outcome else "", escape(name), escape(result))
    console().print(table)
    failed = sum(suite.count(Outcome.FAILED) for suite in live_tests.suites)
    fault = f"{counted(failed, 'test')} failed" if failed else "No test passed"
    verdict = "[green]✓[/] All tests passed" if live_tests.passed else f"[red]✗[/] {fault}"
    console().print(f"{verdict} at {escape(live_tests.url)}", soft_wrap=True)


def _rows(checks: Sequence[Check]) -> Iterator[tuple[Outcome | None, str, str]]:
    """Return the rows of a suite: one for each test function, and one for each failed case."""
    tests: dict[str, list[Check]] = {}
    for check in checks:
        tests.setdefault(check.name.partition("[")[0], []).append(check)
    for name, cases in tests.items():
        outcomes = [case.outcome for case in cases]
        failed = [case for case in cases if case.outcome is Outcome.FAILED]
        worst = next((one for one in (Outcome.FAILED, Outcome.PASSED) if one in outcomes), Outcome.SKIPPED)
        title = name.removeprefix("test_").replace("_", " ")
        if len(cases) == 1:
            yield worst, title, _line(cases[0].detail)
            continue
        yield worst, title, f"{outcomes.count(Outcome.PASSED)} of {len(cases)}"
        for case in failed[:_MOST_SHOWN]:
            yield None, f"  {case.name.partition('[')[2].removesuffix(']')}", _line(case.detail)
        if len(failed) > _MOST_SHOWN:
            yield None, f"  and {len(failed) - _MOST_SHOWN} more", ""


def _line(detail: str) -> str:
    """The message of a test in one line, without how pytest explains an assertion."""
    text = " ".join(detail.removeprefix("AssertionError: ").partition("\nassert ")[0].split())
    return text if len(text) <= _MOST_CHARACTERS else f"{text[: _MOST_CHARACTERS - 3]}..."
