"""A client of a live service, over the route that its callers take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scaffold.base.client import Client, Retries, key_headers, wait_until_ready
from scaffold.cluster._client import Cluster, Manifest
from scaffold.cluster._forward import Forward
from scaffold.cluster._manifests import Target, describe
from scaffold.cluster._platforms import service_container
from scaffold.cluster._pods import is_ready
from scaffold.cluster._refusal import UNTRUSTED
from scaffold.cluster._revisions import pods_of_revision
from scaffold.cluster._rollout import Pace, live_deployment, pods_of
from scaffold.cluster._route import public_url
from scaffold.cluster._service import (
    Endpoint,
    await_endpoints,
    live_service,
    ready_endpoints,
    service_of,
    target_port,
)
from scaffold.errors import RolloutFailedError, ServiceNotAskedError
from scaffold.spec import SCORE_PROTOCOL

_ATTEMPTS = 5
_PORT = 8000


def find_service(cluster: Cluster, target: Target, pace: Pace) -> Client:
    """Return a client of the service, once it has endpoints and answers.

    It calls the address of the route, the load balancer or a node if the target has one, else the endpoints
    of the Service by port-forward. It sends the API key of `SCAFFOLD_API_KEY`, and retries if the service is
    busy or an idle connection was closed.

    Raises:
        NoEndpointError: The Service leads to no pod of the Deployment.
        RolloutFailedError: The service gets no address in time, or does not answer there.
    """
    await_endpoints(cluster, target, pace)
    url = public_url(cluster, target, pace)
    prefix = _prefix_of(target)
    if url is not None:
        client = client_of(url.removesuffix(prefix) + prefix, pace, cluster.service_headers)
        await_client(client, pace)
        return client
    service = live_service(cluster, target)

    def find_endpoint() -> Endpoint:
        endpoints = ready_endpoints(cluster, service)
        if not endpoints:
            raise ConnectionError(f"{describe(service)} has no ready endpoint")
        return endpoints[0]

    name, namespace = service["metadata"]["name"], target.namespace
    url = f"http://{name}.{namespace}.svc{prefix}"
    settings = _settings(pace, cluster.service_headers)
    forward = Forward(url, cluster, namespace, find_endpoint, **settings)
    forward.wait_for_answer(pace, f"targetPort of {describe(service)}")
    return forward


def client_of(url: str, pace: Pace, headers: Mapping[str, str]) -> Client:
    """Return a client of the service at a URL, with the API key of `SCAFFOLD_API_KEY`.

    Args:
        url: Where the service is.
        pace: How long it waits between attempts.
        headers: Further headers of its requests.
    """
    return Client(url, **_settings(pace, headers))


def find_pods(cluster: Cluster, target: Target, pods: Target, pace: Pace) -> Client:
    """Return a client of the pods of a Deployment, at the `targetPort` of the Service but not through it.

    Args:
        cluster: The cluster.
        target: Holds the Service.
        pods: Holds the Deployment of the pods.
        pace: How long to wait.

    Raises:
        NoEndpointError: The pods do not answer on the port.
    """
    service = service_of(target) or live_service(cluster, target)
    port = target_port(service, pods.deployment["spec"]["template"])

    def find_endpoint() -> Endpoint:
        newest = pods_of(cluster, live_deployment(cluster, pods), newest=True)
        ready = [
            pod["metadata"]["name"]
            for pod in newest
            if is_ready(pod) and "deletionTimestamp" not in pod["metadata"]
        ]
        if not ready:
            raise ConnectionError("no pod is ready")
        return Endpoint(pod=ready[0], port=port)

    settings = _settings(pace, cluster.service_headers)
    url = f"http://{pods.service}{_prefix_of(target)}"
    forward = Forward(url, cluster, pods.namespace, find_endpoint, **settings)
    forward.wait_for_answer(pace, f"targetPort of {describe(service)}")
    return forward


def find_revision(cluster: Cluster, target: Target, revision: str, pace: Pace) -> Client:
    """Return a client of the pods of a revision of KServe or Knative, past the proxy in them.

    Args:
        cluster: The cluster.
        target: Its target.
        revision: Its name.
        pace: How long to wait.

    Raises:
        NoEndpointError: No pod is ready, or none answers on the port.
    """
    ports = service_container(target.deployment).get("ports") or [{}]
    port = int(ports[0].get("containerPort", _PORT))

    def find_endpoint() -> Endpoint:
        pods = [pod for pod in pods_of_revision(cluster, target, revision) if is_ready(pod)]
        if not pods:
            raise ConnectionError("no pod is ready")
        return Endpoint(pod=pods[0]["metadata"]["name"], port=port)

    settings = _settings(pace, cluster.service_headers)
    forward = Forward(
        f"http://{revision}{_prefix_of(target)}", cluster, target.namespace, find_endpoint, **settings
    )
    forward.wait_for_answer(pace, "containerPort")
    return forward


def find_metrics(cluster: Cluster, target: Target, pod: Manifest, pace: Pace) -> tuple[Client, str]:
    """Return a client of one pod and the path of its metrics, as the annotations for Prometheus have them.

    Args:
        cluster: The cluster.
        target: Holds the Service, whose port it is without such annotations.
        pod: The pod.
        pace: How long to wait between attempts.
    """
    name, notes = pod["metadata"]["name"], pod["metadata"].get("annotations") or {}
    service = service_of(target) or live_service(cluster, target)
    port = int(notes.get("prometheus.io/port") or target_port(service, pod))
    endpoint = Endpoint(pod=name, port=port)
    settings = _settings(pace, cluster.service_headers)
    client = Forward(f"http://{name}", cluster, target.namespace, lambda: endpoint, **settings)
    return client, notes.get("prometheus.io/path", "/metrics")


def _prefix_of(target: Target) -> str:
    """The path below which the routes are, by the readiness probe of the manifest: `/models/titanic`."""
    probe = service_container(target.deployment).get("readinessProbe") or {}
    path = str((probe.get("httpGet") or {}).get("path", ""))
    return path.removesuffix(SCORE_PROTOCOL.ready) if path.endswith(SCORE_PROTOCOL.ready) else ""


def _settings(pace: Pace, headers: Mapping[str, str]) -> dict[str, Any]:
    retries = Retries(attempts=_ATTEMPTS, pause_s=pace.poll_s)
    return {"headers": {**key_headers(), **headers}, "retries": retries}


def await_client(client: Client, pace: Pace) -> None:
    """Wait until the service answers: the name and the load balancer of a new address take time.

    Raises:
        RolloutFailedError: It answers with another status than 200.
        ServiceNotAskedError: It wants an API key or a token, or no answer of it reaches this machine.
    """
    ready = wait_until_ready(client, timeout_s=pace.address_s, poll_s=pace.poll_s)
    if ready.is_ready:
        return
    fix = "Does the name resolve to the address, and may this machine reach it?"
    if UNTRUSTED in ready.last:
        fix = "This machine does not know the CA of the certificate: SSL_CERT_FILE=company.pem names it."
    is_asked = ready.last.isdecimal() and ready.last not in ("401", "403")
    leaf = RolloutFailedError if is_asked else ServiceNotAskedError
    raise leaf(
        "The service cannot be reached under its address.",
        (f"GET {client.url}{client.protocol.ready}: {ready.last}", f"tried for {ready.waited_s:.0f} s"),
        fix,
    )
