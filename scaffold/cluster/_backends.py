"""The Services behind an Ingress or an HTTPRoute, and whether they lead to the pods of the deploy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from scaffold.cluster._client import Cluster, Manifest
from scaffold.cluster._manifests import Target, describe
from scaffold.cluster._rollout import Pace, live_deployment
from scaffold.cluster._service import await_endpoints, selects, service_of
from scaffold.errors import ManifestError

ROUTES = ("Ingress", "HTTPRoute")


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """A Service behind a route, with one host and path that lead to it."""

    service: str
    port: str
    """Its name or number."""
    host: str
    """Empty where the route takes any host."""
    path: str


def route_of(target: Target, kinds: tuple[str, ...] = ROUTES) -> Manifest | None:
    """Return the Ingress or the HTTPRoute of a target; None if it has neither.

    Of several, it is the first one that leads to the Service of the target, else the first with a Service:
    another one may only redirect from HTTP to HTTPS.

    Args:
        target: The target.
        kinds: The kinds of routes that are looked at.
    """
    routes = [manifest for manifest in target.manifests if manifest["kind"] in kinds]
    service = service_of(target)
    own = (service or {}).get("metadata", {}).get("name", target.service)

    def rank(route: Manifest) -> tuple[bool, bool, int]:
        names = [backend.service for backend in backends_of(route)]
        return own not in names, not names, ROUTES.index(route["kind"])

    return min(routes, key=rank, default=None)


def check_route(target: Target) -> None:
    """Check that the routes lead to ports that the Services among the manifests have, under a known address.

    Raises:
        ManifestError: One does not.
    """
    if (route := route_of(target)) is not None:
        _require_address(route)
    services = {
        manifest["metadata"]["name"]: manifest
        for manifest in target.manifests
        if manifest["kind"] == "Service"
    }
    for manifest in target.manifests:
        for backend in backends_of(manifest) if manifest["kind"] in ROUTES else ():
            if backend.service in services:
                _require_port(manifest, services[backend.service], backend.port)


def backends_of(route: Manifest) -> list[Backend]:
    """Return the Services in the namespace of an Ingress or an HTTPRoute to which it sends requests."""
    return list(_of_http_route(route) if route["kind"] == "HTTPRoute" else _of_ingress(route))


def require_backends(cluster: Cluster, route: Manifest) -> None:
    """Check that the cluster has the Services behind a route, with the ports that the route names.

    Raises:
        ManifestError: It has not.
    """
    namespace = route["metadata"]["namespace"]
    for backend in backends_of(route):
        service = cluster.get(f"/api/v1/namespaces/{namespace}/services/{backend.service}")
        if service is None:
            problem = f"{describe(route)} leads to Service/{backend.service}, which is not there."
            raise ManifestError(problem, (), "Name the Service of service.yaml in the backend of the route.")
        _require_port(route, service, backend.port)


def own_backend(cluster: Cluster, target: Target, route: Manifest, pace: Pace) -> Backend | None:
    """Return the backend of a route that leads to the pods of the Deployment; None if no Service does.

    Raises:
        NoEndpointError: A Service selects the pods of the Deployment, and other pods too.
    """
    backends = backends_of(route)
    service = service_of(target)
    own = (service or {}).get("metadata", {}).get("name", target.service)
    named = [backend for backend in backends if backend.service == own]
    if named:
        return min(named, key=lambda backend: not backend.host)
    labels = live_deployment(cluster, target)["spec"]["template"]["metadata"].get("labels") or {}
    for backend in backends:
        path = f"/api/v1/namespaces/{target.namespace}/services/{backend.service}"
        live = cluster.get(path)
        if live is not None and selects(live["spec"].get("selector"), labels):
            await_endpoints(cluster, target, pace, path)
            return backend
    return None


def _of_http_route(route: Manifest) -> Iterator[Backend]:
    spec = route["spec"]
    hosts = spec.get("hostnames") or [""]
    for rule in spec.get("rules") or []:
        matches = rule.get("matches") or [{}]
        match = matches[0].get("path") or {}
        path = _literal(match.get("value", "/"), match.get("type", "PathPrefix"))
        for reference in rule.get("backendRefs") or []:
            is_near = reference.get("namespace") in (None, route["metadata"].get("namespace"))
            is_asked = reference.get("weight", 1) > 0
            if reference.get("kind", "Service") == "Service" and is_near and is_asked:
                port = str(reference.get("port", ""))
                yield Backend(service=reference["name"], port=port, host=hosts[0], path=path)


def _of_ingress(route: Manifest) -> Iterator[Backend]:
    spec = route["spec"]
    default = spec.get("defaultBackend")
    places = []
    for rule in spec.get("rules") or []:
        paths = (rule.get("http") or {}).get("paths") or [{"backend": default}]
        places += [
            (
                rule.get("host", ""),
                _literal(path.get("path", "/"), path.get("pathType", "")),
                path.get("backend"),
            )
            for path in paths
        ]
    for host, path, backend in [*places, ("", "/", default)]:
        service = (backend or {}).get("service")
        if service:
            port = service.get("port") or {}
            number = str(port.get("name") or port.get("number", ""))
            yield Backend(service=service["name"], port=number, host=host, path=path)


def _literal(path: str, kind: str) -> str:
    """Return the path before the pattern in that of a route: `/titanic` of `/titanic(/|$)(.*)`."""
    if kind not in ("ImplementationSpecific", "RegularExpression"):
        return path
    return re.split(r"\.?[*+?{]|[\[(|$\\]", path.removeprefix("^"))[0].rstrip("/") or "/"


def _require_address(route: Manifest) -> None:
    """Check that a route leads to a Service, and that its manifest shows the host by which it is called."""
    spec, file = route["spec"], "ingress.yaml" if route["kind"] == "Ingress" else "route.yaml"
    if not backends_of(route):
        raise ManifestError(
            f"{describe(route)} leads to no Service of its namespace, so callers have no address.",
            (),
            f"Name the Service of service.yaml in the backend of {file}.",
        )
    if route["kind"] == "HTTPRoute" and not spec.get("hostnames"):
        raise ManifestError(
            f"{describe(route)} names no host, so its address is not known: it takes those of its gateway.",
            (),
            f"Write into {file}: hostnames: [scores.example.org]",
        )
    if route["kind"] == "HTTPRoute" and not spec.get("parentRefs"):
        raise ManifestError(
            f"{describe(route)} belongs to no gateway, so no caller comes over it.",
            (),
            f"Name the gateway in `parentRefs` of {file}.",
        )


def _require_port(route: Manifest, service: Manifest, port: str) -> None:
    ports = service["spec"].get("ports") or []
    names = {
        str(value)
        for service_port in ports
        for value in (service_port["port"], service_port.get("name"))
        if value
    }
    if port not in names:
        raise ManifestError(
            f"{describe(route)} leads to a port that the Service does not have.",
            (f"port in the route: {port}", f"ports of {describe(service)}: {', '.join(sorted(names))}"),
            "Name a port of the Service in the backend of the route.",
        )
