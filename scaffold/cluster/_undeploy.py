"""Remove what deploys created at a target, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from scaffold.cluster._api_errors import api_errors
from scaffold.cluster._client import Cluster, Kind, Manifest
from scaffold.cluster._deploy import holder_name
from scaffold.cluster._describe import describe_deployment
from scaffold.cluster._kubeconfig import ClusterAccess, connect
from scaffold.cluster._lock import deploy_lock
from scaffold.cluster._manifests import MANAGED_BY, MANAGER_NAME, Target, describe, is_of, read_target
from scaffold.cluster._objects import beside, is_made_by_us
from scaffold.cluster._refusal import ApiError
from scaffold.cluster._rollout import replica_sets
from scaffold.spec import Deployment

# Objects that Kubernetes, OpenShift and Istio create in every namespace, and leftovers of deleted objects.
_OF_THE_CLUSTER = {
    "ConfigMap/kube-root-ca.crt",
    "ConfigMap/openshift-service-ca.crt",
    "ConfigMap/istio-ca-root-cert",
    "ServiceAccount/default",
    "ServiceAccount/builder",
    "ServiceAccount/deployer",
    "RoleBinding/system:deployers",
    "RoleBinding/system:image-builders",
    "RoleBinding/system:image-pullers",
}
_USUAL = {
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("networking.k8s.io/v1", "Ingress"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("policy/v1", "PodDisruptionBudget"),
    ("v1", "Service"),
    ("v1", "ServiceAccount"),
}
"""Kinds that the documented Role may list: a former deploy may have made them."""
_TRACES = {"Event", "Endpoints", "EndpointSlice", "PodMetrics", "ControllerRevision"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """The result of `undeploy`."""

    removed: tuple[str, ...]
    left: tuple[str, ...]
    """The objects that are not removed, each with the reason."""
    last: Deployment | None = None
    """The deployment that was removed."""


def remove_deployment(root: Path, *, target: str, access: ClusterAccess | None = None) -> Removal:
    """Delete what our deploys created at the target; the namespace too if we made it and it is empty.

    Args:
        root: The project.
        target: A folder under `deploy/`.
        access: As for `deploy_project`.
    """
    with api_errors():
        resolved_target = read_target(root, target)
        cluster = connect(access)
        namespace = cluster.get(f"/api/v1/namespaces/{resolved_target.namespace}")
        if namespace is None:
            return Removal(removed=(), left=())
        removed: list[str] = []
        kept_objects: list[str] = []
        with deploy_lock(cluster, resolved_target, holder_name()):
            live = cluster.get(cluster.locate(resolved_target.deployment))
            last = describe_deployment(live, resolved_target) if live else None
            revisions = [live, *replica_sets(cluster, live)] if live else []
            for ours in _ours(cluster, resolved_target, revisions):
                if is_made_by_us(ours):
                    cluster.delete(cluster.locate(ours), uid=ours["metadata"]["uid"])
                    removed.append(describe(ours))
                else:
                    kept_objects.append(f"{describe(ours)}: it was there before the first deploy")
        _remove_namespace(cluster, namespace, set(removed), removed, kept_objects)
        return Removal(removed=tuple(removed), left=tuple(kept_objects), last=last)


def _ours(cluster: Cluster, target: Target, revisions: list[Manifest]) -> list[Manifest]:
    """Return the objects with our labels, of the kinds that a target may hold, and its secrets.

    Args:
        cluster: The cluster.
        target: What is in the project now.
        revisions: The Deployment and its revisions: what was applied with them may be out of the project.
    """
    former = [manifest for revision in revisions for manifest in beside(revision)]
    kinds = {(manifest["apiVersion"], manifest["kind"]) for manifest in (*target.manifests, *former)}
    kinds |= _USUAL
    kinds -= {("v1", "Namespace"), ("v1", "Secret")}
    objects: list[Manifest] = []
    for api_version, kind in sorted(kinds, key=lambda kind: (kind[1] != "Deployment", kind)):
        served = next((each for each in cluster.kinds(api_version) if each.kind == kind), None)
        # Of a kind that the cluster has no longer there are no objects.
        items = cluster.list(served.path(target.namespace), f"{MANAGED_BY}={MANAGER_NAME}") if served else []
        # The API lists items without their kind.
        objects += [item | {"apiVersion": api_version, "kind": kind} for item in items]
    secrets = {m["metadata"]["name"] for m in target.manifests if m["kind"] == "Secret"}
    for name in sorted(secrets | {target.pull_secret} - {""}):
        if secret := cluster.get(f"/api/v1/namespaces/{target.namespace}/secrets/{name}"):
            objects.append(secret)
    return [each for each in objects if is_of(each, target.service)]


def _remove_namespace(
    cluster: Cluster,
    namespace: Manifest,
    deleted_names: set[str],
    removed: list[str],
    kept_objects: list[str],
) -> None:
    name = namespace["metadata"]["name"]
    if not is_made_by_us(namespace):
        kept_objects.append(f"Namespace/{name}: it was there before the first deploy")
        return
    try:
        remaining = [each for each in _everything_in(cluster, name) if each not in deleted_names]
    except ApiError as error:
        kept_objects.append(f"Namespace/{name}: whether it is empty cannot be seen ({error.message})")
        return
    if remaining:
        more = f" and {len(remaining) - 3} more" if len(remaining) > 3 else ""
        kept_objects.append(f"Namespace/{name}: it holds {', '.join(remaining[:3])}{more}")
        return
    try:
        cluster.delete(f"/api/v1/namespaces/{name}", uid=namespace["metadata"]["uid"])
    except ApiError as error:
        kept_objects.append(f"Namespace/{name}: it may not be deleted ({error.message})")
        return
    removed.append(f"Namespace/{name}")


def _everything_in(cluster: Cluster, namespace: str) -> list[str]:
    """Return the names of the objects in a namespace that have no owner and are not being deleted."""
    names = []
    for kind in _listable_kinds(cluster):
        for item in cluster.list(kind.path(namespace)):
            metadata = item["metadata"]
            name = f"{kind.kind}/{metadata['name']}"
            is_dependent = bool(metadata.get("ownerReferences")) or "deletionTimestamp" in metadata
            if not is_dependent and name not in _OF_THE_CLUSTER:
                names.append(name)
    return names


def _listable_kinds(cluster: Cluster) -> list[Kind]:
    return [
        kind
        for api_version in cluster.api_versions()
        for kind in cluster.kinds(api_version)
        if kind.namespaced and "list" in kind.verbs and kind.kind not in _TRACES
    ]
