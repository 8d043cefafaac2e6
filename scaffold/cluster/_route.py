"""The public address of a Service: an Ingress or an HTTPRoute, a load balancer, a port of the nodes."""

from __future__ import annotations

import contextlib
import http.client
import re
import time

from scaffold.cluster._backends import Backend, backends_of, own_backend, require_backends, route_of
from scaffold.cluster._client import FIELD_MANAGER, Cluster, Manifest
from scaffold.cluster._manifests import Target, describe
from scaffold.cluster._refusal import ApiError
from scaffold.cluster._rollout import Pace, events_in
from scaffold.cluster._service import service_of, service_port
from scaffold.errors import DeployError, RolloutFailedError

_NEAR_S = 3
_UNOPENED_S = 10
"""Seconds that kube-proxy may take to open the port of a new Service; it is refused until then."""
_UNTOUCHED_S = 60
"""Seconds that a controller may take to notice an Ingress: some write its status once a minute only."""
_CLASSLESS_S = 15
"""Seconds that one may take if the Ingress names no class, and the cluster has no default."""
_UNRESOLVED_S = 15
"""Seconds that a gateway may take to see a new Service."""
_CLASSES = "/apis/networking.k8s.io/v1/ingressclasses"
_DEFAULT_CLASS = "ingressclass.kubernetes.io/is-default-class"
_OLD_CLASS = "kubernetes.io/ingress.class"


def public_url(cluster: Cluster, target: Target, pace: Pace) -> str | None:
    """Return the URL at which callers outside the cluster reach the service; None if it has none.

    Raises:
        RolloutFailedError: The service gets no address in time.
        ManifestError: The route leads to a Service that is not there.
        NoEndpointError: The route leads to a Service of these pods, and of others too.
    """
    route = route_of(target)
    if route is not None:
        require_backends(cluster, route)
        unserved = _require_class(cluster, route)
        live = _wait_for_status(cluster, route, pace, unserved)
        backend = own_backend(cluster, target, route, pace) or backends_of(route)[0]
        is_tls = _is_tls(cluster, route)
        return _route_url(backend, target.service, _addresses(live), is_tls=is_tls)
    service = service_of(target)
    kind = (service or {}).get("spec", {}).get("type", "ClusterIP")
    if service is not None and kind == "LoadBalancer":
        return _balancer_url(_wait_for_status(cluster, service, pace))
    if service is not None and kind == "NodePort":
        return _node_port(cluster, service, pace)
    return None


# ---- the controller of an Ingress


def _require_class(cluster: Cluster, route: Manifest) -> str:
    """Check that the cluster has the class of an Ingress: without it no controller serves the Ingress.

    Returns:
        Why a controller may leave an Ingress without a class alone; empty if there is no such reason.

    Raises:
        RolloutFailedError: There is no such class. Without the permission to list classes nothing is checked.
    """
    if route["kind"] != "Ingress" or _OLD_CLASS in (route["metadata"].get("annotations") or {}):
        return ""
    name = route["spec"].get("ingressClassName", "")
    try:
        classes = cluster.list(_CLASSES)
    except ApiError:
        return ""
    names = [ingress_class["metadata"]["name"] for ingress_class in classes]
    if name in names:
        return ""
    if names and not name:
        notes = [ingress_class["metadata"].get("annotations") or {} for ingress_class in classes]
        if any(each.get(_DEFAULT_CLASS) == "true" for each in notes):
            return ""
        # Some controllers take such an Ingress nevertheless.
        return f"it names no class, and none of the cluster is the default: {', '.join(sorted(names))}"
    missing = f"the class '{name}'" if name else "a class"
    raise RolloutFailedError(
        f"No controller serves the ingress: the cluster does not have {missing}.",
        (f"classes of the cluster: {', '.join(sorted(names)) or 'none'}",),
        "Set `ingressClassName` in ingress.yaml to one of them."
        if names
        else "Install an ingress controller, or take ingress.yaml out of `resources`.",
    )


def _is_untouched(route: Manifest, events: list[Manifest]) -> bool:
    """Whether nobody else wrote to an Ingress or reported an event about it."""
    managers = {entry.get("manager", "") for entry in route["metadata"].get("managedFields") or []}
    others = {name for name in managers if not name.startswith(FIELD_MANAGER)}
    return route["kind"] == "Ingress" and not others and not _events_about(route, events)


# ---- the address


def _wait_for_status(cluster: Cluster, manifest: Manifest, pace: Pace, unserved: str = "") -> Manifest:
    untouched_s = _CLASSLESS_S if unserved else _UNTOUCHED_S
    path = cluster.locate(manifest)
    start = time.monotonic()
    while True:
        live = cluster.get(path) or {}
        if _addresses(live) or _is_accepted(live):
            return live
        waited_s = time.monotonic() - start
        if (unresolved := _unresolved(live)) and waited_s > _UNRESOLVED_S * pace.patience:
            problem = "The gateway does not find what the route leads to."
            raise RolloutFailedError(problem, (unresolved,), "Correct `backendRefs` in route.yaml.")
        is_late = waited_s > min(untouched_s * pace.patience, pace.address_s)
        events = events_in(cluster, manifest["metadata"]["namespace"]) if live and is_late else []
        if waited_s > pace.address_s or (live and is_late and _is_untouched(live, events)):
            raise _no_address(manifest, events, waited_s, unserved)
        time.sleep(pace.poll_s)


