"""The address of a live service: a route, a load balancer, a node's port, else a port-forward."""

from __future__ import annotations

import http.client
import os
import time
from typing import Any

from scaffold.base.client import Client, Retries
from scaffold.cluster._client import Cluster, Manifest
from scaffold.cluster._manifests import Target, describe, service_container
from scaffold.cluster._refusal import ApiError
from scaffold.cluster._rollout import Pace, events_in, live_deployment, pods_of
from scaffold.errors import RolloutFailedError

KEY_VARIABLE = "SCAFFOLD_API_KEY"
_NEAR_S = 3
_ATTEMPTS = 5


class Forward(Client):
    """A client whose connections are port-forwards through the API to one ready pod."""

    def __init__(self, url: str, cluster: Cluster, target: Target, **settings: Any) -> None:
        super().__init__(url, **settings)
        self._cluster, self._target = cluster, target

    def another(self) -> Forward:
        """Return a client of the same service with a connection of its own."""
        return Forward(self.url, self._cluster, self._target, headers=self.headers, retries=self.retries)

    def connect(self, timeout_s: float = 120.0) -> http.client.HTTPConnection:
        """Return a new connection to a pod."""
        cluster, target = self._cluster, self._target
        pods = pods_of(cluster, live_deployment(cluster, target), newest=True)
        ready = [pod for pod in pods if _is_ready(pod)]
        if not ready:
            raise ConnectionError("no pod is ready")
        port = service_container(target.deployment)["ports"][0]["containerPort"]
        pod = ready[0]["metadata"]["name"]
        connection = http.client.HTTPConnection("localhost", timeout=timeout_s)
        connection.sock = cluster.forward(target.namespace, pod, port)
        connection.sock.settimeout(timeout_s)
        return connection


def find_service(cluster: Cluster, target: Target, pace: Pace) -> Client:
    """Return a client of the service, once it has an address.

    It sends the API key of `SCAFFOLD_API_KEY`, and retries if the service is busy or an idle connection was
    closed.

    Raises:
        RolloutFailedError: The service gets no address in time.
    """
    key = os.environ.get(KEY_VARIABLE)
    headers = {"X-API-Key": key} if key else {}
    retries = Retries(attempts=_ATTEMPTS, pause_s=pace.poll_s)
    url = _public_url(cluster, target, pace)
    if url is not None:
        return Client(url, headers=headers, retries=retries)
    service = target.one("Service")
    name = service["metadata"]["name"] if service else target.service
    url = f"http://{name}.{target.namespace}.svc"
    return Forward(url, cluster, target, headers=headers, retries=retries)


def _public_url(cluster: Cluster, target: Target, pace: Pace) -> str | None:
    """The URL under which this machine may reach the service without the API; None where it has none."""
    route = target.one("Ingress") or target.one("HTTPRoute")
    if route is not None:
        _wait_for_status(cluster, route, pace)
        return _route_url(route, target.service)
    service = target.one("Service")
    kind = (service or {}).get("spec", {}).get("type", "ClusterIP")
    if service is not None and kind == "LoadBalancer":
        return _balancer_url(_wait_for_status(cluster, service, pace))
    if service is not None and kind == "NodePort":
        return _node_port(cluster, service)
    return None


def _wait_for_status(cluster: Cluster, manifest: Manifest, pace: Pace) -> Manifest:
    path = cluster.locate(manifest)
    start = time.monotonic()
    while True:
        live = cluster.get(path) or {}
        if _addresses(live) or _is_accepted(live):
            return live
        waited_s = time.monotonic() - start
        if waited_s > pace.address_s:
            raise _no_address(cluster, manifest, waited_s)
        time.sleep(pace.poll_s)


def _addresses(live: Manifest) -> list[str]:
    status = (live.get("status") or {}).get("loadBalancer") or {}
    return [one.get("ip") or one.get("hostname") or "" for one in status.get("ingress") or []]


def _is_accepted(live: Manifest) -> bool:
    """Whether a gateway took an HTTPRoute on."""
    parents = (live.get("status") or {}).get("parents") or []
    return any(
        condition.get("type") == "Accepted" and condition.get("status") == "True"
        for parent in parents
        for condition in parent.get("conditions") or []
    )


def _no_address(cluster: Cluster, manifest: Manifest, waited_s: float) -> RolloutFailedError:
    metadata = manifest["metadata"]
    events = events_in(cluster, metadata["namespace"])
    said = [
        f"{event.get('reason')}: {event.get('message')}"
        for event in events
        if (event.get("involvedObject") or {}).get("name") == metadata["name"]
        and event.get("type") == "Warning"
    ]
    what = {"Service": "The load balancer", "Ingress": "The ingress"}.get(manifest["kind"], "The route")
    fixes = {
        "Service": "Does this cluster have load balancers? If not: service_type NodePort, or an ingress.",
        "Ingress": "Does an ingress controller run here, and is `ingressClassName` the name of its class?",
    }
    return RolloutFailedError(
        f"{what} never got an address.",
        (f"{describe(manifest)}: none after {waited_s:.0f} s", *said[-3:]),
        fixes.get(
            manifest["kind"], "Does the gateway that `parentRefs` names exist, and admit this namespace?"
        ),
    )


def _route_url(route: Manifest, service: str) -> str:
    spec = route["spec"]
    if route["kind"] == "Ingress":
        rule = spec["rules"][0]
        host, path = rule["host"], rule["http"]["paths"][0].get("path", "/")
        is_tls = bool(spec.get("tls"))
    else:
        host = spec["hostnames"][0]
        path = spec["rules"][0].get("matches", [{}])[0].get("path", {}).get("value", "/")
        is_tls = spec["parentRefs"][0].get("sectionName") == "https"
    return f"{'https' if is_tls else 'http'}://{host.replace('*', service)}{path}".rstrip("/")


def _balancer_url(live: Manifest) -> str:
    port = live["spec"]["ports"][0]["port"]
    host = _addresses(live)[0]
    host = f"[{host}]" if ":" in host else host
    return f"http://{host}" + ("" if port == 80 else f":{port}")


def _node_port(cluster: Cluster, service: Manifest) -> str | None:
    """Return the URL of the first node that answers on the port; None if no node can be listed or reached."""
    live = cluster.get(cluster.locate(service)) or {}
    port = (live.get("spec") or {}).get("ports", [{}])[0].get("nodePort")
    try:
        nodes = cluster.list("/api/v1/nodes")
    except ApiError:
        return None
    found = [
        (address["type"] != "ExternalIP", address["address"])
        for node in nodes
        for address in (node.get("status") or {}).get("addresses") or []
        if address["type"] in ("ExternalIP", "InternalIP")
    ]
    for _, host in sorted(found)[:8]:
        netloc = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        probe = http.client.HTTPConnection(netloc, timeout=_NEAR_S)
        try:
            probe.connect()
        except OSError:
            continue
        finally:
            probe.close()
        return f"http://{netloc}"
    return None


def _is_ready(pod: Manifest) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    is_ready = any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)
    return is_ready and "deletionTimestamp" not in pod["metadata"]
