"""One deploy, from the manifests to a URL that gives the model's answers, or to a rollback."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from scaffold.base.docker_hub import repository_of
from scaffold.base.recording import read_recording
from scaffold.base.who import now_utc, user_and_host
from scaffold.cluster._api_errors import api_errors
from scaffold.cluster._apply import allow_zero, with_a_pod
from scaffold.cluster._attempt import Attempt
from scaffold.cluster._backends import check_route
from scaffold.cluster._canary import read_canary_steps, remove_canary
from scaffold.cluster._client import Cluster
from scaffold.cluster._describe import PASSED
from scaffold.cluster._kubeconfig import ClusterAccess, connect
from scaffold.cluster._lock import deploy_lock
from scaffold.cluster._manifests import Target, read_target
from scaffold.cluster._objects import annotate
from scaffold.cluster._pairs import check_settings
from scaffold.cluster._place import require_own_place
from scaffold.cluster._plan import Change, Conduct, Plan, plan_changes
from scaffold.cluster._platforms import service_container
from scaffold.cluster._prerequisites import ensure_namespace, ensure_pull_secret
from scaffold.cluster._recorded import require_own
from scaffold.cluster._revisions import require_revisions
from scaffold.cluster._rollout import Pace
from scaffold.cluster._serverless_verbs import deploy_revision, describe_target
from scaffold.cluster._service import check_service
from scaffold.errors import DeployError, ScaffoldError
from scaffold.errors.wording import on_project
from scaffold.events import ChangesPlanned, Finished, Noted, OnEvent, ignore
from scaffold.spec import Deployment, Image, Measurements, Recording, Release

_BY_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")


def deploy_project(
    root: Path,
    *,
    target: str,
    image: Image | str | Callable[[], Image | str],
    release: Release,
    measured: Measurements | None = None,
    environment: Mapping[str, str] | None = None,
    access: ClusterAccess | None = None,
    docker_config: str | None = None,
    force_conflicts: bool = False,
    roll_back: bool = True,
    remove_failed: bool = False,
    candidate: bool = True,
    on_proven: Callable[[], None] = lambda: None,
    pace: Pace | None = None,
    on_event: OnEvent = ignore,
) -> Deployment:
    """Deploy the project at `root` and return what runs now: its URL gives the model's answers.

    Args:
        root: The project; `deploy/<target>/` and `tests/recorded.json` of it are read.
        target: A folder under `deploy/`.
        image: The image by digest, or a function that builds and pushes it; called once the cluster answers.
        release: What is recorded beside the image.
        measured: What the proof of the project measured: shown where the pods lack memory.
        environment: What the Dockerfile sets with ENV: settings, where the manifests say nothing else.
        access: Which cluster; else that of `$KUBECONFIG`, of `~/.kube/config`, or of the pod.
        docker_config: The text of a docker `config.json` with the registry's login, for the pull secret.
        force_conflicts: Take over fields that others have set.
        roll_back: Whether a deploy that fails is taken back to what ran before.
        remove_failed: Whether a first deploy that fails is removed instead of left for inspection.
        candidate: Whether a revision that replaces another one is replayed in a pod outside of the Service
            before callers reach it, and by a canary where the target has steps for one; that takes the
            resources of more pods for that time. With KServe and Knative the revision gets no callers first.
        on_proven: Called after the live proof while the target is still locked, to move a tag.
        pace: How long to wait.
        on_event: Called with each event.

    Raises:
        DeployError: One of its leaves; the message says what failed, what to do, and what was rolled back.
        VerificationError: The recorded sample of the project cannot be read; nothing was deployed.
    """
    pace = pace or Pace()
    with api_errors():
        resolved = read_target(root, target, measured)
        _check_manifests(resolved, environment or {}, on_event)
        recording = read_recording(root)
        cluster = connect(access)
        _reach(cluster)
        reference = _reference(image() if callable(image) else image, target, on_event)
        ensure_namespace(cluster, resolved, pace, on_event)
        with deploy_lock(cluster, resolved, holder_name(release)):
            if docker_config:
                ensure_pull_secret(cluster, resolved, docker_config)
            if not resolved.platform:
                remove_canary(cluster, resolved, pace)
            plan = plan_changes(cluster, resolved, reference, force=force_conflicts)
            require_own_place(cluster, root, resolved, plan)
            on_event(ChangesPlanned(plan.summary))
            run = deploy_revision if resolved.platform else _deploy_pods
            conduct = Conduct(
                force=force_conflicts,
                candidate=candidate,
                roll_back=roll_back,
                remove_failed=remove_failed,
                on_proven=on_proven,
            )
            notes = notes_of(resolved, reference, release)
            run(cluster, resolved, plan.changes, notes, recording, conduct, pace, on_event)
            return describe_target(cluster, resolved)


def _deploy_pods(
    cluster: Cluster,
    target: Target,
    changes: Sequence[Change],
    notes: dict[str, str],
    recording: Recording,
    conduct: Conduct,
    pace: Pace,
    on_event: OnEvent,
) -> None:
    """Deploy a Deployment under the lock of the target, and record it."""
    steps = read_canary_steps(target)
    attempt = Attempt(
        cluster,
        target,
        with_a_pod(changes),
        notes,
        recording,
        pace,
        on_event,
        steps,
        force=conduct.force,
    )
    with attempt.recording_failure(roll_back=conduct.roll_back, remove=conduct.remove_failed):
        url = attempt.run(candidate=conduct.candidate)
    with attempt.interrupts.deferred():  # until the tag and the pin name what runs
        proven = annotate(cluster, target.deployment, attempt.notes | {"live": PASSED, "url": url})
        allow_zero(cluster, changes, force=conduct.force)
        require_own(proven, target)
        conduct.on_proven()


def plan_deployment(
    root: Path,
    *,
    target: str,
    image: str = "",
    access: ClusterAccess | None = None,
    force_conflicts: bool = False,
) -> Plan:
    """Return what a deploy would change, as the server sees it; nothing is written.

    Args:
        root: The project.
        target: A folder under `deploy/`.
        image: The image by digest; the one that runs, else the manifest's, where it is left out.
        access: As for `deploy_project`.
        force_conflicts: As for `deploy_project`.
    """
    with api_errors():
        resolved = read_target(root, target)
        cluster = connect(access)
        _reach(cluster)
        if not image:
            live = cluster.get(cluster.locate(resolved.deployment))
            image = service_container(live or resolved.deployment)["image"]
        return plan_changes(cluster, resolved, image, force=force_conflicts)


def holder_name(release: Release | None = None) -> str:
    """Return who deploys, and from where: `ada@build-7`."""
    return (release.by if release and release.by else "") or user_and_host()


def describe_failure(
    root: Path, target: str, image: str, release: Release, error: ScaffoldError
) -> Deployment:
    """Return a failed deploy, for the record.

    Args:
        root: The project.
        target: A folder under its `deploy/`.
        image: The image that the deploy was to run.
        release: The release of that image.
        error: Why the deploy failed.
    """
    resolved = read_target(root, target)
    return Deployment(
        target=target,
        namespace=resolved.namespace,
        name=resolved.service,
        image=image,
        url="",
        revision=0,
        at=now_utc(),
        live=error.problem if isinstance(error, DeployError) else str(error).partition("\n")[0],
        release=release,
    )


def notes_of(target: Target, image: str, release: Release) -> dict[str, str]:
    """Return the notes that are recorded on the Deployment of a target."""
    notes = {
        "target": target.name,
        "image": image,
        "model-sha256": release.model_sha256,
        "proof": release.proof,
        "git-revision": release.git_revision,
        "by": holder_name(release),
        "at": now_utc(),
        "approved-by": release.approved_by,
        "reason": release.reason,
    }
    return {key: value for key, value in notes.items() if value}


def _check_manifests(target: Target, environment: Mapping[str, str], on_event: OnEvent) -> None:
    """Check that the manifests belong together, before anything is built; the cluster is not asked."""
    read_canary_steps(target)
    if target.platform:
        require_revisions(target.deployment)
        return
    check_service(target)
    check_route(target)
    for note in check_settings(target, environment):
        on_event(Noted(note))


def _reach(cluster: Cluster) -> None:
    """Check that the cluster answers, before an image is built for it."""
    cluster.request("GET", "/version", timeout_s=10)


def _reference(image: Image | str, target: str, on_event: OnEvent) -> str:
    """Return the reference of the image with its digest.

    Raises:
        DeployError: It has no digest: a tag can be moved.
    """
    if isinstance(image, Image):
        reference = f"{repository_of(image.reference)}@{image.digest}"
    else:
        name, at, digest = image.partition("@")
        reference = f"{repository_of(name)}{at}{digest}" if digest else image
    if not _BY_DIGEST.search(reference):
        command = on_project("build", push=True, target=target)
        fix = f"Push it: {command}. Its digest is what is deployed, for a tag can be moved."
        raise DeployError("The image has no digest.", (f"image: {reference}",), fix)
    on_event(Finished("image", reference))
    return reference
