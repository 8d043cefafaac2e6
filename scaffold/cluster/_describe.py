"""The `Deployment` value of what runs at a target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from scaffold.cluster._candidate import canaries
from scaffold.cluster._client import Cluster, Manifest
from scaffold.cluster._manifests import Target
from scaffold.cluster._objects import record_of
from scaffold.cluster._platforms import service_container
from scaffold.cluster._pods import STOPPING, pod_state
from scaffold.cluster._recorded import change_by_others, change_of_tag, names_template
from scaffold.cluster._refusal import ApiError
from scaffold.cluster._rollout import live_deployment, pods_of, revision_of
from scaffold.cluster._service import selects
from scaffold.spec import Deployment, PodState, Release

PASSED = "passed"
PENDING = "pending"
UNNAMED = "not known: the record is of an earlier version, without the pod template"
UNSERVED = "not known: no Service of the cluster leads to its pods now"
SHARED = "not known: a candidate or canary is there too; if no deploy is under way, the next one removes it"


def describe_live(cluster: Cluster, target: Target) -> Deployment:
    """Return what runs at a target, with its pods.

    Raises:
        NotDeployedError: Nothing runs there.
    """
    live = live_deployment(cluster, target)
    pods = pods_of(cluster, live)
    states = [pod_state(pod) for pod in pods]
    unready = tuple(state for state in states if not state.ready and state.state != STOPPING)
    deployment = describe_deployment(live, target, unready)
    if deployment.live == PASSED and (change := change_of_tag(live, pods)):
        deployment = replace(deployment, live=change)
    if deployment.live == PASSED and not _is_served(cluster, live):
        deployment = replace(deployment, live=UNSERVED)
    return replace(deployment, live=SHARED) if canaries(cluster, target) else deployment


def _is_served(cluster: Cluster, live: Manifest) -> bool:
    """Whether a Service selects the pods of a Deployment, or the account may not list Services."""
    labels = live["spec"]["template"]["metadata"].get("labels") or {}
    try:
        services = cluster.list(f"/api/v1/namespaces/{live['metadata']['namespace']}/services")
    except ApiError as error:
        if error.status != 403:
            raise
        return True
    return any(selects(service["spec"].get("selector"), labels) for service in services)


def release_of(notes: Mapping[str, str]) -> Release | None:
    """Return the release in the record of a deploy; None if there is none."""
    if "model-sha256" not in notes:
        return None
    return Release(
        model_sha256=notes["model-sha256"],
        proof=notes.get("proof", ""),
        git_revision=notes.get("git-revision", ""),
        by=notes.get("by", ""),
        approved_by=notes.get("approved-by", ""),
        reason=notes.get("reason", ""),
    )


def describe_deployment(live: Manifest, target: Target, unready: tuple[PodState, ...] = ()) -> Deployment:
    """Return a Deployment, or one of its ReplicaSets, as the value that other stages know.

    Args:
        live: The object as it is in the cluster.
        target: Its target.
        unready: Its pods that are not ready.
    """
    image = service_container(live)["image"]
    notes = record_of(live["metadata"].get("annotations") or {})
    # If another tool changes the pods, the notes of the former ones stay on the Deployment.
    changed = change_by_others(live)
    result = notes.get("live", "")
    if result == PASSED and not names_template(notes):
        result = UNNAMED
    return Deployment(
        target=target.name,
        namespace=target.namespace,
        name=target.service,
        image=image,
        url=notes.get("url", ""),
        revision=revision_of(live),
        replicas=int((live.get("status") or {}).get("readyReplicas") or 0),
        wanted=int((live.get("spec") or {}).get("replicas") or 0),
        unready=unready,
        at=notes.get("at", ""),
        live=changed or result,
        release=None if changed else release_of(notes),
    )
