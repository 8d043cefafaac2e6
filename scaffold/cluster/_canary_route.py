"""The share of a canary behind a Gateway: the weights of the target's HTTPRoute."""

from __future__ import annotations

import time
from typing import cast

from scaffold.cluster._backends import backends_of, route_of
from scaffold.cluster._candidate import separate_metadata
from scaffold.cluster._client import Cluster, Manifest
from scaffold.cluster._manifests import CANARY, Target, describe
from scaffold.cluster._objects import applied_copy, read_object, try_apply, with_own_copy
from scaffold.cluster._rollout import Pace
from scaffold.cluster._service import live_service, service_of
from scaffold.errors import ManifestError
from scaffold.errors.wording import either

SUFFIX = "-canary"
_OBSERVED_S = 30
"""Seconds that a gateway may take to report that it has read a changed HTTPRoute."""
_SETTLED_S = 5
"""Seconds from that report until its proxies route by it."""


def live_route(cluster: Cluster, target: Target) -> Manifest | None:
    """Return the HTTPRoute of a target as it is in the cluster; None where its callers come another way."""
    manifest = route_of(target, ("HTTPRoute",))
    return None if manifest is None else read_object(cluster, manifest)


def require_share(target: Target, route: Manifest) -> None:
    """Check that an HTTPRoute leads to the Service of the target, of whose requests a canary gets a share.

    Args:
        target: Holds the Service.
        route: The HTTPRoute in the project, or in the cluster.

    Raises:
        ManifestError: It does not: it leads to a proxy, for example.
    """
    names = [backend.service for backend in backends_of(_as_applied(target, route))]
    own = (service_of(target) or {}).get("metadata", {}).get("name", target.service)
    if own not in names:
        raise ManifestError(
            f"{describe({'kind': 'HTTPRoute', **route})} gives a canary no share of the callers.",
            (f"it leads to: {', '.join(sorted(set(names))) or 'no Service'}", f"not to: {own}"),
            f"Name Service/{own} in `backendRefs`, take {CANARY} out of deployment.yaml,"
            f" or deploy without a canary: {either('candidate=False', '--no-candidate')}",
        )


def split_route(cluster: Cluster, target: Target, route: Manifest, pods: Target, share: int) -> None:
    """Send a share of the requests of the target's HTTPRoute to other pods, by a Service of their own.

    Args:
        cluster: The cluster.
        target: Holds the Service, which is in the cluster.
        route: The HTTPRoute as it is in the cluster.
        pods: Holds the Deployment of the other pods.
        share: In percent.
    """
    service = live_service(cluster, target)
    metadata = separate_metadata(service, target.service, SUFFIX)
    ports = [
        {key: value for key, value in port.items() if key != "nodePort"} for port in service["spec"]["ports"]
    ]
    selector = pods.deployment["spec"]["selector"]["matchLabels"]
    spec = {"selector": selector, "ports": ports}
    canary = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
    try_apply(cluster, canary, force=True)
    split = with_own_copy(_as_applied(target, route), route)
    for rule in split["spec"].get("rules") or []:
        references = rule.get("backendRefs") or []
        rule["backendRefs"] = _set_weights(references, service["metadata"]["name"], metadata["name"], share)
    try_apply(cluster, split, force=True)


def restore_route(cluster: Cluster, target: Target) -> None:
    """Take back what `split_route` changed in the HTTPRoute, if that still leads to the canary."""
    route = live_route(cluster, target)
    if route is None:
        return
    canary = separate_metadata(live_service(cluster, target), target.service, SUFFIX)["name"]
    rules = route["spec"].get("rules") or []
    if any(reference["name"] == canary for rule in rules for reference in rule.get("backendRefs") or []):
        try_apply(cluster, with_own_copy(_as_applied(target, route), route), force=True)


def await_route(cluster: Cluster, target: Target, pace: Pace) -> None:
    """Wait until the gateway sends no more requests to the Service of a canary, if there is one."""
    route = live_route(cluster, target)
    if route is None:
        return
    name = separate_metadata(live_service(cluster, target), target.service, SUFFIX)["name"]
    if cluster.get(f"/api/v1/namespaces/{target.namespace}/services/{name}") is None:
        return
    end = time.monotonic() + _OBSERVED_S * pace.patience
    while not _is_observed(route) and time.monotonic() < end:
        time.sleep(pace.poll_s)
        route = live_route(cluster, target) or {}
    time.sleep(_SETTLED_S * pace.patience)


def _is_observed(route: Manifest) -> bool:
    """Whether each gateway of an HTTPRoute reports on its present generation, or reports no generation."""
    generation = route.get("metadata", {}).get("generation", 0)
    return all(
        condition.get("observedGeneration", generation) >= generation
        for parent in (route.get("status") or {}).get("parents") or []
        for condition in parent.get("conditions") or []
    )


def _as_applied(target: Target, route: Manifest) -> Manifest:
    """Return the HTTPRoute as the last deploy applied it, or as it is in the project."""
    return applied_copy(route) or cast("Manifest", route_of(target, ("HTTPRoute",)))


def _set_weights(references: list[Manifest], service: str, canary: str, share: int) -> list[Manifest]:
    """Return the backends of a rule with a share of the service's weight for the canary."""
    weighted = []
    for reference in references:
        weight = reference.get("weight", 1)
        if reference["name"] == service:
            weighted.append({**reference, "weight": weight * (100 - share)})
            weighted.append({**reference, "name": canary, "weight": weight * share})
        else:
            weighted.append({**reference, "weight": weight * 100})
    return weighted
