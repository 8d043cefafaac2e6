"""`runs`: the trainings of a model that were registered."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from scaffold.verbs._best import best_first

if TYPE_CHECKING:
    from scaffold.store import Run


def runs(
    name: str, *, best: str | None = None, lower: bool = False, store: str | None = None
) -> tuple[Run, ...]:
    """Return the runs of a model, the newest first.

    Args:
        name: The model's name.
        best: A metric: those that have it, the best first.
        lower: Whether a lower value of that metric is better.
        store: The store's database URL; else `$SCAFFOLD_STORE`, or SQLite in the user's data folder.

    Raises:
        StoreError: The store has no such model or metric, or cannot be used.
    """
    from scaffold.store import Reference, open_store

    with closing(open_store(store)) as opened_store:
        found_runs = opened_store.runs(name)
        if not found_runs:
            opened_store.require_model(Reference(name=name))
    return (
        found_runs if best is None else best_first(found_runs, lambda each: each.metrics, best, lower=lower)
    )
