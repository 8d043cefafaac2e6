"""Each setting of the service that has a counterpart in the manifests, and the check of the pair."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import urlsplit

from scaffold.cluster._client import Manifest
from scaffold.cluster._manifests import Target, describe
from scaffold.cluster._metrics import METRICS_PAIRS
from scaffold.cluster._settings import Scene, allowed_ports, read_settings
from scaffold.errors import ManifestError
from scaffold.spec import SCORE_PROTOCOL

_PROBED = (SCORE_PROTOCOL.alive, SCORE_PROTOCOL.ready)
_PUBLIC = "/metrics,/docs,/openapi.json"
"""The default of PUBLIC_PATHS."""
_ROUTES = (SCORE_PROTOCOL.single.path, *_PUBLIC.split(","), *_PROBED)
_GRACE_S = 30
"""The default of `terminationGracePeriodSeconds`."""


def check_settings(target: Target, image: Mapping[str, str]) -> list[str]:
    """Check that the settings of the service agree with the manifests; return notes on what is not certain.

    Args:
        target: The manifests.
        image: The environment that the image sets.

    Raises:
        ManifestError: A pair contradicts itself. The first one is named.
    """
    scene = read_settings(target, image)
    unseen = "is read in the cluster only"
    notes = [
        f"{source} {unseen}: its settings are not compared with the manifests" for source in scene.unread
    ]
    for names, check in PAIRS:
        hidden = scene.hidden(names)
        if not hidden:
            notes += filter(None, [check(scene)])
        notes += [
            f"{name} comes from {scene.unknown[name]}, which {unseen}: not compared with the manifests"
            for name in hidden
            if name in scene.unknown
        ]
    return list(dict.fromkeys(notes))


def _port(scene: Scene) -> None:
    port = scene.value("PORT")
    if port and scene.ports and port not in scene.ports:
        raise ManifestError(
            "The service listens on a port that its container does not name.",
            (f"PORT: {port}", f"containerPort: {scene.numbers}"),
            f"Set `containerPort: {port}` in deployment.yaml, or leave out PORT.",
        )


def _probed_port(scene: Scene) -> None:
    port = scene.value("PORT")
    for name, request in scene.probes.items():
        probed_port = scene.ports.get(str(request.get("port")), str(request.get("port")))
        if port and scene.is_alone and probed_port.isdigit() and probed_port != port:
            raise ManifestError(
                "A probe asks a port on which the service does not listen: no pod would become ready.",
                (f"PORT: {port}", f"{name}: port {probed_port}"),
                f"Set `port: {port}` in `httpGet` of each probe in deployment.yaml.",
            )


def _address(scene: Scene) -> None:
    host = scene.value("BIND_HOST", "0.0.0.0")  # noqa: S104  # compared only
    if scene.is_alone and _is_loopback(host):
        raise ManifestError(
            "The service listens on the loopback address of its pod: neither probes nor callers reach it.",
            (f"BIND_HOST: {host}",),
            'Leave out BIND_HOST in deployment.yaml, or set it to "0.0.0.0", or to "::" for IPv6.',
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _probed_scheme(scene: Scene) -> None:
    certificate = scene.value("TLS_CERT")
    by_scheme = {
        scheme: [name for name, request in scene.probes.items() if request.get("scheme", "HTTP") == scheme]
        for scheme in ("HTTP", "HTTPS")
    }
    if certificate and by_scheme["HTTP"]:
        raise ManifestError(
            "The service expects TLS, and its probes ask without: no pod would become ready.",
            (f"TLS_CERT: {certificate}", f"without TLS: {', '.join(by_scheme['HTTP'])}"),
            "Add `scheme: HTTPS` to `httpGet` of each probe in deployment.yaml.",
        )
    if not certificate and scene.is_alone and by_scheme["HTTPS"]:
        raise ManifestError(
            "The probes ask with TLS, and the service has no certificate: no pod would become ready.",
            ("TLS_CERT: not set", f"with TLS: {', '.join(by_scheme['HTTPS'])}"),
            "Set TLS_CERT and TLS_KEY in deployment.yaml, or leave out `scheme: HTTPS` of its probes.",
        )


def _probed_path(scene: Scene) -> None:
    public = [path.strip() for path in scene.values.get("PUBLIC_PATHS", _PUBLIC).split(",")]
    for name, request in scene.probes.items():
        path = request.get("path", "/").removeprefix(scene.value("ROOT_PATH"))
        if scene.needs_key and path not in (*_PROBED, *public) and not request.get("httpHeaders"):
            raise ManifestError(
                "A probe asks for a path that needs an API key, and has none: no pod would become ready.",
                (f"{name}: {request.get('path', '/')}", f"without a key: {', '.join(_PROBED)}"),
                "Set `path` of the probe in deployment.yaml to /readyz, or to /healthz for livenessProbe.",
            )


def _open_port(scene: Scene) -> None:
    port, allowed = scene.value("PORT"), allowed_ports(scene)
    if port and allowed is not None and port not in allowed:
        raise ManifestError(
            "The network policy lets nobody reach the port of the service.",
            (f"PORT: {port}", f"NetworkPolicy allows: {', '.join(sorted(allowed)) or 'none'}"),
            f"Set `port: {port}` or `port: http` in network.yaml.",
        )


def _collector_port(scene: Scene) -> str | None:
    endpoint = scene.value("OTEL_EXPORTER_OTLP_ENDPOINT")
    try:
        parts = urlsplit(endpoint)
        port = str(parts.port or {"http": "80", "https": "443"}.get(parts.scheme, ""))
    except ValueError:
        return None
    policies = [
        each for each in scene.policies if "Egress" in (each.get("spec", {}).get("policyTypes") or [])
    ]
    rules = [rule for policy in policies for rule in policy.get("spec", {}).get("egress") or []]
    ports = [entry for rule in rules for entry in rule.get("ports") or [{}]]
    is_allowed = any("endPort" in entry or str(entry.get("port", port)) == port for entry in ports)
    if port and policies and not is_allowed:
        return f"network.yaml allows no egress to port {port}, where OTEL_EXPORTER_OTLP_ENDPOINT is"
    return None


def _prefix(scene: Scene) -> str | None:
    """Note a prefix that is not ROOT_PATH; only a note, for the owner may have added routes."""
    root = scene.value("ROOT_PATH")
    for route, path in _routed_paths(scene):
        served_prefixes = (*_ROUTES, root) if root else _ROUTES
        if path and not any(f"{path}/".startswith(f"{prefix}/") for prefix in served_prefixes):
            return (
                f"{describe(route)} leads to {path}, and ROOT_PATH is {root or 'not set'}: "
                f"unless the route cuts the prefix off, set ROOT_PATH to {path} in deployment.yaml"
            )
    return None


def _routed_paths(scene: Scene) -> Iterator[tuple[Manifest, str]]:
    """Yield each Ingress and HTTPRoute with each path prefix that it sends to the service."""
    for route in scene.of_kind("Ingress"):
        annotations = " ".join(route["metadata"].get("annotations") or {})
        if any(word in annotations for word in ("rewrite", "strip", "middleware")):
            continue
        for rule in route.get("spec", {}).get("rules") or []:
            for path_rule in (rule.get("http") or {}).get("paths") or []:
                if path_rule.get("pathType") == "Prefix":
                    yield route, path_rule.get("path", "/").rstrip("/")
    for route in scene.of_kind("HTTPRoute"):
        for rule in route.get("spec", {}).get("rules") or []:
            for match in [] if rule.get("filters") else rule.get("matches") or []:
                path = match.get("path") or {}
                if path.get("type", "PathPrefix") == "PathPrefix":
                    yield route, path.get("value", "/").rstrip("/")


def _grace(scene: Scene) -> None:
    pod = scene.template["spec"]
    stop = (scene.container.get("lifecycle") or {}).get("preStop") or {}
    parts = {
        "preStop sleep": float((stop.get("sleep") or {}).get("seconds") or 0),
        "DRAIN_S": _seconds(scene, "DRAIN_S"),
        "SHUTDOWN_S": _seconds(scene, "SHUTDOWN_S"),
    }
    grace_s, needed_s = float(pod.get("terminationGracePeriodSeconds", _GRACE_S)), sum(parts.values())
    if parts["SHUTDOWN_S"] and needed_s > grace_s:
        raise ManifestError(
            "A pod would be killed before its requests in progress may end.",
            (
                " + ".join(f"{name} {value:g} s" for name, value in parts.items() if value),
                f"terminationGracePeriodSeconds: {grace_s:g}",
            ),
            f"Set `terminationGracePeriodSeconds: {needed_s + 5:g}` in deployment.yaml, or lower SHUTDOWN_S.",
        )


def _seconds(scene: Scene, name: str) -> float:
    try:
        return float(scene.value(name, "0"))
    except ValueError:
        return 0


PAIRS: tuple[tuple[tuple[str, ...], Callable[[Scene], str | None]], ...] = (
    (("PORT",), _port),
    (("PORT",), _probed_port),
    (("BIND_HOST",), _address),
    (("TLS_CERT",), _probed_scheme),
    (("PUBLIC_PATHS", "ROOT_PATH"), _probed_path),
    (("PORT",), _open_port),
    (("OTEL_EXPORTER_OTLP_ENDPOINT",), _collector_port),
    (("ROOT_PATH",), _prefix),
    (("SHUTDOWN_S", "DRAIN_S"), _grace),
    *METRICS_PAIRS,
)
"""The settings of each pair, and the check of it, which may return a note."""
