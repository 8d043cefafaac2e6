"""The manifests under `deploy/`, from the answers about a deployment.

Each knob is an answer with a default; `per_target` overrides any of them for one target:

    {"targets": ["staging", "production"], "service_type": "LoadBalancer",
     "per_target": {"production": {"min_replicas": 3}}}

docs/deploy.md lists them all. What a proof measured goes in where it is known; without a proof the same lines
hold placeholders, and say so.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import cast
from urllib.parse import urlsplit

from scaffold.base.layout import BASE, DEPLOY, KUSTOMIZATION, SERVING, SETTINGS
from scaffold.errors import InvalidAnswerError
from scaffold.render._chart import chart_files
from scaffold.render._choices import read_ci
from scaffold.render._drift_monitoring import monitoring_values
from scaffold.render._gitops import gitops_files
from scaffold.render._knob_checks import Autoscaler, Platform, Route
from scaffold.render._knobs import KNOBS, Knobs, read_gitops, read_knobs, read_targets
from scaffold.render._manifest import render_manifest, render_manifests
from scaffold.render._measured import probes_of, resources_of
from scaffold.render._overlays import overlay_files
from scaffold.render._platform import platform_values
from scaffold.spec import JSONValue, Measurements, Profile, ProjectSpec

_DRAIN_S = 5
_SPARE_S = 5
_QUEUE_S = 10
_LABEL_CHARACTERS = 63
_MONITOR_COMMENTS = {
    Profile.FAST: (
        "/metrics needs no API key. If PUBLIC_PATHS leaves it out, Prometheus sends one of a secret:",
        "  authorization: { credentials: { name: SECRET, key: KEY } }",
    ),
    Profile.PLAIN: ("/metrics needs no API key: app/serving/auth.py.",),
}
"""How Prometheus passes where callers need a key."""
_SCALED_OBJECT = "scaledobject.yaml"
_DRIFT_FILES = ("drift_rules.yaml", "drift_dashboard.yaml")
_OF_A_TARGET = {_SCALED_OBJECT, *_DRIFT_FILES}


def deploy_values(spec: ProjectSpec) -> dict[str, object]:
    """Return the values about deployment for the other templates: targets, namespaces and pipelines."""
    targets = read_targets(spec.answers)
    first = read_knobs(spec.answers, targets[0])
    return {
        "targets": list(targets),
        "namespaces": {target: namespace_name(spec.name, target) for target in targets},
        "has_chart": first.chart,
        "ci": list(read_ci(spec.answers)),
        "gitops": read_gitops(spec.answers).tool,
        "promotions": list(pairwise(targets)),
        "names_registry": bool(first.registry),
    }


def deploy_files(spec: ProjectSpec, measurements: Measurements | None = None) -> dict[str, bytes]:
    """Return the manifests by path: `deploy/base/`, `deploy/<target>/` for each target; a chart if asked.

    Args:
        spec: The project; `spec.answers` holds the knobs.
        measurements: What the proof measured. Without it requests, limits and probe times are placeholders.

    Raises:
        InvalidAnswerError: A knob has a value that no manifest can hold.
    """
    targets = read_targets(spec.answers)
    knobs = _common_knobs(spec.answers, targets)
    values = _values(spec, knobs, measurements)
    common = _without_own_files(values)
    base = render_manifests(common)
    files = {f"{BASE}/{name}": text for name, text in base.items()}
    files[f"{BASE}/{KUSTOMIZATION}"] = render_manifest("base.yaml.jinja", common)
    own = {
        target: values if read == knobs else _values(spec, read, measurements)
        for target, read in ((target, read_knobs(spec.answers, target)) for target in targets)
    }
    for target, target_values in own.items():
        namespace = namespace_name(spec.name, target)
        manifests = base if target_values is values else render_manifests(_without_own_files(target_values))
        manifests = manifests | _own_files(target_values, namespace)
        overlay = overlay_files(base, manifests, target_values, target, namespace)
        files |= {f"{DEPLOY}/{target}/{name}": text for name, text in overlay.items()}
    files |= gitops_files(spec, {target: namespace_name(spec.name, target) for target in targets})
    if knobs.chart:
        files |= chart_files(spec, values, own)
    return dict(sorted(files.items()))


def _common_knobs(answers: Mapping[str, JSONValue], targets: tuple[str, ...]) -> Knobs:
    """Return the knobs for all targets; those of the first one if they are not complete alone."""
    common = {name: value for name, value in answers.items() if name != "per_target"}
    try:
        return read_knobs(common, targets[0])
    except InvalidAnswerError:
        return read_knobs(answers, targets[0])


def _without_own_files(values: Mapping[str, object]) -> dict[str, object]:
    files = cast("list[str]", values["files"])
    return {**values, "files": [name for name in files if name not in _OF_A_TARGET]}


def _own_files(values: Mapping[str, object], namespace: str) -> dict[str, bytes]:
    """The manifests that name the namespace of a target within, where kustomize does not put it."""
    files = cast("list[str]", values["files"])
    own = {"files": [name for name in files if name in _OF_A_TARGET], "watched_namespace": namespace}
    return render_manifests({**values, **own})


def namespace_name(name: str, target: str) -> str:
    """Return `{name}-{target}`, shortened and made unique by a hash where it has over 63 characters."""
    return _shortened(f"{name}-{target}")


def _shortened(name: str) -> str:
    if len(name) <= _LABEL_CHARACTERS:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: _LABEL_CHARACTERS - 9].rstrip('-')}-{digest}"


def _label(text: str) -> str:
    """A label's value: what cannot stand in one becomes `-`."""
    kept = re.sub(r"[^A-Za-z0-9._-]", "-", text)[:_LABEL_CHARACTERS].strip("-._")
    return f'"{kept}"'


