"""The candidate: one pod of the new revision that no Service selects; it gets the sample before the rollout.

It is a Deployment of its own, and no readiness gate in the manifests: a gate that only this tool opens would
block the pods of `kubectl apply -k`, and those that an autoscaler or a lost node brings between two deploys.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import cast

from scaffold.cluster._client import Cluster, Manifest
from scaffold.cluster._manifests import ANNOTATION, MANAGED_BY, MANAGER_NAME, NAME_LABEL, Target
from scaffold.cluster._objects import CREATED_BY_US, try_apply
from scaffold.cluster._refusal import ApiError
from scaffold.cluster._rollout import Pace
from scaffold.cluster._service import selects
from scaffold.errors import ClusterUnreachableError
from scaffold.errors.wording import on_project, shell_line

CANDIDATE_OF = f"{ANNOTATION}candidate-of"
"""A label on the objects and pods of a candidate, and on those of a canary."""
_SUFFIX = "-candidate"
_MOST = 63
_GONE_S = 60
_ATTEMPTS = 3
_FORBIDDEN = 403
_API_VERSIONS = {"Deployment": "apps/v1", "NetworkPolicy": "networking.k8s.io/v1", "Service": "v1"}


@contextlib.contextmanager
def start_candidate(cluster: Cluster, target: Target, manifest: Manifest, pace: Pace) -> Iterator[Target]:
    """Start the candidate of a Deployment, yield it as a target of its own, and remove it.

    Args:
        cluster: The cluster.
        target: What is deployed.
        manifest: The Deployment with its image.
        pace: How long to wait until the pod is gone: the rollout may need its share of the quota.
    """
    try:
        yield start_isolated(cluster, target, manifest, _SUFFIX)
    finally:
        remove_candidate(cluster, target)
    _wait_until_gone(cluster, target, pace)


def start_isolated(
    cluster: Cluster, target: Target, manifest: Manifest, suffix: str, replicas: int | None = None
) -> Target:
    """Start pods of a Deployment that no Service selects; return them as a target of their own.

    Args:
        cluster: The cluster.
        target: What is deployed.
        manifest: The Deployment with its image.
        suffix: What the names of the objects end with.
        replicas: How many pods there are, to which callers will be routed. Without it there is one pod, which
            has no `preStop` hook: no load balancer has to learn of its end.
    """
    policies = _policies(cluster, target)
    changed = _isolated_labels(manifest, [*_live(cluster, target, "Service"), *target.manifests], suffix)
    deployment = separate_deployment(manifest, target.service, suffix, changed, replicas or 1)
    if replicas is None:
        for container in deployment["spec"]["template"]["spec"]["containers"]:
            container.pop("lifecycle", None)
    for policy in policies:
        if copied := _policy(policy, manifest, target.service, changed, suffix):
            try_apply(cluster, copied, force=True)
    try_apply(cluster, deployment, force=True)
    return replace(target, service=deployment["metadata"]["name"], manifests=(deployment,))


def remove_candidate(cluster: Cluster, target: Target) -> None:
    """Delete the candidate and the canary of a target, including those that a killed deploy left.

    A failed request is sent again after a second, twice. `describe_remains` lists what was not deleted.
    """
    selector = f"{CANDIDATE_OF}={target.service}"
    for kind in ("Service", "Deployment", "NetworkPolicy"):
        for _ in range(_ATTEMPTS):
            try:
                api_kind = cluster.kind(_API_VERSIONS[kind], kind)
                for manifest in cluster.list(api_kind.path(target.namespace), selector):
                    cluster.delete(api_kind.path(target.namespace, manifest["metadata"]["name"]))
                break
            except (ApiError, ClusterUnreachableError) as error:
                if isinstance(error, ApiError) and error.status == _FORBIDDEN:
                    break
                time.sleep(1)


def canaries(cluster: Cluster, target: Target) -> list[str]:
    """Return the Deployments of candidates and canaries of a target that are in the cluster."""
    path = cluster.kind(_API_VERSIONS["Deployment"], "Deployment").path(target.namespace)
    deployments = cluster.list(path, f"{CANDIDATE_OF}={target.service}")
    return [f"Deployment/{deployment['metadata']['name']}" for deployment in deployments]


def describe_remains(cluster: Cluster, target: Target) -> str:
    """Return a message with the Deployments of a candidate or canary that still exist; empty if none does."""
    selector = f"{CANDIDATE_OF}={target.service}"
    try:
        remaining = canaries(cluster, target)
    except (ApiError, ClusterUnreachableError) as error:
        return f"Whether the pods of the new revision are removed is not known: {error}"
    if not remaining:
        return ""
    again = on_project("deploy", target=target.name)
    command = shell_line(
        "kubectl", "-n", target.namespace, "delete", "deployments,services,networkpolicies", "-l", selector
    )
    return (
        f"{', '.join(remaining)} could not be removed, and its pods may answer callers.\n"
        f"The next deploy removes it: {again}\nWithout a deploy: {command}"
    )


def _policies(cluster: Cluster, target: Target) -> list[Manifest]:
    """Return the NetworkPolicies in the namespace, those of the target as they will be applied."""
    policies = [manifest for manifest in target.manifests if manifest["kind"] == "NetworkPolicy"]
    names = {policy["metadata"]["name"] for policy in policies}
    live = _live(cluster, target, "NetworkPolicy")
    return policies + [policy for policy in live if policy["metadata"]["name"] not in names]


def _live(cluster: Cluster, target: Target, kind: str) -> list[Manifest]:
    """Return the objects of a kind in the namespace; their kind is added, since the API omits it in lists."""
    api_version = _API_VERSIONS[kind]
    items = cluster.list(cluster.kind(api_version, kind).path(target.namespace))
    return [{"apiVersion": api_version, "kind": kind} | item for item in items]


def _isolated_labels(deployment: Manifest, manifests: list[Manifest], suffix: str) -> dict[str, str]:
    """Return labels for pods that no object selects: each label in a selector gets another value."""
    spec = deployment["spec"]
    labels = spec["template"]["metadata"].get("labels") or {}
    selectors = [spec["selector"].get("matchLabels") or {}]
    for manifest in manifests:
        manifest_spec = manifest.get("spec") or {}
        if manifest["kind"] == "Service":
            selectors.append(manifest_spec.get("selector") or {})
        elif manifest["kind"] == "PodDisruptionBudget":
            selectors.append((manifest_spec.get("selector") or {}).get("matchLabels") or {})
    keys = {NAME_LABEL}.union(*(selector for selector in selectors if selects(selector, labels)))
    name = deployment["metadata"]["name"]
    return {key: _suffixed_name(labels.get(key, name), suffix) for key in sorted(keys)}


def _suffixed_name(value: str, suffix: str) -> str:
    return f"{value[: _MOST - len(suffix)].rstrip('-_.')}{suffix}"


def separate_deployment(
    manifest: Manifest, service: str, suffix: str, changed: Mapping[str, str], replicas: int = 1
) -> Manifest:
    """Return a copy of the service's Deployment under another name.

    Args:
        manifest: The Deployment of the service.
        service: Its name.
        suffix: What the name of the other one ends with.
        changed: The labels by which it selects its pods; those of the template where it has others.
        replicas: How many pods there are.
    """
    copy = cast("Manifest", json.loads(json.dumps(manifest)))
    spec = copy["spec"]
    spec.pop("strategy", None)
    own = {**changed, CANDIDATE_OF: service}
    template = spec["template"]
    template["metadata"]["labels"] = {**(template["metadata"].get("labels") or {}), **own}
    spec |= {"replicas": replicas, "revisionHistoryLimit": 0, "selector": {"matchLabels": own}}
    return {**copy, "metadata": separate_metadata(manifest, service, suffix)}


def _policy(
    policy: Manifest, deployment: Manifest, service: str, changed: Mapping[str, str], suffix: str
) -> Manifest | None:
    """Copy a NetworkPolicy for isolated pods; None if the policy does not select by the changed labels."""
    labels = deployment["spec"]["template"]["metadata"].get("labels") or {}
    spec = cast("Manifest", json.loads(json.dumps(policy["spec"])))
    selector = (spec.get("podSelector") or {}).get("matchLabels")
    if not selects(selector, labels) or not set(selector or {}) & set(changed):
        return None
    spec["podSelector"]["matchLabels"] = {
        key: changed.get(key, value) for key, value in (selector or {}).items()
    }
    head = {"apiVersion": policy["apiVersion"], "kind": policy["kind"]}
    return {**head, "metadata": separate_metadata(policy, service, suffix), "spec": spec}


def separate_metadata(manifest: Manifest, service: str, suffix: str) -> Manifest:
    """Return the name of an object beside one of the service, and the labels by which it is removed."""
    metadata = manifest["metadata"]
    return {
        "name": _suffixed_name(metadata["name"], suffix),
        "namespace": metadata["namespace"],
        "labels": {MANAGED_BY: MANAGER_NAME, NAME_LABEL: service, CANDIDATE_OF: service},
        "annotations": {CREATED_BY_US: "true"},
    }


def _wait_until_gone(cluster: Cluster, target: Target, pace: Pace) -> None:
    end = time.monotonic() + _GONE_S * pace.patience
    path, selector = f"/api/v1/namespaces/{target.namespace}/pods", f"{CANDIDATE_OF}={target.service}"
    while cluster.list(path, selector) and time.monotonic() < end:
        time.sleep(pace.poll_s)
