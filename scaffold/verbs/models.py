"""`models`: what is registered in the store."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from scaffold.verbs._best import best_first

if TYPE_CHECKING:
    from scaffold.store import Model


def models(
    name: str | None = None, *, best: str | None = None, lower: bool = False, store: str | None = None
) -> tuple[Model, ...]:
    """Return the registered versions of a model, the newest first; without a name, the last of each model.

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
        versions = opened_store.models(name)
        if not versions and name is not None:
            opened_store.require_model(Reference(name=name))
    if best is None:
        return versions
    return best_first(versions, lambda each: each.run.metrics if each.run else {}, best, lower=lower)
