"""The manifests as a Helm chart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

from scaffold.base.layout import CHART
from scaffold.render._knob_checks import Route
from scaffold.render._knobs import Knobs
from scaffold.render._manifest import render_manifest, render_manifests
from scaffold.spec import ProjectSpec

_HELM_VALUES = {
    "namespace": "{{ .Release.Namespace }}",
    "image": (
        '"{{ .Values.image.repository }}'
        "{{ if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag }}{{ end }}"
        '"'
    ),
    "service_type": "{{ .Values.service_type }}",
    "host": "{{ .Values.host }}",
    "min_replicas": "{{ .Values.min_replicas }}",
    "max_replicas": "{{ .Values.max_replicas }}",
    "target_cpu": "{{ .Values.target_cpu }}",
    "cpu": "{{ .Values.cpu }}",
    "cpu_limit": "{{ .Values.cpu_limit }}",
    "memory": "{{ .Values.memory }}",
    "memory_limit": "{{ .Values.memory_limit }}",
}


def _helm_value(setting: Mapping[str, str]) -> str:
    """Where a setting's value comes from in the chart; only a plain one may stand between quotes as it is."""
    place = f".Values.settings.{setting['name']}"
    plain = re.fullmatch(r'"[^"\\\\]*"', setting["value"])
    return f'"{{{{ {place} }}}}"' if plain else f"{{{{ {place} | quote }}}}"


def chart_files(spec: ProjectSpec, knobs: Knobs, values: Mapping[str, object]) -> dict[str, bytes]:
    """The same manifests as a Helm chart: what differs by release comes from `values.yaml`."""
    helm = dict(values) | _HELM_VALUES
    if not knobs.autoscaling:
        helm["replicas"] = "{{ .Values.replicas }}"
    helm["settings"] = [
        setting if setting["secret"] else setting | {"value": _helm_value(setting)}
        for setting in cast("list[dict[str, str]]", values["settings"])
    ]
    files = {f"{CHART}/templates/{name}": text for name, text in render_manifests(helm).items()}
    chart = dict(values) | {"version": spec.version, "has_route": knobs.route is not Route.NONE}
    files[f"{CHART}/Chart.yaml"] = render_manifest("Chart.yaml.jinja", chart)
    files[f"{CHART}/values.yaml"] = render_manifest("values.yaml.jinja", chart)
    return files