def _addresses(live: Manifest) -> list[str]:
    status = (live.get("status") or {}).get("loadBalancer") or {}
    return [entry.get("ip") or entry.get("hostname") or "" for entry in status.get("ingress") or []]


def _is_accepted(live: Manifest) -> bool:
    """Whether a gateway accepted an HTTPRoute and resolved its backends."""
    accepted = [
        condition.get("status") == "True"
        for condition in _conditions(live)
        if condition.get("type") == "Accepted"
    ]
    return any(accepted) and not _unresolved(live)


def _unresolved(live: Manifest) -> str:
    """Return the message of a gateway that cannot resolve the backends of a route; empty if it can."""
    return next(
        (
            str(condition.get("message") or condition.get("reason"))
            for condition in _conditions(live)
            if condition.get("type") == "ResolvedRefs" and condition.get("status") == "False"
        ),
        "",
    )


def _conditions(live: Manifest) -> list[Manifest]:
    """Return what gateways report on the present generation of a route."""
    generation = (live.get("metadata") or {}).get("generation", 0)
    parents = (live.get("status") or {}).get("parents") or []
    conditions = [condition for parent in parents for condition in parent.get("conditions") or []]
    return [each for each in conditions if each.get("observedGeneration", generation) >= generation]


def _events_about(manifest: Manifest, events: list[Manifest]) -> list[Manifest]:
    name = manifest["metadata"]["name"]
    # Older events do not name the kind.
    kinds = (manifest["kind"], None)
    objects = [(event, event.get("involvedObject") or {}) for event in events]
    return [event for event, about in objects if about.get("name") == name and about.get("kind") in kinds]


def _no_address(manifest: Manifest, events: list[Manifest], waited_s: float, unserved: str) -> DeployError:
    warnings = [unserved] if unserved else []
    warnings += [
        f"{event.get('reason')}: {event.get('message')}"
        for event in _events_about(manifest, events)
        if event.get("type") == "Warning"
    ]
    subject = {"Service": "The load balancer", "Ingress": "The ingress"}.get(manifest["kind"], "The route")
    fixes = {
        "Service": "Does this cluster have load balancers? If not: service_type NodePort, or an ingress.",
        "Ingress": "Set `ingressClassName` in ingress.yaml to one of them."
        if unserved
        else "Does an ingress controller run here, and is `ingressClassName` the name of its class?",
    }
    return RolloutFailedError(
        f"{subject} never got an address.",
        (f"{describe(manifest)}: none after {waited_s:.0f} s", *warnings[-3:]),
        fixes.get(
            manifest["kind"], "Does the gateway that `parentRefs` names exist, and admit this namespace?"
        ),
    )


def _route_url(backend: Backend, service: str, addresses: list[str], *, is_tls: bool) -> str:
    """Return the URL of a backend; an Ingress that takes any host is called by its address."""
    host = backend.host.replace("*", service) or _in_url(addresses[0])
    return f"{'https' if is_tls else 'http'}://{host}{backend.path}".rstrip("/")


def _is_tls(cluster: Cluster, route: Manifest) -> bool:
    """Whether callers of a route use TLS: those of an HTTPRoute by the listeners of its gateway.

    Where the account may not read the gateway, the name and the port of the listener decide.
    """
    if route["kind"] == "Ingress":
        return bool(route["spec"].get("tls"))
    reference = route["spec"]["parentRefs"][0]
    section, port = reference.get("sectionName"), reference.get("port")
    namespace = reference.get("namespace") or route["metadata"]["namespace"]
    path = f"/apis/{route['apiVersion']}/namespaces/{namespace}/gateways/{reference['name']}"
    gateway: Manifest = {}
    with contextlib.suppress(ApiError):
        gateway = cluster.get(path) or {}
    protocols = {
        listener.get("protocol")
        for listener in (gateway.get("spec") or {}).get("listeners") or []
        if section in (None, listener.get("name")) and port in (None, listener.get("port"))
    }
    if protocols:
        return "HTTP" not in protocols
    return port == 443 or bool(re.search("https|secure|tls|ssl", section or ""))


def _balancer_url(live: Manifest) -> str:
    port = service_port(live)["port"]
    return f"http://{_in_url(_addresses(live)[0])}" + ("" if port == 80 else f":{port}")


def _in_url(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _node_port(cluster: Cluster, service: Manifest, pace: Pace) -> str | None:
    """Return the URL of the first node that answers on the port; None if no node can be listed or reached."""
    live = cluster.get(cluster.locate(service)) or service
    port = service_port(live).get("nodePort")
    try:
        nodes = cluster.list("/api/v1/nodes")
    except ApiError:
        return None
    addresses = [
        (address["type"] != "ExternalIP", address["address"])
        for node in nodes
        for address in (node.get("status") or {}).get("addresses") or []
        if address["type"] in ("ExternalIP", "InternalIP")
    ]
    hosts = [host for _, host in sorted(addresses)[:8]]
    places = [f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host in hosts]
    deadline = time.monotonic() + _UNOPENED_S * pace.patience
    while True:
        refused = False
        for place in places:
            error = _connection_error(place)
            if error is None:
                return f"http://{place}"
            refused |= isinstance(error, ConnectionRefusedError)
        if not refused or time.monotonic() > deadline:
            return None
        time.sleep(pace.poll_s)


def _connection_error(place: str) -> OSError | None:
    """Return why nothing can connect to `host:port`; None if it can."""
    probe = http.client.HTTPConnection(place, timeout=_NEAR_S)
    try:
        probe.connect()
    except OSError as error:
        return error
    finally:
        probe.close()
    return None
