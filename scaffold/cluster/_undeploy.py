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
from scaffold.cluster._manifests import MANAGED_BY, MANAGER_NAME, NAME_LABEL, Target, describe, read_target
from scaffold.cluster._objects import beside, is_made_by_us
from scaffold.cluster._refusal import ApiError
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
_TRACES = {"Event", "Endpoints", "EndpointSlice", "PodMetrics", "ControllerRevision"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What `undeploy` did."""

    removed: tuple[str, ...]
    left: tuple[str, ...]
    """What stays, each with the reason."""
    last: Deployment | None = None
    """What ran until then."""


def remove_deployment(root: Path, *, target: str, access: ClusterAccess | None = None) -> Removal:
    """Delete what our deploys created at the target; the namespace too if we made it and it is empty.

    Args:
        root: The project.
        target: A folder under `deploy/`.
        access: As for `deploy_project`.
    """
    with api_errors():
        wanted = read_target(root, target)
        cluster = connect(access)
        namespace = cluster.get(f"/api/v1/namespaces/{wanted.namespace}")
        if namespace is None:
            return Removal(removed=(), left=())
        removed: list[str] = []
        left: list[str] = []
        live = cluster.get(cluster.locate(wanted.deployment))
        last = describe_deployment(live, wanted) if live else None
        with deploy_lock(cluster, wanted, holder_name()):
            for ours in _ours(cluster, wanted, beside(live or {})):
                if is_made_by_us(ours):
                    cluster.delete(cluster.locate(ours), uid=ours["metadata"]["uid"])
                    removed.append(describe(ours))
                else:
                    left.append(f"{describe(ours)}: it was there before the first deploy")
        _remove_namespace(cluster, namespace, set(removed), removed, left)
        return Removal(removed=tuple(removed), left=tuple(left), last=last)


def _ours(cluster: Cluster, target: Target, live: list[Manifest]) -> list[Manifest]:
    """The objects with our labels, of the kinds that a target may hold; and the pull secret, by its name."""
    kinds = {(manifest["apiVersion"], manifest["kind"]) for manifest in (*target.manifests, *live)}
    kinds |= {("autoscaling/v2", "HorizontalPodAutoscaler"), ("networking.k8s.io/v1", "Ingress")}
    kinds |= {("networking.k8s.io/v1", "NetworkPolicy")}
    kinds -= {("v1", "Namespace"), ("v1", "Secret")}
    selector = f"{MANAGED_BY}={MANAGER_NAME},{NAME_LABEL}={target.service}"
    found: list[Manifest] = []
    for api_version, kind in sorted(kinds, key=lambda one: (one[1] != "Deployment", one)):
        path = cluster.kind(api_version, kind).path(target.namespace)
        # Items of a list come without their kind.
        items = cluster.list(path, selector)
        found += [one | {"apiVersion": api_version, "kind": kind} for one in items]
    secrets = {one["metadata"]["name"] for one in target.manifests if one["kind"] == "Secret"}
    for name in sorted(secrets | {target.pull_secret} - {""}):
        secret = cluster.get(f"/api/v1/namespaces/{target.namespace}/secrets/{name}")
        if secret and (secret["metadata"].get("labels") or {}).get(MANAGED_BY) == MANAGER_NAME:
            found.append(secret)
    return found


def _remove_namespace(
    cluster: Cluster, namespace: Manifest, gone: set[str], removed: list[str], left: list[str]
) -> None:
    name = namespace["metadata"]["name"]
    if not is_made_by_us(namespace):
        left.append(f"Namespace/{name}: it was there before the first deploy")
        return
    try:
        others = [one for one in _everything_in(cluster, name) if one not in gone]
    except ApiError as error:
        left.append(f"Namespace/{name}: whether it is empty cannot be seen ({error.message})")
        return
    if others:
        more = f" and {len(others) - 3} more" if len(others) > 3 else ""
        left.append(f"Namespace/{name}: it holds {', '.join(others[:3])}{more}")
        return
    try:
        cluster.delete(f"/api/v1/namespaces/{name}", uid=namespace["metadata"]["uid"])
    except ApiError as error:
        left.append(f"Namespace/{name}: it may not be deleted ({error.message})")
        return
    removed.append(f"Namespace/{name}")


def _everything_in(cluster: Cluster, namespace: str) -> list[str]:
    """Return the names of the objects in a namespace that have no owner and are not being deleted."""
    found = []
    for kind in _listable_kinds(cluster):
        for one in cluster.list(kind.path(namespace)):
            metadata = one["metadata"]
            name = f"{kind.kind}/{metadata['name']}"
            is_dependent = bool(metadata.get("ownerReferences")) or "deletionTimestamp" in metadata
            if not is_dependent and name not in _OF_THE_CLUSTER:
                found.append(name)
    return found


def _listable_kinds(cluster: Cluster) -> list[Kind]:
    return [
        kind
        for api_version in cluster.api_versions()
        for kind in cluster.kinds(api_version)
        if kind.namespaced and "list" in kind.verbs and kind.kind not in _TRACES
    ]
