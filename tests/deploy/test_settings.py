"""Settings of the service that have a counterpart in the manifests: each pair, and what cannot be known."""

from __future__ import annotations

from pathlib import Path

import pytest

from scaffold.cluster._manifests import read_target
from scaffold.cluster._pairs import check_settings
from scaffold.errors import ManifestError
from scaffold.image import read_environment
from tests.deploy._deploys import edit_manifest

Edit = tuple[str, str, str]
"""A file, what is in it, and what replaces that."""
POD_PORT = "containerPort: 8000"
PROBE = "port: http }"
SCRAPE = 'prometheus.io/scrape: "true"\n'
KEYS = "name: API_KEY_HASHES, valueFrom: {secretKeyRef: {name: keys, key: hashes}}"
MONITOR = """
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: titanic}
spec: {endpoints: [{port: http, path: /metrics}]}
"""
ROUTE = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: titanic}
spec:
  rules:
    - matches: [{path: {type: PathPrefix, value: /titanic}}]
      backendRefs: [{name: titanic, port: 80}]
"""
INGRESS = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: titanic, annotations: {}}
spec:
  rules:
    - host: localhost
      http:
        paths:
          - {path: /titanic, pathType: Prefix, backend: {service: {name: titanic, port: {name: http}}}}
"""


def env(*entries: str) -> Edit:
    """Entries that the owner adds to `env`: `PORT=9000`, or YAML."""
    texts = [
        entry if ":" in entry.partition("=")[0] else 'name: {}, value: "{}"'.format(*entry.split("=", 1))
        for entry in entries
    ]
    return "deployment.yaml", "env:\n", "env:\n" + "".join(f"            - {{{text}}}\n" for text in texts)


def resource(text: str) -> Edit:
    """Another manifest of the target."""
    return "more.yaml", "", text


def apply(project: Path, edits: tuple[Edit, ...]) -> None:
    for file, old, new in edits:
        if not old:
            (project / "deploy/staging" / file).write_text(new)
            edit_manifest(project, "kustomization.yaml", "resources:\n", f"resources:\n  - {file}\n")
        else:
            edit_manifest(project, file, old, new)


def check(project: Path, image: dict[str, str] | None = None) -> list[str]:
    return check_settings(read_target(project, "staging"), image or {})


REFUSED: dict[str, tuple[tuple[Edit, ...], str, tuple[Edit, ...]]] = {
    "PORT, containerPort": (
        (env("PORT=9000"),),
        r"a port that its container does not name\.\n  PORT: 9000\n  containerPort: 8000",
        (("deployment.yaml", POD_PORT, "containerPort: 9000"),),
    ),
    "PORT, port of the probes": (
        (env("PORT=9000"), ("deployment.yaml", POD_PORT, f"{POD_PORT}\n            - containerPort: 9000")),
        r"A probe asks a port on which the service.*\n  PORT: 9000\n  startupProbe: port 8000",
        (("deployment.yaml", PROBE, "port: 9000 }"), ("network.yaml", "port: http", "port: 9000")),
    ),
    "PORT, network policy": (
        (
            env("PORT=9000"),
            ("deployment.yaml", POD_PORT, "containerPort: 9000"),
            ("network.yaml", "port: http", "port: 8000"),
        ),
        r"lets nobody reach the port of the service\.\n  PORT: 9000\n  NetworkPolicy allows: 8000",
        (("network.yaml", "port: 8000", "port: 9000"),),
    ),
    "BIND_HOST, probes": (
        (env("BIND_HOST=127.0.0.1"),),
        r"listens on the loopback address of its pod.*\n  BIND_HOST: 127\.0\.0\.1",
        (("deployment.yaml", "127.0.0.1", "::"),),
    ),
    "TLS_CERT, scheme of the probes": (
        (env("TLS_CERT=/tls/tls.crt"),),
        r"The service expects TLS, and its probes ask without.*\n  TLS_CERT: /tls/tls\.crt",
        (("deployment.yaml", PROBE, "port: http, scheme: HTTPS }"),),
    ),
    "scheme of the probes, TLS_CERT": (
        (("deployment.yaml", PROBE, "port: http, scheme: HTTPS }"),),
        r"The probes ask with TLS, and the service has no certificate",
        (env("TLS_CERT=/tls/tls.crt"),),
    ),
    "API_KEY_HASHES, path of the probes": (
        (env(KEYS), ("deployment.yaml", "path: /readyz", "path: /version")),
        r"A probe asks for a path that needs an API key.*\n  startupProbe: /version",
        (env("PUBLIC_PATHS=/version"),),
    ),
    "SHUTDOWN_S, terminationGracePeriodSeconds": (
        (env("DRAIN_S=10"),),
        (
            r"preStop sleep 5 s \+ DRAIN_S 10 s \+ SHUTDOWN_S 20 s\n  terminationGracePeriodSeconds: 30\n"
            r"Set `terminationGracePeriodSeconds: 40`"
        ),
        (
            (
                "deployment.yaml",
                "terminationGracePeriodSeconds: 30",
                "terminationGracePeriodSeconds: 40",
            ),
        ),
    ),
}


