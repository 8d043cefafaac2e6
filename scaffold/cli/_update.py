"""`scaffold init`, `update`, `diff` and `undo`."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import scaffold
from scaffold.cli._changes import show_changes, show_outcome, show_vulnerabilities
from scaffold.cli._display import Display
from scaffold.cli._new import ANSWER, ANSWERS, JSON, OUTPUT, TEMPLATE, parse_answers
from scaffold.cli._options import HEADER, model_options, parse_headers
from scaffold.cli._show import console, show_error, show_json
from scaffold.errors import ExclusiveOptionsError, ReportNotWrittenError
from scaffold.errors.wording import counted, shell_line

if TYPE_CHECKING:
    from scaffold.verbs.update_result import Update

BREAKING_STATUS = 2
"""The exit status for changes that break callers of the service."""

CONFLICT_STATUS = 3
"""The exit status for files in conflict; changes that break callers come first."""

NOTHING_NEW_STATUS, CONFLICT_STATUS_BESIDE_IT = 3, 4
"""The exit statuses of `--exit-code` for nothing new, and for files in conflict."""

PROJECT = Annotated[Path, typer.Argument(help="The project's folder.")]
MODEL = Annotated[
    str | None,
    typer.Option(
        "--model", "-m", help="The new model; without it the source of the project's model is asked."
    ),
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


NO_FOLLOW = Annotated[
    bool, typer.Option("--no-follow", help="Do not ask the source of the model for a newer one.")
]
EXIT_CODE = Annotated[
    bool, typer.Option("--exit-code", help="Exit with 3 if there is nothing new, and with 4 for conflicts.")
]


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
    init_answers = {"variant": variant.value} if variant else {}
    files = scaffold.init(
        name, init_answers, answers_file=answers, template=template, ask=not defaults and answers is None
    )
    out = console()
    out.print(f"[green]✓[/] {counted(len(files), 'file')} in ", end="")
    out.print(f"{name}/", markup=False)
    out.print("Next:")
    out.print(f"  {shell_line('cd', name)}\n  make", markup=False)


def update(
    project: PROJECT,
    model: MODEL = None,
    input: INPUT = None,
    output: OUTPUT = None,
    answer: ANSWER = [],  # noqa: B006 - typer copies it
    answers: ANSWERS = None,
    template: TEMPLATE = None,
    ours: OURS = False,
    theirs: THEIRS = False,
    tool: TOOL = None,
    allow_breaking: BREAKING = False,
    dirty: Annotated[bool, typer.Option("--dirty", help="Allow uncommitted changes in git.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    no_follow: NO_FOLLOW = False,
    exit_code: EXIT_CODE = False,
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

    Without --model the source of the model is asked: the next version, an alias that moved, a new ETag.

    Exits with 2 where callers of the service would have to change, else with 3 where files are in conflict.
    With --exit-code, conflicts are 4, and 3 says that there is nothing new.
    """
    if take_back:
        undo(project, as_json=as_json)
        return
    if record:
        _merge_record(project, as_json=as_json)
        return
    _run_update(
        project,
        (model, input, output),
        as_json=as_json,
        answers=parse_answers(answer, answers),
        template=template,
        prefer=_preferred(ours, theirs),
        tool=tool,
        dry_run=dry_run,
        follow=not no_follow,
        exit_code=exit_code,
        allow_breaking=allow_breaking,
        dirty=dirty,
        verify=not no_verify,
        headers=parse_headers(header),
        **options,
    )


def diff(
    project: PROJECT,
    model: MODEL = None,
    input: INPUT = None,
    output: OUTPUT = None,
    answer: ANSWER = [],  # noqa: B006
    answers: ANSWERS = None,
    template: TEMPLATE = None,
    allow_breaking: BREAKING = False,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write the report here, with plots, as one HTML page.")
    ] = None,
    no_audit: Annotated[
        bool, typer.Option("--no-audit", help="Do not look up known vulnerabilities of changed versions.")
    ] = False,
    as_json: JSON = False,
    *,
    options: dict[str, Any],
) -> None:
    """Say what an update would change, field by field and file by file. Writes nothing.

    Exits with 2 where callers of the service would have to change, else with 3 where files would conflict.
    """
    with Display(quiet=as_json) as display:
        result = scaffold.diff(
            project,
            model,
            input,
            output,
            answers=parse_answers(answer, answers),
            template=template,
            audit=not no_audit,
            on_event=display,
            **options,
        )
    if html:
        _write_page(result, html)
    if as_json:
        show_json(result.as_json())
    else:
        show_changes(result)
        show_vulnerabilities(result)
    _exit_by_changes(result, allow_breaking)


def undo(project: PROJECT, as_json: JSON = False) -> None:
    """Take back the last update of a project; done twice, the update is there again."""
    paths = scaffold.undo(project)
    if as_json:
        show_json({"files": paths})
        return
    console().print(f"[green]✓[/] {len(paths)} files are as they were before the last update.")


def _merge_record(project: Path, *, as_json: bool) -> None:
    from rich.markup import escape

    from scaffold.verbs.update import merge_record

    version = merge_record(project)
    if as_json:
        show_json({"version": version})
        return
    console().print(
        f"[green]✓[/] The record is that of version {escape(version)}. Now update to the model you want."
    )


def _run_update(
    project: Path, inputs: tuple[Any, Any, Any], *, as_json: bool, exit_code: bool, **options: Any
) -> None:
    from scaffold.errors import BreakingChangeError, MergeConflictError, UpgradeError

    conflict_status = CONFLICT_STATUS_BESIDE_IT if exit_code else CONFLICT_STATUS
    planned: list[Update] = []

    def report(plan: Update) -> None:
        planned.append(plan)
        if not as_json:
            show_changes(plan)

    try:
        with Display(quiet=as_json) as display:
            result = scaffold.update(project, *inputs, on_event=display, on_report=report, **options)
    except UpgradeError as error:
        if as_json and planned:
            show_json(planned[-1].as_json())
        if not isinstance(error, BreakingChangeError | MergeConflictError):
            raise
        show_error(str(error))
        is_breaking = isinstance(error, BreakingChangeError)
        raise typer.Exit(BREAKING_STATUS if is_breaking else conflict_status) from None
    if as_json:
        show_json(result.as_json())
    elif result.applied:
        show_outcome(result)
    if exit_code and result.is_empty:
        raise typer.Exit(NOTHING_NEW_STATUS)
    if options["dry_run"]:
        _exit_by_changes(result, options["allow_breaking"], conflict_status)


def _exit_by_changes(result: Update, allow_breaking: bool, conflict_status: int = CONFLICT_STATUS) -> None:
    """Exit with 2 for changes that break callers, else with 3 for conflicts; return if there is neither."""
    if result.report.breaking and not allow_breaking:
        raise typer.Exit(BREAKING_STATUS)
    if result.conflicts:
        raise typer.Exit(conflict_status)


def _write_page(result: Update, target: Path) -> None:
    from scaffold.cli._page import report_page

    try:
        target.write_text(report_page(result), encoding="utf-8")
    except OSError as error:
        raise ReportNotWrittenError(str(target), error.strerror or str(error)) from error


def _preferred(ours: bool, theirs: bool) -> Any:
    from scaffold.upgrade import Prefer

    if ours and theirs:
        raise ExclusiveOptionsError("ours", "theirs")
    return Prefer.OURS if ours else Prefer.THEIRS if theirs else None
