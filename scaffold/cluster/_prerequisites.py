"""What a deploy needs in the cluster first: the namespace, and the secret for the registry."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import time

from scaffold.cluster._client import Cluster, Manifest
from scaffold.cluster._fill_in import fill_in
from scaffold.cluster._manifests import Target
from scaffold.cluster._objects import read_object, try_apply, with_own_copy
from scaffold.cluster._refusal import ApiError
from scaffold.cluster._rollout import Pace
from scaffold.errors import ClusterRefusedError
from scaffold.errors.wording import shell_line
from scaffold.events import Noted, OnEvent


def ensure_namespace(cluster: Cluster, target: Target, pace: Pace, on_event: OnEvent) -> bool:
    """Create the namespace where there is none; True if it was created.

    Waits for a namespace that is being deleted.

    Args:
        cluster: The cluster.
        target: Names the namespace.
        pace: How long its deletion may take, and how often to look.
        on_event: Called with a note if it is waited for.

    Raises:
        ClusterRefusedError: It cannot be created, or its deletion does not end.
    """
    wait_s, start, is_noted = pace.address_s, time.monotonic(), False
    while _is_ending(cluster, target.namespace):
        if not is_noted:
            on_event(Noted(f"the namespace {target.namespace} is being deleted: waiting until it is gone"))
            is_noted = True
        if time.monotonic() > start + wait_s:
            problem = f"The namespace {target.namespace} is being deleted, and that does not end."
            look = shell_line("kubectl", "get", "namespace", target.namespace, "-o", "yaml")
            fix = f"What holds it up: {look}"
            raise ClusterRefusedError(problem, (f"waited for {wait_s:.0f} s",), fix)
        time.sleep(pace.poll_s)
    if namespace_exists(cluster, target.namespace):
        return False
    manifest = next((manifest for manifest in fill_in(target, "") if manifest["kind"] == "Namespace"), None)
    if manifest is None:
        manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": target.namespace}}
    try_apply(cluster, with_own_copy(manifest, None))
    return True


def ensure_pull_secret(cluster: Cluster, target: Target, docker_config: str) -> bool:
    """Write the registry's login where the pods look for it; True if it changed.

    Args:
        docker_config: The text of a docker `config.json`: `{"auths": {...}}`.
    """
    name = target.pull_secret
    if not name:
        return False
    identity: Manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": target.namespace},
    }
    before = read_object(cluster, identity)
    manifest = identity | {
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": base64.b64encode(docker_config.encode()).decode()},
    }
    manifest["metadata"] = with_own_copy(fill_in_one(manifest, target), before)["metadata"]
    # This package owns the login: a password that someone set by hand is replaced.
    after = try_apply(cluster, manifest, force=True)
    return before is None or before.get("data") != after.get("data")


def fill_in_one(manifest: Manifest, target: Target) -> Manifest:
    """Return a manifest of ours with our label on it."""
    return fill_in(dataclasses.replace(target, manifests=(manifest,)), "")[0]


def namespace_exists(cluster: Cluster, namespace: str) -> bool:
    """Whether there is such a namespace."""
    try:
        return cluster.get(f"/api/v1/namespaces/{namespace}") is not None
    except ApiError as error:
        if error.status == 403:  # an account that may not read namespaces has one assigned
            return True
        raise


def _is_ending(cluster: Cluster, namespace: str) -> bool:
    with contextlib.suppress(ApiError):
        manifest = cluster.get(f"/api/v1/namespaces/{namespace}")
        return manifest is not None and "deletionTimestamp" in manifest["metadata"]
    return False