@pytest.mark.parametrize(("edits", "message", "mend"), REFUSED.values(), ids=REFUSED)
def test_a_setting_that_contradicts_the_manifests_is_refused(
    project: Path, edits: tuple[Edit, ...], message: str, mend: tuple[Edit, ...]
) -> None:
    assert check(project) == []
    apply(project, edits)
    with pytest.raises(ManifestError, match=message):
        check(project)
    apply(project, mend)
    check(project)


TOLD: dict[str, tuple[tuple[Edit, ...], str, tuple[Edit, ...]]] = {
    "METRICS_PORT, annotation": (
        (env("METRICS_PORT=9100"), ("network.yaml", "port: http\n", "port: 9100\n")),
        "Prometheus looks for the metrics on port 8000 (prometheus.io/port), and they are on port 9100",
        (("deployment.yaml", 'prometheus.io/port: "8000"', 'prometheus.io/port: "9100"'),),
    ),
    "METRICS_PORT, network policy": (
        (env("METRICS_PORT=9100"), ("deployment.yaml", 'io/port: "8000"', 'io/port: "9100"')),
        "network.yaml keeps Prometheus from METRICS_PORT: add `- port: 9100` to `ports` there",
        (("network.yaml", "port: http\n", "port: 9100\n"),),
    ),
    "METRICS_PORT, ServiceMonitor": (
        (
            env("METRICS_PORT=9100"),
            ("network.yaml", "port: http\n", "port: 9100\n"),
            ("deployment.yaml", SCRAPE, 'prometheus.io/scrape: "false"\n'),
            resource(MONITOR),
        ),
        "Prometheus looks for the metrics on port 8000 (ServiceMonitor/titanic), and they are on port 9100",
        (("more.yaml", "port: http", "targetPort: 9100"),),
    ),
    "METRICS_PORT, PORT": (
        (env("METRICS_PORT=8000"),),
        "METRICS_PORT is 8000, the port of the service: leave it out, or set another one",
        (("deployment.yaml", 'value: "8000"', 'value: "0"'),),
    ),
    "METRICS, annotation": (
        (env("METRICS=false"),),
        "METRICS is false, and Prometheus looks for metrics (prometheus.io/scrape)",
        (("deployment.yaml", SCRAPE, 'prometheus.io/scrape: "false"\n'),),
    ),
    "TLS_CERT, scheme of the annotation": (
        (env("TLS_CERT=/tls.crt"), ("deployment.yaml", PROBE, "port: http, scheme: HTTPS }")),
        "Prometheus asks for the metrics by http (prometheus.io/scheme), and they are there by https",
        (("deployment.yaml", SCRAPE, f"{SCRAPE}        prometheus.io/scheme: https\n"),),
    ),
    "PUBLIC_PATHS, annotation": (
        (env(KEYS, "PUBLIC_PATHS=/docs"),),
        (
            "PUBLIC_PATHS leaves out /metrics, and a Prometheus that finds pods by prometheus.io/scrape "
            "has no API key"
        ),
        (("deployment.yaml", 'value: "/docs"', 'value: "/docs, /metrics"'),),
    ),
    "OTEL_EXPORTER_OTLP_ENDPOINT, network policy": (
        (env("OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318"),),
        "network.yaml allows no egress to port 4318, where OTEL_EXPORTER_OTLP_ENDPOINT is",
        (("network.yaml", "egress:\n", "egress:\n    - ports: [{port: 4318}]\n"),),
    ),
    "ROOT_PATH, HTTPRoute": (
        (resource(ROUTE),),
        (
            "HTTPRoute/titanic leads to /titanic, and ROOT_PATH is not set: unless the route cuts the prefix "
            "off, set ROOT_PATH to /titanic in deployment.yaml"
        ),
        (env("ROOT_PATH=/titanic"),),
    ),
    "ROOT_PATH, Ingress": (
        (resource(INGRESS), env("ROOT_PATH=/ship")),
        (
            "Ingress/titanic leads to /titanic, and ROOT_PATH is /ship: unless the route cuts the prefix "
            "off, set ROOT_PATH to /titanic in deployment.yaml"
        ),
        (("more.yaml", "annotations: {}", "annotations: {nginx.ingress.kubernetes.io/rewrite-target: /}"),),
    ),
    "PORT from a Secret": (
        (env("name: PORT, valueFrom: {secretKeyRef: {name: ports, key: http}}"),),
        "PORT comes from Secret/ports, which is read in the cluster only: not compared with the manifests",
        (("deployment.yaml", "valueFrom: {secretKeyRef: {name: ports, key: http}}", 'value: "8000"'),),
    ),
    "envFrom": (
        (("deployment.yaml", "env:\n", "envFrom: [{configMapRef: {name: settings}}]\n          env:\n"),),
        "ConfigMap/settings is read in the cluster only: its settings are not compared with the manifests",
        (resource("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {DOCS: 'false'}\n"),),
    ),
}


