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


def _check_scheme(scene: Scene) -> str | None:
    """Check the scheme: metrics use TLS only on the port of the service, never on a separate port."""
    expected = "https" if scene.value("TLS_CERT") and not scene.metrics_port else "http"
    schemes = {describe(monitor): each.get("scheme", "http") for monitor, each in _endpoints(scene)}
    if scene.is_scraped:
        schemes[_SCRAPED_SCHEME] = scene.annotations.get(_SCRAPED_SCHEME, "http")
    for place, scheme in schemes.items() if scene.is_on("METRICS") else ():
        if scheme != expected:
            return f"Prometheus asks for the metrics by {scheme} ({place}), and they are there by {expected}"
    return None


def _check_separate_port(scene: Scene) -> str | None:
    port = scene.metrics_port
    if port and port == scene.value("PORT", next(iter(scene.ports.values()), "")):
        return f"METRICS_PORT is {port}, the port of the service: leave it out, or set another one"
    return None


def _check_port(scene: Scene) -> str | None:
    listening = scene.metrics_port or scene.value("PORT")
    scraped_ports = {describe(monitor): _number(scene, endpoint) for monitor, endpoint in _endpoints(scene)}
    if scene.is_scraped:
        scraped_ports[_SCRAPED_PORT] = scene.annotations.get(_SCRAPED_PORT, "")
    for place, port in scraped_ports.items():
        if listening and port.isdigit() and port != listening:
            return (
                f"Prometheus looks for the metrics on port {port} ({place}), and they are on port {listening}"
            )
    return None


def _check_open_port(scene: Scene) -> str | None:
    port, allowed = scene.metrics_port, allowed_ports(scene)
    if (
        port
        and allowed is not None
        and port not in allowed
        and (scene.is_scraped or scene.of_kind(*_MONITORS))
    ):
        return f"network.yaml keeps Prometheus from METRICS_PORT: add `- port: {port}` to `ports` there"
    return None


def _check_switch(scene: Scene) -> str | None:
    places = [*([SCRAPE] if scene.is_scraped else []), *map(describe, scene.of_kind(*_MONITORS))]
    if not scene.is_on("METRICS") and not scene.metrics_port and places:
        return f"METRICS is {scene.value('METRICS')}, and Prometheus looks for metrics ({places[0]})"
    return None


def _public(scene: Scene) -> str | None:
    """Check that the metrics are public: a Prometheus that finds pods by annotation sends no API key."""
    public = [path.strip() for path in scene.values.get("PUBLIC_PATHS", "/metrics").split(",")]
    if scene.needs_key and scene.is_scraped and "/metrics" not in public and not scene.metrics_port:
        return (
            f"PUBLIC_PATHS leaves out /metrics, and a Prometheus that finds pods by {SCRAPE} has no API key"
        )
    return None


def _endpoints(scene: Scene) -> Iterator[tuple[Manifest, Manifest]]:
    """Yield each endpoint of each ServiceMonitor and PodMonitor."""
    for monitor in scene.of_kind(*_MONITORS):
        spec = monitor.get("spec", {})
        for endpoint in spec.get("endpoints") or spec.get("podMetricsEndpoints") or []:
            yield monitor, endpoint


def _number(scene: Scene, endpoint: Manifest) -> str:
    """Return the pod port that an endpoint of a monitor scrapes; the port's name if the number is unknown."""
    leads = {
        service_port.get("name", ""): str(service_port.get("targetPort", service_port["port"]))
        for service in scene.of_kind("Service")
        for service_port in service.get("spec", {}).get("ports") or []
    }
    port = str(endpoint.get("port") or endpoint.get("targetPort") or "")
    target = leads.get(port, port)
    return scene.ports.get(target, target)


METRICS_PAIRS: tuple[tuple[tuple[str, ...], Callable[[Scene], str | None]], ...] = (
    (("TLS_CERT", "METRICS_PORT", "METRICS"), _check_scheme),
    (("METRICS_PORT", "PORT"), _check_separate_port),
    (("METRICS_PORT", "PORT"), _check_port),
    (("METRICS_PORT",), _check_open_port),
    (("METRICS", "METRICS_PORT"), _check_switch),
    (("PUBLIC_PATHS", "METRICS_PORT"), _public),
)
"""The settings of each pair, and the check of it, which returns a note."""
