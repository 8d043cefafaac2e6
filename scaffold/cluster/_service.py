"""The Service of a target: the pods and the port that it selects, and its endpoints."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from scaffold.cluster._client import Cluster, Manifest
from scaffold.cluster._manifests import Target, describe
from scaffold.cluster._rollout import Pace, live_deployment, pods_of
from scaffold.errors import ManifestError, NoEndpointError, ScaledToZeroError
from scaffold.errors.wording import on_project, shell_line

_SERVICE_NAME = "kubernetes.io/service-name"
_SLICES = "discovery.k8s.io/v1"
_ENDPOINTS_S = 30
"""Seconds that ready pods may take to become endpoints."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One pod and the port of it to which the Service sends requests."""

    pod: str
    port: int


def service_port(service: Manifest) -> Manifest:
    """Return the port of a Service that callers use: the one named `http`, else the first."""
    ports = service["spec"].get("ports") or []
    if not ports:
        raise ManifestError(f"{describe(service)} has no port.", (), "Add one to `ports` in service.yaml.")
    return cast("Manifest", next((port for port in ports if port.get("name") == "http"), ports[0]))


def selects(selector: Mapping[str, str] | None, labels: Mapping[str, str]) -> bool:
    """Whether a selector of labels selects pods with these labels; an empty one selects none."""
    return bool(selector) and (selector or {}).items() <= labels.items()


def target_port(service: Manifest, pod: Manifest) -> int:
    """Return the port to which a Service leads in a pod, or in the pods of a template.

    Raises:
        ManifestError: The pods have no port of the name that `targetPort` gives.
    """
    port = service_port(service)
    port_reference = port.get("targetPort", port["port"])
    if isinstance(port_reference, int):
        return port_reference
    ports = container_ports(pod)
    if port_reference not in ports:
        raise ManifestError(
            f"{describe(service)} leads to a port that the pods do not have.",
            (f"targetPort: {port_reference}", f"ports of the pods: {format_ports(ports)}"),
            "Set `targetPort` in service.yaml to the name of a port of the container in deployment.yaml.",
        )
    return ports[port_reference]


def container_ports(pod: Manifest) -> dict[str, int]:
    """Return the ports of a pod, or of a template, by name."""
    containers = pod["spec"].get("containers") or []
    ports = [port for container in containers for port in container.get("ports") or []]
    return {port.get("name", str(port["containerPort"])): port["containerPort"] for port in ports}


def service_of(target: Target) -> Manifest | None:
    """Return the Service of a target: the one named like it, else the first; None where it has none."""
    services = [manifest for manifest in target.manifests if manifest["kind"] == "Service"]
    same_named = [manifest for manifest in services if manifest["metadata"]["name"] == target.service]
    return next(iter(same_named or services), None)


def check_service(target: Target) -> None:
    """Check that the Service of a target leads to the pods of its Deployment; the cluster is not asked.

    Raises:
        ManifestError: It does not.
    """
    service = service_of(target)
    if service is not None:
        template = target.deployment["spec"]["template"]
        _require_selection(service, template["metadata"].get("labels") or {})
        target_port(service, template)


def live_service(cluster: Cluster, target: Target) -> Manifest:
    """Return the Service of a target as it is in the cluster.

    Raises:
        NoEndpointError: There is none.
    """
    declared = service_of(target)
    manifest = declared or {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": target.service, "namespace": target.namespace},
    }
    live = cluster.get(cluster.locate(manifest))
    if live is None:
        problem = "No Service leads to the pods, so callers have no address for them."
        looked = f"looked for: {describe(manifest)} in namespace {target.namespace}"
        again = f"A deploy creates it after its first live proof: {on_project('deploy', target=target.name)}"
        raise NoEndpointError(
            problem, (looked,), again if declared else "Bring service.yaml back into `resources`."
        )
    return live


def await_endpoints(cluster: Cluster, target: Target, pace: Pace, path: str = "") -> list[Endpoint]:
    """Return the endpoints of the Service once all of them are ready pods of the newest revision.

    Args:
        cluster: The cluster.
        target: Holds the Deployment, and the Service.
        pace: How long to wait.
        path: The path of another Service that is asked in its place.

    Raises:
        NoEndpointError: The Service has no endpoint, or has endpoints that are other pods.
        ScaledToZeroError: The Deployment has no pod.
    """
    end = time.monotonic() + _ENDPOINTS_S * pace.patience
    while True:
        service = (path and cluster.get(path)) or live_service(cluster, target)
        deployment = live_deployment(cluster, target)
        if deployment["spec"].get("replicas") == 0:
            raise _scaled_to_zero_error(deployment)
        newest = pods_of(cluster, deployment, newest=True)
        endpoints = ready_endpoints(cluster, service)
        ours = {pod["metadata"]["name"] for pod in newest}
        others = sorted({endpoint.pod for endpoint in endpoints} - ours)
        if endpoints and not others:
            return endpoints
        if time.monotonic() > end:
            raise _other_pods(service, others, target) if others else _no_endpoint(service, newest)
        time.sleep(pace.poll_s)


