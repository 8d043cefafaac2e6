"""Apply objects to the cluster in order, and restore the former ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from scaffold.cluster._autoscaler import (
    autoscalers_in,
    keep_a_pod,
    least_replicas,
    may_scale_to_zero,
    restore_former,
)
from scaffold.cluster._client import FIELD_MANAGER, Cluster, Manifest
from scaffold.cluster._former import former_state
from scaffold.cluster._objects import (
    annotate,
    beside,
    identity_of,
    record_of,
    try_apply,
)
from scaffold.cluster._plan import Change

_START_MANAGER = "model-scaffold-start"


def apply_changes(cluster: Cluster, changes: Iterable[Change], *, force: bool = False) -> list[Manifest]:
    """Apply the manifests in order; return the objects as the server stores them.

    Raises:
        ApplyConflictError: A field belongs to someone else, who set another value.
        ClusterRefusedError: The server does not take an object.
    """
    stored = []
    for change in changes:
        if change.before is not None:
            _keep_replicas(cluster, change.manifest, change.before)
        stored.append(try_apply(cluster, change.manifest, force=force))
    return stored


def with_a_pod(changes: Iterable[Change]) -> list[Change]:
    """Return the changes with autoscalers that keep at least one pod."""
    return [replace(change, manifest=keep_a_pod(change.manifest)) for change in changes]


def allow_zero(cluster: Cluster, changes: Iterable[Change], *, force: bool = False) -> None:
    """Apply autoscalers that may keep no pod as they are written."""
    for change in changes:
        if may_scale_to_zero([change.manifest]):
            try_apply(cluster, change.manifest, force=force)


def seed_replicas(cluster: Cluster, manifests: Sequence[Manifest], before: Manifest | None) -> None:
    """Set the replicas of a Deployment that has an autoscaler, if it is new or was scaled to zero.

    An autoscaler does not start the first pod unless it sees work.

    Args:
        cluster: The cluster.
        manifests: The manifests that are applied, with the Deployment.
        before: The former Deployment; None if there was none.
    """
    deployment = next(manifest for manifest in manifests if manifest["kind"] == "Deployment")
    autoscaler = next(iter(autoscalers_in(manifests)), None)
    if autoscaler is None or "replicas" in deployment["spec"]:
        return
    may_sleep = may_scale_to_zero([autoscaler, *beside(before or {})])
    if before is None or (may_sleep and before["spec"].get("replicas") == 0):
        _set_replicas(cluster, deployment, max(1, least_replicas(autoscaler)))


def _keep_replicas(cluster: Cluster, manifest: Manifest, before: Manifest) -> None:
    """Keep the replicas of a Deployment that gets an autoscaler, which would start with one pod otherwise."""
    if manifest["kind"] != "Deployment" or "replicas" in manifest["spec"]:
        return
    managers = before["metadata"].get("managedFields") or []
    ours = [entry for entry in managers if entry.get("manager") == FIELD_MANAGER]
    if any("f:replicas" in entry.get("fieldsV1", {}).get("f:spec", {}) for entry in ours):
        _set_replicas(cluster, manifest, before["spec"].get("replicas", 1))


def _set_replicas(cluster: Cluster, deployment: Manifest, replicas: int) -> None:
    """Set the replicas under another field manager, so that an apply without them does not reset them."""
    seed = identity_of(deployment) | {"spec": {"replicas": replicas}}
    try_apply(cluster, seed, field_manager=_START_MANAGER, force=True)


def undo_changes(cluster: Cluster, changes: Sequence[Change]) -> None:
    """Restore objects to what they were before, whoever made them, and delete those that are new.

    The namespace stays.
    """
    for change in reversed(changes):
        if change.before is None:
            if change.manifest["kind"] != "Namespace":
                cluster.delete(cluster.locate(change.manifest))
            continue
        former = former_state(change.before, change.manifest)
        try_apply(cluster, former, force=True)
        if change.manifest["kind"] == "Deployment":
            annotate(cluster, former, record_of(change.before["metadata"].get("annotations") or {}))
            restore_former(cluster, change.before, [each.manifest for each in changes])
