"""`scaffold init`, `update`, `diff` and `undo`."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import scaffold
from scaffold.cli._display import Display
from scaffold.cli._new import ANSWER, JSON, OUTPUT, TEMPLATE, parsed_answers
from scaffold.cli._options import HEADER, model_options, parsed_headers
from scaffold.cli._show import console, show_error, show_json
from scaffold.errors import ExclusiveOptionsError
from scaffold.errors.wording import counted

if TYPE_CHECKING:
    from scaffold.verbs.update import Update

BREAKING_STATUS = 2
"""The exit status for changes that break callers of the service."""

CONFLICT_STATUS = 3
"""The exit status for files in conflict; changes that break callers come first."""

PROJECT = Annotated[Path, typer.Argument(help="The project's folder.")]
MODEL = Annotated[
    str | None, typer.Option("--model", "-m", help="The new model; without it the project's own stays.")
]
INPUT = Annotated[Path | None, typer.Option("--input", "-i", help="Sample input of the new model.")]
OURS = Annotated[bool, typer.Option("--ours", help="Where both changed the same lines, yours win.")]
THEIRS = Annotated[
    bool, typer.Option("--theirs", help="Where both changed the same lines, the new ones win.")
]
TOOL = Annotated[
    str | None,
    typer.Option(help="A merge tool for conflicts: 'meld {ours} {merged} {theirs}'; {base} is there too."),
]
BREAKING = Annotated[bool, typer.Option("--allow-breaking", help="Allow changes that break callers.")]


class Variant(enum.Enum):
    """What the training project of `init` predicts, from what."""

    REGRESSION = "regression"
    CLASSIFICATION = "classification"
    TEXT = "text"
    IMAGE = "image"


def register(app: typer.Typer) -> None:
    """Add the verbs of this family to `app`."""
    app.command()(init)
    app.command()(model_options(update))
    app.command()(model_options(diff))
    app.command()(undo)


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
    given = {"variant": variant.value} if variant else {}
    files = scaffold.init(
        name, given, answers_file=answers, template=template, ask=not defaults and answers is None
    )
    out = console()
    out.print(f"[green]✓[/] {counted(len(files), 'file')} in ", end="")
    out.print(f"{name}/", markup=False)
    out.print("Next:")
    out.print(f"  cd {name}\n  make", markup=False)


def update(
    project: PROJECT,
    model: MODEL = None,
    input: INPUT = None,
    output: OUTPUT = None,
    answer: ANSWER = [],  # noqa: B006 - typer copies it
    template: TEMPLATE = None,
    ours: OURS = False,
    theirs: THEIRS = False,
    tool: TOOL = None,
    allow_breaking: BREAKING = False,
    dirty: Annotated[bool, typer.Option("--dirty", help="Allow uncommitted changes in git.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    no_verify: Annotated[bool, typer.Option("--no-verify", help="Skip the proof.")] = False,
    header: HEADER = [],  # noqa: B006
    take_back: Annotated[bool, typer.Option("--undo", help="Take the last update back.")] = False,
    record: Annotated[
        bool, typer.Option("--merge-record", help="Settle .scaffold/record.json after a merge in git.")
    ] = False,
    as_json: JSON = False,
    *,
    options: dict[str, Any],
) -> None:
    """Bring a project up to a new model, and keep every edit of its owner's.

    Exits with 2 where callers of the service would have to change, else with 3 where files are in conflict.
    """
    if take_back:
        undo(project, as_json=as_json)
        return
    if record:
        _merge_record(project)
        return
    _run_update(
        project,
        (model, input, output),
        as_json=as_json,
        answers=parsed_answers(answer),
        template=template,
        prefer=_preferred(ours, theirs),
        tool=tool,
        dry_run=dry_run,
        allow_breaking=allow_breaking,
        dirty=dirty,
        verify=not no_verify,
        headers=parsed_headers(header),
        **options,
    )


def diff(
    project: PROJECT,
    model: MODEL = None,
    input: INPUT = None,
    output: OUTPUT = None,
    answer: ANSWER = [],  # noqa: B006
    template: TEMPLATE = None,
    allow_breaking: BREAKING = False,
    as_json: JSON = False,
    *,
    options: dict[str, Any],
) -> None:
    """Say what an update would change, field by field and file by file. Writes nothing.

    Exits with 2 where callers of the service would have to change, else with 3 where files would conflict.
    """
    _run_update(
        project,
        (model, input, output),
        as_json=as_json,
        answers=parsed_answers(answer),
        template=template,
        dry_run=True,
        allow_breaking=allow_breaking,
        **options,
    )


def undo(project: PROJECT, as_json: JSON = False) -> None:
    """Take back the last update of a project; done twice, the update is there again."""
    paths = scaffold.undo(project)
    if as_json:
        show_json({"files": paths})
        return
    console().print(f"[green]✓[/] {len(paths)} files are as they were before the last update.")


def _merge_record(project: Path) -> None:
    from scaffold.verbs.update import merge_record

    version = merge_record(project)
    console().print(f"[green]✓[/] The record is that of version {version}. Now update to the model you want.")


def _run_update(project: Path, given: tuple[Any, Any, Any], *, as_json: bool, **options: Any) -> None:
    from scaffold.errors import BreakingChangeError, MergeConflictError, UpgradeError

    planned: list[Update] = []

    def report(found: Update) -> None:
        planned.append(found)
        if not as_json:
            _show_changes(found)

    try:
        with Display(quiet=as_json) as display:
            found = scaffold.update(project, *given, on_event=display, on_report=report, **options)
    except UpgradeError as error:
        if as_json and planned:
            show_json(planned[-1].as_json())
        if not isinstance(error, BreakingChangeError | MergeConflictError):
            raise
        show_error(str(error))
        is_breaking = isinstance(error, BreakingChangeError)
        raise typer.Exit(BREAKING_STATUS if is_breaking else CONFLICT_STATUS) from None
    if as_json:
        show_json(found.as_json())
    elif found.applied:
        _show_outcome(found)
    if options["dry_run"]:
        if found.report.breaking and not options["allow_breaking"]:
            raise typer.Exit(BREAKING_STATUS)
        if found.conflicts:
            raise typer.Exit(CONFLICT_STATUS)


def _preferred(ours: bool, theirs: bool) -> Any:
    from scaffold.upgrade import Prefer

    if ours and theirs:
        raise ExclusiveOptionsError("ours", "theirs")
    return Prefer.OURS if ours else Prefer.THEIRS if theirs else None


def _show_changes(found: Update) -> None:
    """The report: what changes for callers and for the lock, then what becomes of each file."""
    from rich.markup import escape
    from rich.table import Table

    out = console()
    if found.is_empty:
        out.print("[green]✓[/] Up to date: nothing changes.")
        return
    if not found.files:
        out.print("No file of yours changes; .scaffold/ follows the new state.")
    report = found.report
    if report.changes:
        table = Table(box=None, pad_edge=False, show_header=False)
        for change in report.changes:
            mark = "[bold red]breaking[/]" if change.breaking else "[green]compatible[/]"
            table.add_row(
                mark, escape(change.what), escape(f"{change.old} -> {change.new}"), escape(change.reason)
            )
        out.print(table)
    if report.model:
        out.print(f"another model: {report.model}", markup=False)
    if report.answers:
        out.print(str(report.answers), markup=False)
        for line in report.answers.worst:
            out.print(f"  {line}", markup=False)
        for labels, count in report.answers.classes.items():
            out.print(f"  {count:>5} x {labels}", markup=False)
    if report.old_version != report.new_version:
        out.print(f"version {report.old_version} -> {report.new_version}", markup=False)
    for path, outcome in found.files.items():
        if path in found.moved:
            out.print(f"  {'moved':<9} {path} -> {found.moved[path]}", markup=False)
            continue
        detail = f": {found.conflicts[path]}" if path in found.conflicts else ""
        out.print(f"  {outcome:<9} {path}{detail}", markup=False)


def _show_outcome(found: Update) -> None:
    out = console()
    out.print(f"[green]✓[/] {found.report.new_version}: {counted(len(found.files), 'file')} changed.")
    if found.verification is None:
        out.print("[bold yellow]Not proven.[/] --no-verify skipped the clean environment and the replay.")
    out.print("Next:")
    out.print(f"  git diff {found.root}\n  scaffold undo {found.root}", markup=False)
