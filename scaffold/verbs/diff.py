"""`diff`: what an update would change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold.base.lock_changes import LockChange
from scaffold.base.process import Runner, run_command
from scaffold.events import Noted, OnEvent, ignore
from scaffold.spec import JSONValue
from scaffold.verbs.options import ModelOptions
from scaffold.verbs.update import update
from scaffold.verbs.update_result import Update, VulnerabilityChanges

if TYPE_CHECKING:
    from typing import Unpack


def diff(
    project: str | Path,
    model: Any = None,
    input: Any = None,
    output: Any = None,
    *,
    answers: Mapping[str, JSONValue] | None = None,
    template: str | None = None,
    audit: bool = False,
    run: Runner = run_command,
    on_event: OnEvent = ignore,
    **options: Unpack[ModelOptions],
) -> Update:
    """Return what an update of a project would change, field by field and file by file. Writes nothing.

    Args:
        project: As for `update`, like the others.
        model: The new model; the project's own where only the rest changes.
        input: A sample of the new model's input.
        output: What the new model gives for it.
        answers: Answers that change.
        template: Another service template.
        audit: Whether to look up known vulnerabilities of the distributions whose version changes.
        run: Runs pip-audit, through uv.
        on_event: Called with each event.
        options: Fields of `Options`.

    Raises:
        ScaffoldError: A leaf of it, which says what to do.
    """
    planned = update(
        project,
        model,
        input,
        output,
        answers=answers,
        template=template,
        dry_run=True,
        on_event=on_event,
        **options,
    )
    if not audit or not planned.lock_changes:
        return planned
    changes, notes = _look_up(planned.lock_changes, run)
    for note in notes:
        on_event(Noted(note))
    return replace(planned, vulnerabilities=changes, notes=(*planned.notes, *notes))


def _look_up(
    changes: Sequence[LockChange], run: Runner
) -> tuple[VulnerabilityChanges | None, tuple[str, ...]]:
    """The known vulnerabilities that come and go, and what could not be looked up; None if nothing could."""
    from scaffold.resolve import find_vulnerabilities

    new, notes = find_vulnerabilities([pin for change in changes for pin in change.new], run)
    if new is None:
        return None, notes
    old, skipped = find_vulnerabilities([pin for change in changes for pin in change.old], run)
    notes = tuple(dict.fromkeys([*notes, *skipped]))
    if old is None:
        return None, notes
    before, after = ({(each.name, each.id) for each in side} for side in (old, new))
    return VulnerabilityChanges(
        added=tuple(each for each in new if (each.name, each.id) not in before),
        removed=tuple(each for each in old if (each.name, each.id) not in after),
    ), notes