def _values(spec: ProjectSpec, knobs: Knobs, measurements: Measurements | None) -> dict[str, object]:
    if not re.match("[a-z]", spec.name):
        raise InvalidAnswerError(
            "name", spec.name, "a name that starts with a letter, for it names a Service too"
        )
    repository = f"{knobs.registry.rstrip('/')}/{spec.name}" if knobs.registry else spec.name
    timeout_s = knobs.timeout_s or _timeout_s(measurements)
    is_keda = knobs.autoscaler is Autoscaler.KEDA
    own = {name: getattr(knobs, name) for name in KNOBS} | {
        "replicas": None if knobs.autoscaling else knobs.replicas,
        "max_replicas": knobs.max_replicas or 3 * max(1, knobs.min_replicas),
        "internal": knobs.internal and knobs.service_type == "LoadBalancer",
    }
    return {
        **own,
        "name": spec.name,
        "object_name": spec.name,
        "selector": {"app.kubernetes.io/name": spec.name},
        "namespace": "",
        "is_chart": False,
        "files": _file_names(knobs, has_drift=spec.baseline is not None),
        "request_timeout_s": math.ceil(timeout_s + (knobs.queue_wait_s or _QUEUE_S)) + _SPARE_S,
        **platform_values(knobs),
        "is_keda": is_keda,
        "autoscaler_file": _SCALED_OBJECT if is_keda else "autoscaler.yaml",
        "route_label": "handler" if spec.profile is Profile.PLAIN else "route",
        "settings_file": SETTINGS if spec.profile is Profile.PLAIN else f"{SERVING}/settings.py",
        "has_tls": spec.profile is Profile.FAST,
        "version_label": _label(spec.version),
        "image": spec.name,
        "image_repository": repository,
        "image_tag": spec.version.replace("+", "-"),
        "pull_secret": _shortened(f"{spec.name}-registry"),
        "settings": [*_settings(spec.name, knobs, timeout_s), *_model_variables(spec)],
        "drain_s": _DRAIN_S,
        "grace_s": _DRAIN_S + math.ceil(timeout_s + (knobs.queue_wait_s or _QUEUE_S)) + _SPARE_S,
        "tls_secret": _shortened(f"{spec.name}-tls"),
        "drift_dashboard": _shortened(f"{spec.name}-drift"),
        "scraped": knobs.metrics and not knobs.service_monitor,
        "monitor_comment": _MONITOR_COMMENTS[spec.profile] if knobs.auth else (),
        "collector_port": _port(knobs.otlp_endpoint),
        **monitoring_values(spec),
        **resources_of(knobs, measurements),
        **probes_of(measurements),
    }


