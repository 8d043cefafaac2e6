"""The report of `update` and `diff` on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scaffold.base.git import place_in_repository
from scaffold.cli._show import console
from scaffold.errors.wording import counted, shell_line

if TYPE_CHECKING:
    from rich.console import Console

    from scaffold.verbs.update_result import Update


def show_changes(update: Update) -> None:
    """Print what changes for callers and for the lock, then the outcome of each file."""
    from rich.markup import escape
    from rich.table import Table

    out = console()
    if update.is_empty:
        out.print("[green]✓[/] Up to date: nothing changes.")
        return
    if not update.files:
        out.print("No file of yours changes; .scaffold/ follows the new state.")
    report = update.report
    if report.changes:
        table = Table(box=None, pad_edge=False, show_header=False)
        for change in report.changes:
            mark = "[bold red]breaking[/]" if change.breaking else "[green]compatible[/]"
            table.add_row(
                mark, escape(change.what), escape(f"{change.old} -> {change.new}"), escape(change.reason)
            )
        out.print(table)
    for each in update.transitive:
        old, new = each.versions
        out.print(f"  transitive {each.name} {old} -> {new}, for {', '.join(each.required_by)}", markup=False)
    _show_model(update, out)
    for path, outcome in update.files.items():
        if path in update.moved:
            out.print(f"  {'moved':<9} {path} -> {update.moved[path]}", markup=False)
            continue
        detail = update.conflicts.get(path) or update.untouched.get(path, "")
        out.print(f"  {outcome:<9} {path}{': ' if detail else ''}{detail}", markup=False)


def _show_model(update: Update, out: Console) -> None:
    report = update.report
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


def show_vulnerabilities(update: Update) -> None:
    """Print the vulnerabilities that the changed distributions add and remove."""
    if update.vulnerabilities is None:
        return
    out = console()
    sides = update.vulnerabilities.added, update.vulnerabilities.removed
    if not any(sides):
        out.print("[green]✓[/] No known vulnerability comes or goes with the changed versions.")
    for word, side in zip(("[red]comes[/]", "[green]goes[/] "), sides, strict=True):
        for each in side:
            out.print(f"  {word} ", end="")
            out.print(f"{each.id} of {each.name} {each.version}", markup=False)


def show_outcome(update: Update) -> None:
    """Print the result of the update, and the commands that show and undo it."""
    from rich.markup import escape

    out = console()
    out.print(
        f"[green]✓[/] {escape(update.report.new_version)}: {counted(len(update.files), 'file')} changed."
    )
    if update.verification is None:
        out.print("[bold yellow]Not proven.[/] --no-verify skipped the clean environment and the replay.")
    out.print("Next:")
    show = [("git", "-C", update.root, "diff")] if place_in_repository(update.root) else []
    for command in (*show, ("scaffold", "undo", update.root)):
        out.print(f"  {shell_line(*command)}", markup=False)
