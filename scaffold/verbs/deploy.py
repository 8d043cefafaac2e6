"""`deploy`: build, push and run a project in a cluster."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.errors import (
    NoRegistryInManifestsError,
)
from scaffold.events import OnEvent, Started, ignore
from scaffold.spec import Deployment, Image
from scaffold.verbs._recorded import record_in_store
from scaffold.verbs._release import docker_config, read_measurements, read_release
from scaffold.verbs.project import Project

if TYPE_CHECKING:
    from typing import Unpack

    from scaffold.cluster import ClusterAccess, Pace
    from scaffold.image import BuilderChoices


def deploy(
    project: str | Path,
    *,
    target: str = "staging",
    access: ClusterAccess | None = None,
    image: str | None = None,
    registry: str | None = None,
    store: str | None = None,
    force_conflicts: bool = False,
    roll_back: bool = True,
    remove_failed: bool = False,
    pace: Pace | None = None,
    on_event: OnEvent = ignore,
    **choices: Unpack[BuilderChoices],
) -> Deployment:
    """Build, push and deploy a project; return what runs, with the URL that gives the model's answers.

    Args:
        project: The project's folder.
        target: A folder under its `deploy/`.
        access: Which cluster; else that of `$KUBECONFIG`, of `~/.kube/config`, or of the pod.
        image: An image that is pushed already, by digest; otherwise it is built and pushed.
        registry: Where it is pushed; the one that the target's kustomization names, where it is left out.
        store: Where the deployment is recorded; else `$SCAFFOLD_STORE`, or SQLite in the user's data folder.
        force_conflicts: Take over fields that others have set.
        roll_back: Whether a deploy that fails is taken back to what ran before.
        remove_failed: Whether a first deploy that fails is removed instead of left for inspection.
        pace: How long to wait.
        on_event: Called with each event.
        choices: Further fields of `scaffold.image.BuildOptions`: `builder`, `insecure`, ...

    Raises:
        DeployError: One of its leaves; what failed, what to do, and what was rolled back.
    """
    from scaffold.cluster import deploy_project

    opened = Project.open(project)
    root = opened.root
    name = image or _image_name(root, target, registry)
    deployment = deploy_project(
        root,
        target=target,
        image=image or (lambda: _build(root, name, choices, on_event)),
        release=read_release(opened),
        measured=read_measurements(opened),
        access=access,
        docker_config=docker_config(name),
        force_conflicts=force_conflicts,
        roll_back=roll_back,
        remove_failed=remove_failed,
        pace=pace,
        on_event=on_event,
    )
    record_in_store("deploy", deployment, store, on_event)
    return deployment


def _build(root: Path, name: str, choices: BuilderChoices, on_event: OnEvent) -> Image:
    """Build the image under `name` and push it; with an engine where there is one."""
    from scaffold.verbs.build import build

    if "/" not in name:
        raise NoRegistryInManifestsError(str(root), name)
    has_engine = bool(os.environ.get("DOCKER_HOST")) or Path("/var/run/docker.sock").exists()
    builder = choices.setdefault("builder", "docker" if has_engine else "layers")
    on_event(Started("build", f"{name}, by {builder}"))
    return build(root, tag=name, push=True, on_event=on_event, **choices)


def _image_name(root: Path, target: str, registry: str | None) -> str:
    """The image's name and tag, as the target's manifests have it, in `registry` where one is given."""
    from scaffold.cluster import read_image

    name = read_image(root, target)
    return f"{registry.rstrip('/')}/{name.rpartition('/')[2]}" if registry else name
