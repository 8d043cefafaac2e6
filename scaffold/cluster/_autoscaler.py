"""What sets the replicas of the Deployment: a HorizontalPodAutoscaler, or a ScaledObject of KEDA.

A ScaledObject can scale to zero, but the proof of a deploy needs a pod. So a deploy first applies it with a
minimum of one pod, and as it is written after the proof.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from scaffold.cluster._client import Cluster, Manifest
from scaffold.cluster._manifests import describe
from scaffold.cluster._objects import beside, read_object, remove_later, try_apply, with_own_copy

_LEAST = {"HorizontalPodAutoscaler": ("minReplicas", 1), "ScaledObject": ("minReplicaCount", 0)}
"""By kind: the field with the least number of pods, and its default."""


def autoscalers_in(manifests: Iterable[Manifest]) -> list[Manifest]:
    """Return the manifests that set the replicas of a Deployment."""
    return [manifest for manifest in manifests if manifest["kind"] in _LEAST]


def least_replicas(autoscaler: Manifest) -> int:
    """Return the least number of pods that an autoscaler keeps."""
    field, default = _LEAST[autoscaler["kind"]]
    return int(autoscaler["spec"].get(field, default))


def may_scale_to_zero(manifests: Iterable[Manifest]) -> bool:
    """Whether one of the manifests is an autoscaler that may keep no pod."""
    return any(least_replicas(autoscaler) == 0 for autoscaler in autoscalers_in(manifests))


def keep_a_pod(manifest: Manifest) -> Manifest:
    """Return a manifest, with a minimum of one pod if it is an autoscaler that may keep none."""
    if not may_scale_to_zero([manifest]):
        return manifest
    field, _ = _LEAST[manifest["kind"]]
    spec: dict[str, Any] = {**manifest["spec"], field: 1}
    return {**manifest, "spec": spec}


def former_autoscalers(deployment: Manifest | None, manifests: Sequence[Manifest]) -> list[Manifest]:
    """Return the autoscalers that were applied with a live Deployment and are not among the manifests."""
    applied = {describe(manifest) for manifest in manifests}
    former = autoscalers_in(beside(deployment or {}))
    return [autoscaler for autoscaler in former if describe(autoscaler) not in applied]


def remove_former(cluster: Cluster, deployment: Manifest | None, manifests: Sequence[Manifest]) -> None:
    """Delete autoscalers of our former deploy that would go on to set the replicas.

    Args:
        cluster: The cluster.
        deployment: The Deployment as it was.
        manifests: What is applied now.
    """
    remove_later(cluster, autoscalers_in(beside(deployment or {})), manifests)


def restore_former(cluster: Cluster, deployment: Manifest, manifests: Sequence[Manifest]) -> None:
    """Apply the autoscalers again that `remove_former` deleted."""
    for manifest in former_autoscalers(deployment, manifests):
        if read_object(cluster, manifest) is None:
            try_apply(cluster, with_own_copy(manifest, None), force=True)
