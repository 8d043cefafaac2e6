"""The verbs of a deployed project, one short function each: the part of the pipeline that `api` hands on.

Here the rooms meet: `image` builds what `deploy` runs, `verify` compares, `store` remembers.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold._process import run_command
from scaffold._project import Project
from scaffold._who import user_and_host
from scaffold.errors import (
    CommandError,
    MissingExtraError,
    NoRegistryInManifestsError,
    ScaffoldError,
    StoreError,
)
from scaffold.events import Noted, OnEvent, Started, ignore
from scaffold.spec import Deployment, Image, Release

if TYPE_CHECKING:
    from typing import Unpack

    from scaffold.deploy import ClusterAccess, Pace, Plan, Removal
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
    from scaffold.deploy import deploy_project

    opened = Project.open(project)
    root = opened.root
    name = image or _image_name(root, target, registry)
    deployment = deploy_project(
        root,
        target=target,
        image=image or (lambda: _build(root, name, choices, on_event)),
        release=read_release(opened),
        access=access,
        docker_config=docker_config(name),
        force_conflicts=force_conflicts,
        roll_back=roll_back,
        remove_failed=remove_failed,
        pace=pace,
        on_event=on_event,
    )
    _record("deploy", deployment, store, on_event)
    return deployment


def plan(
    project: str | Path,
    *,
    target: str = "staging",
    image: str = "",
    access: ClusterAccess | None = None,
) -> Plan:
    """Return what a deploy would change, as the server sees it; nothing is built and nothing written."""
    from scaffold.deploy import plan_deployment

    return plan_deployment(Path(project), target=target, image=image, access=access)


def status(
    project: str | Path,
    *,
    target: str = "staging",
    access: ClusterAccess | None = None,
) -> Deployment:
    """Return what runs at a target, as the cluster says."""
    from scaffold.deploy import read_status

    return read_status(Path(project), target=target, access=access)


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
    """Bring a target back to an earlier revision, the one before without `to`; return what runs."""
    from scaffold.deploy import roll_back

    opened = Project.open(project)
    root = opened.root
    deployment = roll_back(
        root,
        target=target,
        to=to,
        release=read_release(opened),
        access=access,
        pace=pace,
        on_event=on_event,
    )
    _record("rollback", deployment, store, on_event)
    return deployment


def promote(
    project: str | Path,
    *,
    source: str = "staging",
    target: str = "production",
    reason: str,
    approved_by: str = "",
    force: bool = False,
    access: ClusterAccess | None = None,
    store: str | None = None,
    pace: Pace | None = None,
    on_event: OnEvent = ignore,
) -> Deployment:
    """Deploy to `target` the very image that runs at `source`; return what runs.

    Args:
        project: The project's folder.
        source: Where it is proven.
        target: Where it goes.
        reason: Why it may; recorded.
        approved_by: Who says so; whoever calls, where it is left out.
        force: Promote what is not proven.
        access: As for `deploy`.
        store: As for `deploy`.
        pace: As for `deploy`.
        on_event: As for `deploy`.

    Raises:
        PromotionRefusedError: What runs at `source` is not proven, or is not the project's model.
    """
    from scaffold.deploy import deploy_project, release_to_promote

    opened = Project.open(project)
    root = opened.root
    asked = replace(read_release(opened), reason=reason, approved_by=approved_by or user_and_host())
    image, release = release_to_promote(root, source=source, release=asked, force=force, access=access)
    deployment = deploy_project(
        root,
        target=target,
        image=image,
        release=release,
        access=access,
        docker_config=docker_config(image),
        pace=pace,
        on_event=on_event,
    )
    _record("promote", deployment, store, on_event)
    return deployment


def deployments(
    project: str | Path,
    *,
    target: str = "staging",
    access: ClusterAccess | None = None,
) -> tuple[Deployment, ...]:
    """Return the revisions that the cluster keeps of a target, the newest first."""
    from scaffold.deploy import read_history

    return read_history(Path(project), target=target, access=access)


def undeploy(
    project: str | Path,
    *,
    target: str = "staging",
    access: ClusterAccess | None = None,
    store: str | None = None,
    on_event: OnEvent = ignore,
) -> Removal:
    """Delete what deploys created at a target, and nothing else; return what went and what stays."""
    from scaffold.deploy import remove_deployment

    removal = remove_deployment(Path(project), target=target, access=access)
    if removal.last is not None:
        _record("undeploy", removal.last, store, on_event)
    return removal


def logs(
    project: str | Path,
    *,
    target: str = "staging",
    follow: bool = False,
    tail: int = 100,
    access: ClusterAccess | None = None,
) -> Iterator[str]:
    """Yield the last lines of the logs of a target's pods."""
    from scaffold.deploy import stream_logs

    return stream_logs(Path(project), target=target, follow=follow, tail=tail, access=access)


