"""`diff`: what an update would change."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold.events import OnEvent, ignore
from scaffold.spec import JSONValue
from scaffold.verbs.options import ModelOptions
from scaffold.verbs.update import Update, update

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
        on_event: Called with each event.
        options: Fields of `Options`.

    Raises:
        ScaffoldError: A leaf of it, which says what to do.
    """
    return update(
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
