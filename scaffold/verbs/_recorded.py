"""The entry in the store for each verb that changes a deployment."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from scaffold.errors import ManifestError, MissingExtraError, ScaffoldError, StoreError
from scaffold.events import Noted, OnEvent
from scaffold.spec import Deployment, Release


@contextlib.contextmanager
def record_failure(
    action: str,
    root: Path,
    target: str,
    image: Callable[[], str],
    release: Release,
    url: str | None,
    on_event: OnEvent,
) -> Iterator[None]:
    """If the block fails, record in the store who tried to deploy what, and why it failed.

    Args:
        action: `deploy`, `rollback`, ...
        root: The project.
        target: A folder under its `deploy/`.
        image: Returns the image that was to run, by digest if that is known.
        release: Who deploys what.
        url: As for `record_in_store`.
        on_event: As for `record_in_store`.
    """
    try:
        yield
    except ScaffoldError as error:
        from scaffold.cluster import describe_failure

        with contextlib.suppress(ManifestError):  # the target does not exist
            failed = describe_failure(root, target, image(), release, error)
            record_in_store(action, failed, url, on_event)
        raise


def record_in_store(action: str, deployment: Deployment, url: str | None, on_event: OnEvent) -> None:
    """Add an entry to the store.

    A store that cannot be written is reported and raises nothing, because the change is already made.

    Args:
        action: `deploy`, `rollback`, ...
        deployment: The deployment that was made, removed, or failed.
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
