"""Why the scheduler finds no node for the pods."""

from __future__ import annotations

import re

from scaffold.cluster._client import Cluster, Manifest
from scaffold.cluster._platforms import service_container
from scaffold.cluster._refusal import ApiError
from scaffold.cluster._scene import Failure, Scene, events_of, sentence

_FULL = re.compile(r"Insufficient |Too many pods|no nodes available")
_NODE_COMES = ("TriggeredScaleUp", "Nominated")
"""Events of the cluster autoscaler and of Karpenter: a node for the pod is on its way."""
_NO_CLAIM = re.compile(r'persistentvolumeclaim "([^"]+)" not found')


def unschedulable(scene: Scene, pod: Manifest) -> Failure | None:
    """Return why no node is found for a pod; None if the scheduler does not say that."""
    conditions = (pod.get("status") or {}).get("conditions") or []
    for condition in conditions:
        if condition.get("type") == "PodScheduled" and condition.get("reason") == "Unschedulable":
            return _scheduling_failure(scene, pod, condition.get("message", ""))
    return None


def _scheduling_failure(scene: Scene, pod: Manifest, message: str) -> Failure:
    scheduler_message = f"the scheduler says: {sentence(message)}"
    if claim := _NO_CLAIM.search(message):
        return Failure(
            problem="The pods need a persistentvolumeclaim that is not there.",
            found=(f"claim: {claim[1]}", scheduler_message),
            fix=f"Create the claim, or take it out of `volumes` in {scene.file}.",
            patience_s=10,
        )
    patience_s = 600 if events_of(scene, pod["metadata"]["name"], _NODE_COMES) else 45
    if not _FULL.search(message):
        return Failure(
            problem="No node may run the pods.",
            found=(scheduler_message,),
            fix=f"Change `nodeSelector`, `affinity`, `tolerations` or `volumes` in {scene.file}, "
            "or the labels and taints of the nodes.",
            patience_s=patience_s,
        )
    requests = service_container(scene.deployment).get("resources", {}).get("requests", {})
    requested = ", ".join(f"{key} {value}" for key, value in sorted(requests.items()))
    return Failure(
        problem="No node has room for the pods.",
        found=(
            f"asked for by each pod: {requested or 'nothing'}",
            scheduler_message,
            *_node_rooms(scene.cluster),
        ),
        fix=f"Lower `resources.requests` in {scene.file}, run fewer replicas, or add a node.",
        patience_s=patience_s,
        no_room=True,
    )


def _node_rooms(cluster: Cluster) -> list[str]:
    """Return the allocatable resources of each node, if this user may list nodes."""
    try:
        nodes = cluster.list("/api/v1/nodes")
    except ApiError:
        return []
    rooms = []
    for node in nodes[:5]:
        room = (node.get("status") or {}).get("allocatable") or {}
        name = node["metadata"]["name"]
        rooms.append(f"node {name} has: cpu {room.get('cpu', '?')}, memory {room.get('memory', '?')}")
    return rooms
