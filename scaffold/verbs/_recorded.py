"""The entry in the store for each verb that changes a deployment."""

from __future__ import annotations

from scaffold.errors import MissingExtraError, StoreError
from scaffold.events import Noted, OnEvent
from scaffold.spec import Deployment


def record_in_store(action: str, deployment: Deployment, url: str | None, on_event: OnEvent) -> None:
    """Add an entry to the store. The deployment is done by then: a failure is reported and raises nothing.

    Args:
        action: `deploy`, `rollback`, ...
        deployment: What runs now.
        url: The store; else `$SCAFFOLD_STORE`, or SQLite in the data folder of the user.
        on_event: Called with a note if the store cannot be written.
    """
    try:
        from scaffold.store import Entry, open_store

        store = open_store(url)
        try:
            store.record_deployment(Entry(action=action, deployment=deployment))
        finally:
            store.close()
    except (MissingExtraError, StoreError) as error:
        on_event(Noted(f"not recorded in the store: {error}"))
