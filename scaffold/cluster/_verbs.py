"""The verbs for a deployed target: status, rollback, history."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

from scaffold.base.recording import read_recording
from scaffold.base.who import now_utc
from scaffold.cluster._address import find_service
from scaffold.cluster._api_errors import api_errors
from scaffold.cluster._apply import allow_zero, apply_changes, seed_replicas, with_a_pod
from scaffold.cluster._arrival import replay_over_route
from scaffold.cluster._autoscaler import remove_former
from scaffold.cluster._canary import remove_canary
from scaffold.cluster._client import Cluster, Manifest
from scaffold.cluster._deploy import holder_name, notes_of
from scaffold.cluster._describe import PASSED, PENDING, describe_deployment, describe_live
from scaffold.cluster._kubeconfig import ClusterAccess, connect
from scaffold.cluster._lock import deploy_lock
from scaffold.cluster._manifests import Target, in_order, read_target
from scaffold.cluster._objects import annotate, applied_copy, beside, omitted_beside, record_of, remove_later
from scaffold.cluster._plan import changes_back
from scaffold.cluster._platforms import service_container
from scaffold.cluster._recorded import change_by_others, content_note, is_outcome, require_own, template_note
from scaffold.cluster._refusal import ApiError
from scaffold.cluster._rollout import (
    Pace,
    live_deployment,
    pods_of,
    replica_sets,
    revision_of,
    wait_for_rollout,
)
from scaffold.cluster._serverless_verbs import (
    describe_entries,
    describe_target,
    roll_back_revision,
)
from scaffold.cluster._smoke import summary_of
from scaffold.errors import DeployError, NotDeployedError
from scaffold.errors.wording import on_project
from scaffold.events import Finished, OnEvent, PodsChanged, ignore
from scaffold.spec import Deployment, Measurements, Recording, Release


def read_status(root: Path, *, target: str, access: ClusterAccess | None = None) -> Deployment:
    """Return what runs at the target.

    Args:
        root: The project.
        target: A folder under `deploy/`.
        access: As for `deploy_project`.

    Raises:
        NotDeployedError: Nothing runs there.
    """
    with api_errors():
        resolved_target = read_target(root, target)
        return describe_target(connect(access), resolved_target)


def read_history(root: Path, *, target: str, access: ClusterAccess | None = None) -> tuple[Deployment, ...]:
    """Return the revisions that the cluster keeps, the newest first, as they were recorded.

    Args:
        root: The project.
        target: A folder under `deploy/`.
        access: As for `deploy_project`.
    """
    with api_errors():
        resolved_target = read_target(root, target)
        cluster = connect(access)
        if resolved_target.platform:
            return describe_entries(cluster, resolved_target)
        sets = replica_sets(cluster, live_deployment(cluster, resolved_target))
        return tuple(describe_deployment(replica_set, resolved_target) for replica_set in sets)


def roll_back(
    root: Path,
    *,
    target: str,
    to: int | None = None,
    release: Release,
    measured: Measurements | None = None,
    access: ClusterAccess | None = None,
    pace: Pace | None = None,
    on_event: OnEvent = ignore,
) -> Deployment:
    """Bring the target back to an earlier revision and return what runs now.

    The objects that were applied with the revision are restored, and later ones removed; secrets stay. The
    sample is replayed if the revision serves the model of the project, which has no recorded answers of
    another model, or if another tool made the revision.

    Args:
        root: The project.
        target: A folder under `deploy/`.
        to: The revision, proven or not; by default the last one before the present one that went live.
        release: Who rolls back, and the model of the project.
        measured: As for `deploy_project`.
        access: As for `deploy_project`.
        pace: As for `deploy_project`.
        on_event: As for `deploy_project`.

    Raises:
        NotDeployedError: There is no such revision.
        RolloutFailedError: Its pods do not become ready.
    """
    pace = pace or Pace()
    with api_errors():
        resolved_target = read_target(root, target, measured)
        cluster = connect(access)
        live_deployment(cluster, resolved_target)  # without one there may be no namespace for the lock
        with deploy_lock(cluster, resolved_target, holder_name(release)):
            if resolved_target.platform:
                return roll_back_revision(cluster, resolved_target, to, release, root, pace, on_event)
            live = live_deployment(cluster, resolved_target)
            revision = _choose(cluster, live, to, resolved_target)
            remove_canary(cluster, resolved_target, pace)
            notes, may_replay = _notes_of_revision(revision, resolved_target, release)
            recording = read_recording(root) if may_replay else None
            notes |= {"by": holder_name(release), "at": now_utc()}
            notes["reason"] = f"rollback from revision {revision_of(live)} to {revision_of(revision)}"
            on_event(Finished("apply", notes["reason"]))
            manifest = _manifest_of(revision, live)
            restored = in_order([manifest, *beside(manifest)])
            changes = changes_back(cluster, restored)
            if beside(manifest):
                remove_former(cluster, live, restored)
            stored = apply_changes(cluster, with_a_pod(changes), force=True)
            if recording:  # otherwise the recorded outcome belongs to the former pod template
                notes |= template_note(next(each for each in stored if each["kind"] == "Deployment"))
            seed_replicas(cluster, restored, live)
            annotate(cluster, resolved_target.deployment, notes | {"live": PENDING})
            with _recording_failure(cluster, resolved_target, notes):
                wait_for_rollout(cluster, resolved_target, pace, lambda pods: on_event(PodsChanged(pods)))
                if beside(manifest):
                    remove_later(cluster, beside(live), restored, omitted_beside(manifest))
                    # The revision may have had another route than the manifests of today.
                    resolved_target = replace(resolved_target, manifests=tuple(restored))
                notes["url"] = _replay(recording, cluster, resolved_target, pace, on_event)
            outcome = _passed(cluster, resolved_target, notes, release) if recording else {}
            restored_deployment = annotate(cluster, resolved_target.deployment, notes | outcome)
            allow_zero(cluster, changes, force=True)
            if recording:
                require_own(restored_deployment, resolved_target)
            return describe_live(cluster, resolved_target)


@contextlib.contextmanager
def _recording_failure(cluster: Cluster, target: Target, notes: dict[str, str]) -> Iterator[None]:
    """If the block fails or is interrupted, record that on the Deployment."""
    try:
        yield
    except DeployError as error:
        outcome = {"live": error.problem} if is_outcome(error) or "live" not in notes else {}
        annotate(cluster, target.deployment, notes | outcome)
        raise
    except KeyboardInterrupt as error:
        with contextlib.suppress(DeployError, ApiError):
            annotate(cluster, target.deployment, notes | {"live": "interrupted"})
        raise DeployError(
            "The rollback was interrupted.",
            (),
            f"Look at it: {on_project('status', target=target.name)}",
            "What was restored goes on in the cluster.",
        ) from error


def _choose(cluster: Cluster, live: Manifest, to: int | None, target: Target) -> Manifest:
    sets = replica_sets(cluster, live)
    present = revision_of(live)
    earlier = [replica_set for replica_set in sets if revision_of(replica_set) != present]
    candidates = [
        replica_set
        for replica_set in earlier
        if (_went_live(replica_set) if to is None else revision_of(replica_set) == to)
    ]
    if to == present:
        raise NotDeployedError(
            f"'{target.name}' runs revision {present} already.",
            (),
            on_project("deployments", target=target.name),
        )
    if not candidates:
        numbers = ", ".join(str(revision_of(replica_set)) for replica_set in earlier) or "none"
        revision_name = f"revision {to}" if to is not None else "other one that went live"
        raise NotDeployedError(
            f"'{target.name}' runs revision {present}, and there is no {revision_name}.",
            (f"kept: {numbers}",),
            on_project("deployments", target=target.name),
        )
    return candidates[0]


def _went_live(replica_set: Manifest) -> bool:
    """Whether a rollback may choose this revision by default: its last deploy ended with a passed replay."""
    notes = record_of(replica_set["metadata"].get("annotations") or {})
    return "image" in notes and notes.get("live") == PASSED and not change_by_others(replica_set)


def _notes_of_revision(revision: Manifest, target: Target, release: Release) -> tuple[dict[str, str], bool]:
    """Return the record of a revision, and whether the sample of the project may be replayed to it.

    A revision of another tool has the notes of the deploy before it, or none, and may serve any model.
    """
    notes = record_of(revision["metadata"].get("annotations") or {})
    if "image" in notes and not change_by_others(revision):
        return notes, notes.get("model-sha256") == release.model_sha256
    image = service_container(revision)["image"]
    return notes_of(target, image, Release(model_sha256="", proof="")), True


def _passed(cluster: Cluster, target: Target, notes: dict[str, str], release: Release) -> dict[str, str]:
    """Return the notes of a replay that passed, beside those of the revision."""
    live = live_deployment(cluster, target)
    outcome = {"live": PASSED} | content_note(live, pods_of(cluster, live))
    # Which model another tool's revision serves, only the replay has told.
    is_known = "model-sha256" in notes
    return outcome | ({} if is_known else {"model-sha256": release.model_sha256, "proof": "not recorded"})


def _manifest_of(replica_set: Manifest, live: Manifest) -> Manifest:
    """Return the Deployment that was applied for a revision; for another tool's revision, its pods only."""
    applied = applied_copy(replica_set)
    # Kubernetes copies the Deployment's notes to each revision, those of other tools too.
    is_own = not change_by_others(replica_set)
    if is_own and applied is not None and _pods_in(applied) == _pods_in(replica_set):
        return applied
    # A policy of the cluster changed the pods, or `verify` recorded those of another tool.
    manifest = (applied if is_own else None) or applied_copy(live) or _bare(live)
    template = cast("Manifest", json.loads(json.dumps(replica_set["spec"]["template"])))
    template["metadata"].get("labels", {}).pop("pod-template-hash", None)
    template["metadata"].pop("creationTimestamp", None)
    manifest["spec"]["template"] = template
    return manifest


def _pods_in(manifest: Manifest) -> list[tuple[str, str, list[str]]]:
    """Return what distinguishes the pods of two revisions: images, and the names of the settings."""
    containers = manifest["spec"]["template"]["spec"]["containers"]
    return [
        (container["name"], container["image"], sorted(e["name"] for e in container.get("env") or []))
        for container in containers
    ]


def _bare(live: Manifest) -> Manifest:
    metadata = {key: live["metadata"][key] for key in ("name", "namespace")}
    return {
        "apiVersion": live["apiVersion"],
        "kind": live["kind"],
        "metadata": metadata,
        "spec": {"selector": live["spec"]["selector"]},
    }


def _replay(
    recording: Recording | None, cluster: Cluster, target: Target, pace: Pace, on_event: OnEvent
) -> str:
    """Find the address and replay the sample, if the project has one; return the URL."""
    client = find_service(cluster, target, pace)
    with contextlib.closing(client):
        detail = "ready; another model's sample"
        if recording:
            detail = summary_of(replay_over_route(client, cluster, target, recording, pace))
    on_event(Finished("replay", detail))
    return client.url
