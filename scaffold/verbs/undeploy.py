"""`undeploy`: delete what deploys created at a target."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.events import OnEvent, ignore
from scaffold.verbs._recorded import record_in_store

if TYPE_CHECKING:
    from scaffold.cluster import ClusterAccess, Removal


def undeploy(
    project: str | Path,
    *,
    target: str = "staging",
    access: ClusterAccess | None = None,
    store: str | None = None,
    on_event: OnEvent = ignore,
) -> Removal:
    """Delete what deploys created at a target, and nothing else; return what went and what stays.

    Args:
        project: The project's folder.
        target: A folder under its `deploy/`.
        access: As for `deploy`.
        store: As for `deploy`.
        on_event: Called with each event.
    """
    from scaffold.cluster import remove_deployment

    removal = remove_deployment(Path(project), target=target, access=access)
    if removal.last is not None:
        record_in_store("undeploy", removal.last, store, on_event)
    return removal
