"""`promote`: deploy to one target the image that runs at another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.base.who import user_and_host
from scaffold.events import OnEvent, ignore
from scaffold.spec import Deployment
from scaffold.verbs._image_name import note_other_image, pin_deployed, read_name
from scaffold.verbs._recorded import record_failure, record_in_store
from scaffold.verbs._release import docker_config, read_measurements, read_release, settings_of_image
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
    pin: bool = False,
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
        pin: Write the digest into the kustomization of `target`. Without, a note says if that pins another.
        access: As for `deploy`.
        store: As for `deploy`.
        pace: As for `deploy`.
        on_event: As for `deploy`.

    Raises:
        PromotionRefusedError: What runs at `source` is not proven, or is not the project's model.
    """
    from scaffold.cluster import check_pin, deploy_project, release_to_promote

    opened_project = Project.open(project)
    root = opened_project.root
    if pin:
        check_pin(root, target)
    requested_release = replace(
        read_release(opened_project), reason=reason, approved_by=approved_by or user_and_host()
    )
    image, release = release_to_promote(
        root, source=source, target=target, release=requested_release, force=force, access=access
    )
    with record_failure("promote", root, target, lambda: image, release, store, on_event):
        deployment = deploy_project(
            root,
            target=target,
            image=image,
            release=release,
            measured=read_measurements(opened_project),
            environment=settings_of_image(root),
            access=access,
            docker_config=docker_config(image),
            candidate=candidate,
            pace=pace,
            on_event=on_event,
        )
    if pin:
        pin_deployed(opened_project, target, deployment.image, on_event)
    elif read_name(opened_project, target)[1]:  # a tag names the version, which is promoted
        note_other_image(opened_project, target, deployment.image, "promotion", on_event)
    record_in_store("promote", deployment, store, on_event)
    return deployment