def read_release(project: Project) -> Release:
    """Return what is recorded of a project beside its image: model, proof, commit, and who asks."""
    return Release(
        model_sha256=project.model_sha256,
        proof=_proof(project),
        git_revision=_git_revision(project.root),
        by=user_and_host(),
    )


def docker_config(image: str) -> str | None:
    """Return the login for the image's registry as Docker writes it down; None where there is none.

    From `SCAFFOLD_REGISTRY_USERNAME` and `SCAFFOLD_REGISTRY_PASSWORD`, else what `docker login` keeps.
    """
    registry = _registry_of(image)
    username = os.environ.get("SCAFFOLD_REGISTRY_USERNAME", "")
    password = os.environ.get("SCAFFOLD_REGISTRY_PASSWORD", "")
    if not (username and password):
        try:
            from scaffold.image._credentials import stored_credentials

            known = stored_credentials(registry)
        except ImportError:  # no `image` extra, so nobody has logged in through it
            known = None
        if known is None or not known.password:
            return None
        username, password = known.username, known.password
    login = base64.b64encode(f"{username}:{password}".encode()).decode()
    key = "https://index.docker.io/v1/" if registry == "docker.io" else registry
    return json.dumps({"auths": {key: {"username": username, "password": password, "auth": login}}})


def _build(root: Path, name: str, choices: BuilderChoices, on_event: OnEvent) -> Image:
    """Build the image under `name` and push it; with an engine where there is one."""
    from scaffold._building import build

    if "/" not in name:
        raise NoRegistryInManifestsError(str(root), name)
    has_engine = bool(os.environ.get("DOCKER_HOST")) or Path("/var/run/docker.sock").exists()
    builder = choices.setdefault("builder", "docker" if has_engine else "layers")
    on_event(Started("build", f"{name}, by {builder}"))
    return build(root, tag=name, push=True, on_event=on_event, **choices)


def _image_name(root: Path, target: str, registry: str | None) -> str:
    """The image's name and tag, as the target's manifests have it, in `registry` where one is given."""
    from scaffold.deploy import read_image

    name = read_image(root, target)
    return f"{registry.rstrip('/')}/{name.rpartition('/')[2]}" if registry else name


def _registry_of(image: str) -> str:
    first, slash, _ = image.partition("/")
    is_host = slash and ("." in first or ":" in first or first == "localhost")
    return first if is_host else "docker.io"


def _proof(project: Project) -> str:
    """How the proof of the project ended, as its record says."""
    try:
        verification = project.verification
    except ScaffoldError:
        return "not recorded"
    if verification is None:
        return "skipped"
    return "passed" if verification.passed else "failed"


def _git_revision(root: Path) -> str:
    command = ["git", "-C", str(root), "describe", "--always", "--abbrev=40", "--dirty", "--match="]
    try:
        return run_command(command).stdout.strip()
    except CommandError:
        return ""


def _record(action: str, deployment: Deployment, url: str | None, on_event: OnEvent) -> None:
    """Write a line into the store. What runs, runs: a store that is away is told, and fails nothing."""
    try:
        from scaffold.store import Entry, open_store

        store = open_store(url)
        try:
            store.record_deployment(Entry(action=action, deployment=deployment))
        finally:
            store.close()
    except (MissingExtraError, StoreError) as error:
        on_event(Noted(f"not recorded in the store: {error}"))