def _port(url: str) -> int | None:
    parts = urlsplit(url)
    return parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _file_names(knobs: Knobs, *, has_drift: bool) -> list[str]:
    """The manifests, in the order in which they are applied."""
    is_keda = knobs.autoscaler is Autoscaler.KEDA
    is_kubernetes = knobs.platform is Platform.KUBERNETES
    conditions = {
        "serviceaccount.yaml": True,
        "network.yaml": knobs.network_policy,
        "service.yaml": is_kubernetes,
        "deployment.yaml": is_kubernetes,
        "disruption.yaml": is_kubernetes,
        "autoscaler.yaml": is_kubernetes and knobs.autoscaling and not is_keda,
        _SCALED_OBJECT: knobs.autoscaling and is_keda,
        "ingress.yaml": knobs.route is Route.INGRESS,
        "route.yaml": knobs.route is Route.GATEWAY,
        "monitor.yaml": knobs.service_monitor,
        **dict.fromkeys(_DRIFT_FILES, knobs.service_monitor and has_drift),
        "inferenceservice.yaml": knobs.platform is Platform.KSERVE,
        "knative.yaml": knobs.platform is Platform.KNATIVE,
    }
    return [name for name, is_needed in conditions.items() if is_needed]


def _settings(name: str, knobs: Knobs, timeout_s: float) -> list[dict[str, str]]:
    """The environment of the container: a comment, a name, and a value or a secret's key."""
    queue_s = knobs.queue_wait_s or _QUEUE_S
    settings = [
        _setting("SCORE_TIMEOUT_S", f"{timeout_s:g}", "Seconds that scoring may take; then 504."),
        _setting("QUEUE_TIMEOUT_S", f"{queue_s:g}", "Seconds that a record may wait for its turn; then 504."),
        _setting(
            "SHUTDOWN_S", str(math.ceil(timeout_s + queue_s)), "Seconds to finish requests after SIGTERM."
        ),
    ]
    if knobs.max_concurrent:
        comment = "Records that may wait in one container; the next one gets 503."
        settings.append(_setting("MAX_WAITING", str(knobs.max_concurrent), comment))
    if knobs.route is not Route.NONE and knobs.path != "/":
        settings.append(_setting("ROOT_PATH", knobs.path, "The prefix that requests from outside come with."))
    if not knobs.metrics:
        settings.append(_setting("METRICS", "false", "No numbers for Prometheus."))
    if knobs.otlp_endpoint:
        comment = "Where spans, numbers and logs go."
        settings.append(_setting("OTEL_EXPORTER_OTLP_ENDPOINT", knobs.otlp_endpoint, comment))
    if knobs.access_log:
        settings.append(_setting("ACCESS_LOG", "true", "A line for each request."))
    if knobs.auth:
        comment = "sha256 of each API key that opens the service, with commas; two while one is replaced."
        secret = {"secret": _shortened(f"{name}-api-keys"), "key": "hashes"}
        settings.append(_setting("API_KEY_HASHES", "", comment) | secret)
    return settings


def _model_variables(spec: ProjectSpec) -> list[dict[str, str]]:
    """What the model reads from the environment; a secret by reference."""
    settings = []
    for variable in spec.variables:
        setting = _setting(variable.name, variable.value, "The model reads it.")
        if variable.secret:
            setting |= {"secret": _shortened(f"{spec.name}-model"), "key": variable.name}
        settings.append(setting)
    return settings


def _setting(name: str, value: str, comment: str) -> dict[str, str]:
    """A setting; its value as YAML has it, for JSON is YAML."""
    quoted = json.dumps(value, ensure_ascii=False)
    return {"name": name, "value": quoted, "comment": comment, "secret": "", "key": ""}


def _timeout_s(measurements: Measurements | None) -> float:
    """Seconds that scoring may take: ten, or a hundred times what one row took."""
    return 10 if measurements is None else max(10, math.ceil(100 * measurements.latency_s))
