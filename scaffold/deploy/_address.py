"""Where a live service is reached: a route, a load balancer, a node's port, else through the API."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from scaffold.deploy._client import ApiError, Cluster, Manifest
from scaffold.deploy._manifests import Target, describe, service_container
from scaffold.deploy._rollout import Pace, events_in, live_deployment, pods_of
from scaffold.errors import RolloutFailedError

_NEAR_S = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer over HTTP."""

    status: int
    body: Any
    retry_after_s: float = 0


class Channel:
    """A way to send requests to the service."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._connection: http.client.HTTPConnection | None = None

    def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Return the answer to one request.

        Raises:
            OSError: No answer; `http.client.HTTPException` for one that is no HTTP.
        """
        connection = self._connection = self._connection or self._open()
        sent = None if body is None else json.dumps(body).encode()
        given = {"Content-Type": "application/json", "Host": urlsplit(self.url).netloc, **(headers or {})}
        try:
            connection.request(method, urlsplit(self.url).path + path, sent, given)
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        if response.will_close:
            self.close()
        retry_after = response.headers.get("Retry-After", "0")
        return Answer(
            status=response.status,
            body=_parsed(text),
            retry_after_s=float(retry_after) if retry_after.isdigit() else 0,
        )

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        if parts.scheme == "https":
            return http.client.HTTPSConnection(parts.netloc, timeout=60, context=ssl.create_default_context())
        return http.client.HTTPConnection(parts.netloc, timeout=60)


class Forward(Channel):
    """A port-forward through the API to one ready pod."""

    def __init__(self, url: str, cluster: Cluster, target: Target) -> None:
        super().__init__(url)
        self._cluster, self._target = cluster, target

    def _open(self) -> http.client.HTTPConnection:
        cluster, target = self._cluster, self._target
        pods = pods_of(cluster, live_deployment(cluster, target), newest=True)
        ready = [pod for pod in pods if _is_ready(pod)]
        if not ready:
            raise ConnectionError("no pod is ready")
        port = service_container(target.deployment)["ports"][0]["containerPort"]
        pod = ready[0]["metadata"]["name"]
        connection = http.client.HTTPConnection("localhost", timeout=60)
        connection.sock = cluster.forward(target.namespace, pod, port)
        return connection


def find_channel(cluster: Cluster, target: Target, pace: Pace) -> Channel:
    """Return the way to the service, once it has an address.

    Raises:
        RolloutFailedError: The address never came.
    """
    route = target.one("Ingress") or target.one("HTTPRoute")
    if route is not None:
        _wait_for_status(cluster, route, pace)
        return Channel(_route_url(route, target.service))
    service = target.one("Service")
    kind = (service or {}).get("spec", {}).get("type", "ClusterIP")
    if service is not None and kind == "LoadBalancer":
        live = _wait_for_status(cluster, service, pace)
        return Channel(_balancer_url(live))
    if service is not None and kind == "NodePort":
        reached = _node_port(cluster, service)
        if reached is not None:
            return reached
    name = service["metadata"]["name"] if service else target.service
    return Forward(f"http://{name}.{target.namespace}.svc", cluster, target)


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


def _node_port(cluster: Cluster, service: Manifest) -> Channel | None:
    """The first node that answers under the port; None where nodes cannot be seen or reached from here."""
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
        channel = Channel(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")
        probe = http.client.HTTPConnection(urlsplit(channel.url).netloc, timeout=_NEAR_S)
        try:
            probe.connect()
        except OSError:
            continue
        finally:
            probe.close()
        return channel
    return None


def _is_ready(pod: Manifest) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    is_ready = any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)
    return is_ready and "deletionTimestamp" not in pod["metadata"]


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
