"""`deployment_history`: what the store has of deployments, also those that failed."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scaffold.store import Entry


def deployment_history(
    name: str | None = None, *, target: str | None = None, limit: int = 50, store: str | None = None
) -> tuple[Entry, ...]:
    """Return what was deployed, rolled back, promoted and removed, the newest first.

    Args:
        name: The service; all services without it.
        target: The target, such as `staging`; all targets without it.
        limit: How many entries at most.
        store: The store's database URL; else `$SCAFFOLD_STORE`, or SQLite in the user's data folder.

    Raises:
        UnknownServiceError: The store has no deployment of the service.
        StoreError: The store cannot be used.
    """
    from scaffold.base.nearest import nearest
    from scaffold.errors import UnknownServiceError
    from scaffold.store import open_store

    with closing(open_store(store)) as opened_store:
        entries = opened_store.history(name, target, limit=limit)
        if not entries and name is not None and not opened_store.history(name, limit=1):
            raise UnknownServiceError(name, tuple(nearest(name, opened_store.services())))
    return entries
