"""`rollback`: bring a target back to an earlier revision."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.events import OnEvent, ignore
from scaffold.spec import Deployment
from scaffold.verbs._recorded import failure_recorded, record_in_store
from scaffold.verbs._release import read_measurements, read_release
from scaffold.verbs.project import Project

if TYPE_CHECKING:
    from scaffold.cluster import ClusterAccess, Pace


def rollback(
    project: str | Path,
    *,
    target: str = "staging",
    to: int | None = None,
    access: ClusterAccess | None = None,
    store: str | None = None,
    pace: Pace | None = None,
    on_event: OnEvent = ignore,
) -> Deployment:
    """Bring a target back to an earlier revision, the one before without `to`; return what runs.

    Args:
        project: The project's folder.
        target: A folder under its `deploy/`.
        to: The revision, as `deployments` numbers them; the last one that went live when absent.
        access: As for `deploy`.
        store: As for `deploy`.
        pace: How long to wait.
        on_event: Called with each event.
    """
    from scaffold.cluster import roll_back

    opened = Project.open(project)
    root = opened.root
    release = read_release(opened)
    with failure_recorded("rollback", root, target, str, release, store, on_event):
        deployment = roll_back(
            root,
            target=target,
            to=to,
            release=release,
            measured=read_measurements(opened),
            access=access,
            pace=pace,
            on_event=on_event,
        )
    record_in_store("rollback", deployment, store, on_event)
    return deployment
