"""Remove what deploys created at a target, and nothing else."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from scaffold.cluster._api_errors import api_errors
from scaffold.cluster._client import Cluster, Kind, Manifest
from scaffold.cluster._deploy import holder_name
from scaffold.cluster._describe import describe_deployment
from scaffold.cluster._kubeconfig import ClusterAccess, connect
from scaffold.cluster._ledger import read_ledger
from scaffold.cluster._lock import deploy_lock
from scaffold.cluster._manifests import MANAGED_BY, MANAGER_NAME, Target, describe, is_of, read_target
from scaffold.cluster._objects import beside, is_made_by_us
from scaffold.cluster._platforms import is_workload
from scaffold.cluster._refusal import ApiError
from scaffold.cluster._rollout import replica_sets
from scaffold.cluster._serverless_verbs import describe_revisions
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
_USUAL = {("networking.k8s.io/v1", "NetworkPolicy")}
_USUAL_BESIDE_DEPLOYMENT = {
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("networking.k8s.io/v1", "Ingress"),
    ("policy/v1", "PodDisruptionBudget"),
    ("v1", "Service"),
    ("v1", "ServiceAccount"),
}
"""Kinds that the documented Role may list: a former deploy may have made them."""
_NEVER_LISTED = {"Secret", "Lease"}
"""Secrets are read by name; the Lease is the lock of the removal itself."""
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
            if resolved_target.platform:
                last = describe_revisions(cluster, resolved_target) if live else None
                entries = read_ledger(cluster, resolved_target)
                recorded = [manifest for entry in entries for manifest in entry.manifests]
                recorded.append({"apiVersion": "v1", "kind": "ConfigMap"})  # the record
            else:
                last = describe_deployment(live, resolved_target) if live else None
                revisions = [live, *replica_sets(cluster, live)] if live else []
                recorded = [manifest for revision in revisions for manifest in beside(revision)]
            for ours in _ours(cluster, resolved_target, namespace, recorded):
                if is_made_by_us(ours):
                    cluster.delete(cluster.locate(ours), uid=ours["metadata"]["uid"])
                    removed.append(describe(ours))
                else:
                    kept_objects.append(f"{describe(ours)}: it was there before the first deploy")
        _remove_namespace(cluster, namespace, set(removed), removed, kept_objects)
        return Removal(removed=tuple(removed), left=tuple(kept_objects), last=last)


def _ours(cluster: Cluster, target: Target, namespace: Manifest, former: list[Manifest]) -> list[Manifest]:
    """Return the objects with our labels, and the secrets of the target.

    Args:
        cluster: The cluster.
        target: What is in the project now.
        namespace: Its namespace.
        former: What former deploys applied, as far as that is recorded.
    """
    known = {(each["apiVersion"], each["kind"]) for each in (*target.manifests, *former)} | _USUAL
    known |= set() if target.platform else _USUAL_BESIDE_DEPLOYMENT
    known -= {("v1", "Namespace"), ("v1", "Secret")}
    kinds = [kind for version, name in sorted(known) for kind in cluster.kinds(version) if kind.kind == name]
    objects: list[Manifest] = []
    for kind in sorted(kinds, key=_rank):
        objects += _labelled(cluster, target, kind)
    if is_made_by_us(namespace):  # what a deploy left there may be of any kind, and is in its way
        names = {kind.kind for kind in kinds} | _NEVER_LISTED
        with contextlib.suppress(ApiError):
            for kind in _listable_kinds(cluster):
                objects += _labelled(cluster, target, kind) if kind.kind not in names else []
    secrets = {m["metadata"]["name"] for m in target.manifests if m["kind"] == "Secret"}
    for name in sorted(secrets | {target.pull_secret} - {""}):
        if secret := cluster.get(f"/api/v1/namespaces/{target.namespace}/secrets/{name}"):
            objects.append(secret)
    return [each for each in objects if is_of(each, target.service)]


def _labelled(cluster: Cluster, target: Target, kind: Kind) -> list[Manifest]:
    """Return the objects of a kind with our label; the API lists items without their kind."""
    items = cluster.list(kind.path(target.namespace), f"{MANAGED_BY}={MANAGER_NAME}")
    return [item | {"apiVersion": kind.api_version, "kind": kind.kind} for item in items]


def _rank(kind: Kind) -> bool:
    """What makes the pods goes first."""
    return not is_workload({"apiVersion": kind.api_version, "kind": kind.kind})


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