def ready_endpoints(cluster: Cluster, service: Manifest) -> list[Endpoint]:
    """Return the ready endpoints of a Service: where a caller of it may arrive.

    Source: kubernetes.io/docs/concepts/services-networking/endpoint-slices
    """
    metadata = service["metadata"]
    path = cluster.kind(_SLICES, "EndpointSlice").path(metadata["namespace"])
    name = service_port(service).get("name", "")
    endpoints = set()
    for endpoint_slice in cluster.list(path, f"{_SERVICE_NAME}={metadata['name']}"):
        ports = [
            port.get("port") for port in endpoint_slice.get("ports") or [] if (port.get("name") or "") == name
        ]
        for endpoint in endpoint_slice.get("endpoints") or []:
            # A condition that is not known counts as ready.
            is_ready = (endpoint.get("conditions") or {}).get("ready") is not False
            pod = (endpoint.get("targetRef") or {}).get("name") or str(endpoint.get("addresses"))
            endpoints |= {(pod, port) for port in ports if is_ready and port}
    return [Endpoint(pod=pod, port=port) for pod, port in sorted(endpoints)]


def _require_selection(service: Manifest, labels: Mapping[str, str]) -> None:
    selector = service["spec"].get("selector")
    if not selects(selector, labels):
        raise ManifestError(
            f"{describe(service)} does not select the pods of the Deployment.",
            (f"selector: {format_labels(selector or {})}", f"labels of the pods: {format_labels(labels)}"),
            "Give `selector` in service.yaml labels of the pod template in deployment.yaml.",
        )


def _no_endpoint(service: Manifest, pods: list[Manifest]) -> NoEndpointError:
    port = service_port(service)
    labels = [pod["metadata"].get("labels") or {} for pod in pods]
    return NoEndpointError(
        f"{describe(service)} has no endpoint: every caller is refused.",
        (
            f"selector: {format_labels(service['spec'].get('selector') or {})}",
            f"labels of the pods: {format_labels(labels[0]) if labels else 'no pod'}",
            f"targetPort: {port.get('targetPort', port['port'])}",
            f"ports of the pods: {format_ports(container_ports(pods[0])) if pods else 'no pod'}",
        ),
        "The selector has to select the pods, and targetPort has to be one of their ports: service.yaml.",
    )


def _scaled_to_zero_error(deployment: Manifest) -> ScaledToZeroError:
    metadata = deployment["metadata"]
    place, name = metadata["namespace"], f"deployment/{metadata['name']}"
    scale = shell_line("kubectl", "-n", place, "scale", name, "--replicas=1")
    return ScaledToZeroError(
        f"{describe({'kind': 'Deployment', **deployment})} is scaled to zero: no pod answers.",
        (),
        f"Start one by a request, if an autoscaler does that, or: {scale}",
    )


def _other_pods(service: Manifest, others: list[str], target: Target) -> NoEndpointError:
    leftover = [pod for pod in others if re.search("-(canary|candidate)-", pod)]
    fix = "Give `selector` in service.yaml a label that only the pods of this Deployment have."
    if leftover:
        deploy = on_project("deploy", target=target.name)
        fix = f"If a deploy was killed, it left them. The next one removes them: {deploy}"
    return NoEndpointError(
        f"{describe(service)} also leads to pods that this deploy did not start.",
        (
            f"selector: {format_labels(service['spec'].get('selector') or {})}",
            f"other pods: {', '.join(others[:5])}",
        ),
        fix,
    )


def format_labels(labels: Mapping[str, str]) -> str:
    """`app=titanic, tier=api`."""
    return ", ".join(f"{key}={value}" for key, value in sorted(labels.items())) or "none"


def format_ports(ports: Mapping[str, int]) -> str:
    """`http (8000)`."""
    return ", ".join(f"{name} ({port})" for name, port in ports.items()) or "none"
