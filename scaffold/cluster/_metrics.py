"""Whether Prometheus looks for the metrics where the settings of the service put them.

The service works without, so what contradicts is a note.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from scaffold.cluster._client import Manifest
from scaffold.cluster._manifests import describe
from scaffold.cluster._settings import SCRAPE, Scene, allowed_ports

_SCRAPED_PORT, _SCRAPED_SCHEME = "prometheus.io/port", "prometheus.io/scheme"
_MONITORS = ("ServiceMonitor", "PodMonitor")


def _scheme(scene: Scene) -> str | None:
    """The metrics are on the port of the service, with its TLS; a port of their own has none."""
    wanted = "https" if scene.value("TLS_CERT") and not scene.metrics_port else "http"
    schemes = {describe(one): endpoint.get("scheme", "http") for one, endpoint in _endpoints(scene)}
    if scene.is_scraped:
        schemes[_SCRAPED_SCHEME] = scene.annotations.get(_SCRAPED_SCHEME, "http")
    for place, scheme in schemes.items() if scene.is_on("METRICS") else ():
        if scheme != wanted:
            return f"Prometheus asks for the metrics by {scheme} ({place}), and they are there by {wanted}"
    return None


def _same_port(scene: Scene) -> str | None:
    port = scene.metrics_port
    if port and port == scene.value("PORT", next(iter(scene.ports.values()), "")):
        return f"METRICS_PORT is {port}, the port of the service: leave it out, or set another one"
    return None


def _port(scene: Scene) -> str | None:
    listening = scene.metrics_port or scene.value("PORT")
    asked = {describe(one): _number(scene, endpoint) for one, endpoint in _endpoints(scene)}
    if scene.is_scraped:
        asked[_SCRAPED_PORT] = scene.annotations.get(_SCRAPED_PORT, "")
    for place, port in asked.items():
        if listening and port.isdigit() and port != listening:
            return (
                f"Prometheus looks for the metrics on port {port} ({place}), and they are on port {listening}"
            )
    return None


def _open_port(scene: Scene) -> str | None:
    port, allowed = scene.metrics_port, allowed_ports(scene)
    if (
        port
        and allowed is not None
        and port not in allowed
        and (scene.is_scraped or scene.of_kind(*_MONITORS))
    ):
        return f"network.yaml keeps Prometheus from METRICS_PORT: add `- port: {port}` to `ports` there"
    return None


def _switched_off(scene: Scene) -> str | None:
    places = [*([SCRAPE] if scene.is_scraped else []), *map(describe, scene.of_kind(*_MONITORS))]
    if not scene.is_on("METRICS") and not scene.metrics_port and places:
        return f"METRICS is {scene.value('METRICS')}, and Prometheus looks for metrics ({places[0]})"
    return None


def _public(scene: Scene) -> str | None:
    """A scraper that is found by annotation has no API key."""
    public = [path.strip() for path in scene.values.get("PUBLIC_PATHS", "/metrics").split(",")]
    if scene.needs_key and scene.is_scraped and "/metrics" not in public and not scene.metrics_port:
        return (
            f"PUBLIC_PATHS leaves out /metrics, and a Prometheus that finds pods by {SCRAPE} has no API key"
        )
    return None


def _endpoints(scene: Scene) -> Iterator[tuple[Manifest, Manifest]]:
    """Each ServiceMonitor and PodMonitor with its endpoints."""
    for monitor in scene.of_kind(*_MONITORS):
        spec = monitor.get("spec", {})
        for endpoint in spec.get("endpoints") or spec.get("podMetricsEndpoints") or []:
            yield monitor, endpoint


def _number(scene: Scene, endpoint: Manifest) -> str:
    """The port of the pods at which an endpoint of a monitor arrives; a name where it is not known."""
    leads = {
        one.get("name", ""): str(one.get("targetPort", one["port"]))
        for service in scene.of_kind("Service")
        for one in service.get("spec", {}).get("ports") or []
    }
    port = str(endpoint.get("port") or endpoint.get("targetPort") or "")
    target = leads.get(port, port)
    return scene.ports.get(target, target)


METRICS_PAIRS: tuple[tuple[tuple[str, ...], Callable[[Scene], str | None]], ...] = (
    (("TLS_CERT", "METRICS_PORT", "METRICS"), _scheme),
    (("METRICS_PORT", "PORT"), _same_port),
    (("METRICS_PORT", "PORT"), _port),
    (("METRICS_PORT",), _open_port),
    (("METRICS", "METRICS_PORT"), _switched_off),
    (("PUBLIC_PATHS", "METRICS_PORT"), _public),
)
"""The settings of each pair, and the check of it, which returns a note."""
