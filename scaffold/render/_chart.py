"""The manifests as a Helm chart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from scaffold.base.layout import CHART
from scaffold.base.strategic_merge import manifest_text
from scaffold.render._chart_schema import values_schema
from scaffold.render._knob_checks import Route
from scaffold.render._manifest import ChartValue, render_manifest, render_manifests
from scaffold.render._source import shell_example
from scaffold.spec import ProjectSpec

Values = Mapping[str, object]

_POD_VALUES = (
    "ephemeral_storage",
    "gpus",
    "priority_class",
    "runtime_class",
    "node_selector",
    "tolerations",
    "affinity",
)
_SCALARS = {"ephemeral_storage", "gpus", "priority_class", "runtime_class", "run_as_user"}
_SAME_NAME = (
    "service_type",
    "host",
    "min_replicas",
    "max_replicas",
    "target_cpu",
    "cooldown_s",
    "prometheus_url",
    "target_requests",
    "cpu",
    "cpu_limit",
    "memory",
    "memory_limit",
)
_IMAGE = (
    '"{{ .Values.image.repository }}'
    "{{ if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag }}{{ end }}"
    '"'
)
_BRACES = '{{ "{{" }}'
"""Two braces that are none of Helm's."""
_NAMESPACE = "{{ .Release.Namespace }}"
_INSTANCE = {"app.kubernetes.io/instance": "{{ .Release.Name }}"}
_TEST_POD = {"app.kubernetes.io/component": "test", **_INSTANCE}


def chart_files(spec: ProjectSpec, values: Values, targets: Mapping[str, Values]) -> dict[str, bytes]:
    """Return the manifests as a Helm chart: what differs by release comes from `values.yaml`.

    A target with answers of its own has `values-<target>.yaml` beside it.

    Args:
        spec: The project.
        values: What the manifests of the base are rendered with.
        targets: What those of each target are rendered with.
    """
    templates = _templates(spec, values)
    defaults = render_manifest("values.yaml.jinja", _chart_values(values))
    files = {f"{CHART}/templates/{name}": text for name, text in templates.items()}
    files[f"{CHART}/Chart.yaml"] = render_manifest("Chart.yaml.jinja", {**values, "version": spec.version})
    files[f"{CHART}/values.yaml"] = defaults
    files[f"{CHART}/values.schema.json"] = values_schema(_loaded(defaults))
    for target, own in targets.items():
        if own != values and (text := _target_values(spec, target, own, defaults, templates)):
            files[f"{CHART}/values-{target}.yaml"] = text
    return files


def _templates(spec: ProjectSpec, values: Values) -> dict[str, bytes]:
    helm = _with_expressions(values)
    notes = {
        "has_route": _has_route(values),
        "scheme": "https" if values["tls"] else "http",
        "prefix": "" if values["path"] == "/" else values["path"],
        "example": shell_example(spec).replace("{{", '{{ "{{" }}'),
    }
    return {
        "_helpers.tpl": render_manifest("helpers.tpl.jinja", helm),
        **render_manifests(helm),
        "NOTES.txt": render_manifest("NOTES.txt.jinja", helm | notes),
        "tests/readyz.yaml": render_manifest("readyz.yaml.jinja", helm),
    }


def _with_expressions(values: Values) -> dict[str, object]:
    """Return the values of the manifests, with an expression of Helm for each value of the chart."""
    name = str(values["name"])
    fullname = f'{{{{ include "{name}.fullname" . }}}}'
    peers = cast("tuple[object, ...]", values["ingress_from"])
    blocks = ("labels", "annotations", "run_as_user", "triggers", *_POD_VALUES)
    return {
        **values,
        **{key: f"{{{{ .Values.{key} }}}}" for key in _SAME_NAME if values.get(key) != ""},
        **{key: ChartValue(key, is_scalar=key in _SCALARS) for key in blocks},
        "is_chart": True,
        "object_name": fullname,
        "braces": _BRACES,
        "drift_panels": str(values.get("drift_panels", "")).replace("{{", _BRACES),
        "namespace": _NAMESPACE,
        "watched_namespace": _NAMESPACE,
        "selector": {"app.kubernetes.io/name": name, **_INSTANCE},
        "test_labels": _TEST_POD,
        "ingress_from": [*peers, {"podSelector": {"matchLabels": _TEST_POD}}] if peers else [],
        "image": _IMAGE,
        "pull_secret": "{{ .Values.secrets.pull }}",
        "tls_secret": f"{fullname}-tls",
        "drift_dashboard": f"{fullname}-drift",
        "replicas": values["replicas"] and "{{ .Values.replicas }}",
        "settings": [
            setting | {"secret": f"{{{{ .Values.secrets.{_secret_key(setting)} }}}}"}
            for setting in _settings(values)
            if setting["secret"]
        ],
    }


def _chart_values(values: Values) -> dict[str, object]:
    """Return what `values.yaml` is rendered with."""
    secrets = {_secret_key(setting): setting["secret"] for setting in _settings(values)}
    return {
        **values,
        "has_route": _has_route(values),
        "api_keys_secret": secrets.get("api_keys", ""),
        "model_secret": secrets.get("model", ""),
        "pods": {key: values[key] for key in _POD_VALUES},
    }


def _target_values(
    spec: ProjectSpec, target: str, own: Values, defaults: bytes, templates: Mapping[str, bytes]
) -> bytes:
    """Return the values of one target that differ from the defaults; nothing if all are equal."""
    own_templates = _templates(spec, own)
    names = sorted(
        name for name in {*own_templates, *templates} if own_templates.get(name) != templates.get(name)
    )
    differing = _difference(
        _loaded(defaults), _loaded(render_manifest("values.yaml.jinja", _chart_values(own)))
    )
    if not differing and not names:
        return b""
    lines = [f"# What {target} changes in values.yaml: helm upgrade --install -f values-{target}.yaml ..."]
    if names:
        lines.append(
            f"# Its answers also change templates, which are those for all targets: {', '.join(names)}"
        )
    return "\n".join([*lines, manifest_text(differing)]).encode()


def _difference(base: Mapping[str, Any], desired: Mapping[str, Any]) -> dict[str, Any]:
    """Return what Helm has to merge into `base` to get `desired`."""
    difference: dict[str, Any] = {key: None for key in base if key not in desired}
    for key, value in desired.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            if inner := _difference(base[key], value):
                difference[key] = inner
        elif value != base.get(key):
            difference[key] = value
    return difference


def _settings(values: Values) -> list[dict[str, str]]:
    return cast("list[dict[str, str]]", values["settings"])


def _secret_key(setting: Mapping[str, str]) -> str:
    """Return the value of the chart that names the secret of a setting."""
    return "api_keys" if setting["name"] == "API_KEY_HASHES" else "model"


def _has_route(values: Values) -> bool:
    return values["route"] is not Route.NONE


def _loaded(text: bytes) -> dict[str, Any]:
    import yaml

    return cast("dict[str, Any]", yaml.safe_load(text))