@pytest.mark.parametrize(("edits", "note", "mend"), TOLD.values(), ids=TOLD)
def test_a_setting_that_may_contradict_the_manifests_is_told(
    project: Path, edits: tuple[Edit, ...], note: str, mend: tuple[Edit, ...]
) -> None:
    apply(project, edits)
    assert check(project) == [note]
    apply(project, mend)
    assert check(project) == []


def test_settings_are_read_from_the_dockerfile_and_from_config_maps_and_env_wins(project: Path) -> None:
    (project / "Dockerfile").write_text(
        "FROM python:3.12 AS build\nENV PORT=1\nFROM python:3.12\nENV PORT=9000\n"
    )
    image = read_environment(project)
    assert image["PORT"] == "9000"
    with pytest.raises(ManifestError, match="PORT: 9000"):
        check(project, image)
    maps = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {port: '9001'}\n"
    source = "envFrom: [{configMapRef: {name: settings}}]\n          env:\n"
    apply(project, (("deployment.yaml", "env:\n", source), resource(maps)))
    with pytest.raises(ManifestError, match="PORT: 9001"):
        check(project, image)
    apply(project, (env("PORT=8000"),))
    assert check(project, image) == []


def test_what_the_cluster_knows_may_override_what_the_dockerfile_sets(project: Path) -> None:
    source = "envFrom: [{secretRef: {name: settings}}]\n          env:\n"
    apply(project, (("deployment.yaml", "env:\n", source),))
    (note,) = check(project, {"PORT": "9000"})
    assert note.startswith("Secret/settings is read in the cluster only")
    apply(project, (env("PORT=9000"),))
    with pytest.raises(ManifestError, match="PORT: 9000"):
        check(project, {"PORT": "8000"})


def test_a_project_without_a_readable_dockerfile_sets_nothing(tmp_path: Path) -> None:
    assert read_environment(tmp_path) == {}
    (tmp_path / "Dockerfile").write_text("RUN true\n")
    assert read_environment(tmp_path) == {}
