"""`promote`: deploy to one target the image that runs at another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.base.who import user_and_host
from scaffold.events import OnEvent, ignore
from scaffold.spec import Deployment
from scaffold.verbs._recorded import failure_recorded, record_in_store
from scaffold.verbs._release import docker_config, read_measurements, read_release
from scaffold.verbs.project import Project

if TYPE_CHECKING:
    from scaffold.cluster import ClusterAccess, Pace


def promote(
    project: str | Path,
    *,
    source: str = "staging",
    target: str = "production",
    reason: str,
    approved_by: str = "",
    force: bool = False,
    candidate: bool = True,
    access: ClusterAccess | None = None,
    store: str | None = None,
    pace: Pace | None = None,
    on_event: OnEvent = ignore,
) -> Deployment:
    """Deploy to `target` the image that runs at `source`; return the deployment.

    Args:
        project: The project's folder.
        source: The target whose image is promoted.
        target: The target that gets it.
        reason: The reason, which is recorded.
        approved_by: Who approved it; the user when absent.
        force: Promote what is not proven.
        candidate: As for `deploy`.
        access: As for `deploy`.
        store: As for `deploy`.
        pace: As for `deploy`.
        on_event: As for `deploy`.

    Raises:
        PromotionRefusedError: What runs at `source` is not proven, or is not the project's model.
    """
    from scaffold.cluster import deploy_project, release_to_promote

    opened_project = Project.open(project)
    root = opened_project.root
    requested_release = replace(
        read_release(opened_project), reason=reason, approved_by=approved_by or user_and_host()
    )
    image, release = release_to_promote(
        root, source=source, target=target, release=requested_release, force=force, access=access
    )
    with failure_recorded("promote", root, target, lambda: image, release, store, on_event):
        deployment = deploy_project(
            root,
            target=target,
            image=image,
            release=release,
            measured=read_measurements(opened_project),
            access=access,
            docker_config=docker_config(image),
            candidate=candidate,
            pace=pace,
            on_event=on_event,
        )
    record_in_store("promote", deployment, store, on_event)
    return deployment
