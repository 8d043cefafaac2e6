"""`rollback`: bring a target back to an earlier revision."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.events import OnEvent, ignore
from scaffold.spec import Deployment
from scaffold.verbs._image_name import note_other_image, pin_deployed
from scaffold.verbs._recorded import record_failure, record_in_store
from scaffold.verbs._release import read_measurements, read_release
from scaffold.verbs.project import Project

if TYPE_CHECKING:
    from scaffold.cluster import ClusterAccess, Pace


def rollback(
    project: str | Path,
    *,
    target: str = "staging",
    to: int | None = None,
    pin: bool = False,
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
        pin: Write the digest of what runs again into the kustomization. The tags of the registry stay
            where they are: without it, a note says what the other tools would roll out.
        access: As for `deploy`.
        store: As for `deploy`.
        pace: How long to wait.
        on_event: Called with each event.
    """
    from scaffold.cluster import check_pin, roll_back

    opened_project = Project.open(project)
    root = opened_project.root
    if pin:
        check_pin(root, target)
    release = read_release(opened_project)
    # The image is not known before.
    with record_failure("rollback", root, target, lambda: "", release, store, on_event):
        deployment = roll_back(
            root,
            target=target,
            to=to,
            release=release,
            measured=read_measurements(opened_project),
            access=access,
            pace=pace,
            on_event=on_event,
        )
    if pin:
        pin_deployed(opened_project, target, deployment.image, on_event)
    else:
        note_other_image(opened_project, target, deployment.image, "rollback", on_event)
    record_in_store("rollback", deployment, store, on_event)
    return deployment
