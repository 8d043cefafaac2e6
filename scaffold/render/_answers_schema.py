"""The JSON Schema of the answers: editors complete and check a file of answers by it."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any

from scaffold.base.templates import template_path
from scaffold.base.yaml_text import yaml_document
from scaffold.render._choices import BATCH_ENGINES, BATCH_MANIFESTS, CI_SYSTEMS
from scaffold.render._knob_checks import (
    BASE_IMAGE,
    CHECKS,
    GITOPS,
    GUARD,
    LABEL,
    REPOSITORY_FOLDER,
    REPOSITORY_RULE,
)
from scaffold.render._knobs import KNOBS, Knobs
from scaffold.render._rules import Schema, flag
from scaffold.spec import OTHER_PROTOCOLS

_DIALECT = "http://json-schema.org/draft-07/schema#"
"""The newest that the YAML extension of VS Code knows in full."""
_KNOBS = {
    "platform": "What runs the pods: a Deployment, KServe's InferenceService or Knative's Service.",
    "registry": "Where images go: registry.example.org/models.",
    "service_type": "The type of the Service.",
    "internal": "A load balancer that only the private network reaches.",
    "route": "What leads from outside the cluster to the Service; needs `host`.",
    "host": "The host name of the route.",
    "path": "The path of the route.",
    "tls": "Whether the route uses TLS.",
    "tls_issuer": "The ClusterIssuer of cert-manager for the route's certificate.",
    "ingress_class": "The class of the ingress; empty: the cluster's default.",
    "gateway": "The Gateway that the route belongs to.",
    "gateway_namespace": "The namespace of that Gateway.",
    "autoscaling": "Whether the number of pods follows the load.",
    "autoscaler": "What adds pods: a HorizontalPodAutoscaler by CPU, or KEDA by requests.",
    "replicas": "The number of pods without autoscaling.",
    "min_replicas": "The fewest pods with autoscaling; 0 needs KEDA and `triggers`.",
    "max_replicas": "The most pods with autoscaling; three times `min_replicas` by default.",
    "target_utilization": "The percentage of the CPU limit above which pods are added.",
    "refresh_s": "Seconds between changes of the number of pods.",
    "prometheus_url": "The Prometheus that KEDA asks.",
    "target_requests": "Requests per pod above which KEDA adds pods.",
    "cooldown_s": "Seconds without work after which KEDA stops the last pod.",
    "triggers": "Further triggers of KEDA.",
    "cpu": "Cores that a pod requests: 250m, 1.5.",
    "cpu_limit": "The most cores of a pod.",
    "memory": "Memory that a pod requests; from the proof by default.",
    "memory_limit": "The most memory of a pod; from the proof by default.",
    "ephemeral_storage": "Scratch space of a pod.",
    "gpus": "GPUs of a pod.",
    "gpu_resource": "The resource that stands for a GPU.",
    "runtime_class": "The RuntimeClass of the pods.",
    "labels": "Labels of every object and of the pods.",
    "annotations": "Annotations of every object and of the pods.",
    "run_as_user": "The user in the container; 0: the platform chooses.",
    "priority_class": "The PriorityClass of the pods.",
    "node_selector": "Labels of the nodes that the pods run on.",
    "tolerations": "Taints that the pods tolerate.",
    "affinity": "Affinity of the pods.",
    "ingress_from": "Peers that may call the service; anyone by default.",
    "canary": "Rising percentages of the requests that a new version gets before the rollout: 10,50.",
    "canary_hold_s": "Seconds of each step of the canary.",
    "timeout_s": "Seconds that scoring may take; from the proof by default.",
    "max_concurrent": "Records that may wait in one container; 1024 by default.",
    "queue_wait_s": "Seconds that a record may wait; 10 by default.",
    "auth": "Whether callers need an API key.",
    "network_policy": "Whether a NetworkPolicy isolates the pods.",
    "metrics": "Whether the service has /metrics for Prometheus.",
    "access_log": "Whether each request gets a line in the log.",
    "service_monitor": "A ServiceMonitor for the Prometheus operator.",
    "otlp_endpoint": "Where traces go; needs `opentelemetry`.",
    "drift_hours": "Hours of requests that the alerts on drift look at; needs `drift`, `service_monitor`.",
    "chart": "Whether deploy/chart has a Helm chart.",
}
_DECIDED = {"max_replicas", "timeout_s", "max_concurrent", "queue_wait_s"}
"""Numbers that are 0 where they are not answered."""
_TARGETS: Schema = {"type": "string", "pattern": f"^({LABEL.pattern})$", "not": {"enum": ["base", "chart"]}}


def _some_of(choices: Sequence[str]) -> Schema:
    """None, or some of the choices: a text with commas or a list."""
    each = "|".join(choices)
    return {
        "anyOf": [
            {"enum": ["none", *choices]},
            {"type": "string", "pattern": rf"^\s*({each})\s*(,\s*({each})\s*)*$"},
            {"type": "array", "items": {"enum": list(choices)}},
        ],
        "default": "none",
    }


_PROJECT: dict[str, Schema] = {
    "targets": {
        "description": "The environments: a folder under deploy/ for each.",
        "anyOf": [_TARGETS, {"type": "array", "items": _TARGETS, "minItems": 1, "uniqueItems": True}],
        "default": ["staging", "production"],
    },
    "base_image": {"description": "The base of the image, if not python:slim.", **BASE_IMAGE.schema},
    "ci": {
        "description": f"The systems that get a pipeline: none, or some of {', '.join(CI_SYSTEMS)}.",
        **_some_of(CI_SYSTEMS),
    },
    "gitops": {
        "description": "The tool that deploys from git: deploy/argocd.yaml or deploy/flux.yaml.",
        **GITOPS.schema,
        "default": "none",
    },
    "guard": {
        "description": "What a value that the baseline never saw leads to: a header or a 422; needs `drift`.",
        **GUARD.schema,
        "default": "none",
    },
    "repository": {
        "description": "The git repository of the project, for `gitops`; that of `origin` by default.",
        **REPOSITORY_RULE.schema,
    },
    "repository_folder": {
        "description": "The folder of the project in that repository.",
        **REPOSITORY_FOLDER.schema,
    },
    "protocols": {
        "description": f"How the service is called besides /score: some of {', '.join(OTHER_PROTOCOLS)}.",
        **_some_of(OTHER_PROTOCOLS),
    },
    "batch": {
        "description": f"Where batch/ scores files and tables: some of {', '.join(BATCH_ENGINES)}.",
        **_some_of(BATCH_ENGINES),
    },
    "batch_manifests": {
        "description": f"Manifests of batch jobs: some of {', '.join(BATCH_MANIFESTS)}.",
        **_some_of([*BATCH_MANIFESTS]),
    },
    "card": {
        "description": "Whether the model card is complete, and served as JSON at /v1/model.",
        **flag.schema,
        "default": False,
    },
    "page": {
        "description": "Whether the service has a page at / to try it.",
        **flag.schema,
        "default": False,
    },
    "client": {"description": "Whether client/ has a typed client.", **flag.schema, "default": False},
    "drift": {
        "description": "Whether the service counts its requests against a baseline, for drift.",
        **flag.schema,
        "default": False,
    },
    "opentelemetry": {"description": "Whether the service sends traces.", **flag.schema, "default": False},
    "shadow": {
        "description": "Whether SHADOW=0.01 compares a compiled model with the model; not with `slim`.",
        **flag.schema,
        "default": False,
    },
    "slim": {
        "description": "Whether the image lacks the model's libraries; needs `--accelerate`.",
        **flag.schema,
        "default": False,
    },
}


def answers_schema() -> Schema:
    """Return the JSON Schema of the answers of `new` and `update`, by the rules that check them."""
    defaults = Knobs()
    knobs = {
        name: {"description": _KNOBS[name], **CHECKS[name].schema, **_default(name, getattr(defaults, name))}
        for name in KNOBS
    }
    references = {name: {"$ref": f"#/definitions/{name}"} for name in knobs}
    own = {
        "description": "Knobs of one target, by its name.",
        "type": "object",
        "additionalProperties": _closed(references),
    }
    properties = {**_PROJECT, "per_target": own, **references}
    return {
        "$schema": _DIALECT,
        "title": "Answers of a service",
        **_closed(dict(sorted(properties.items()))),
        "definitions": knobs,
    }


def bootstrap_schema() -> Schema:
    """Return the JSON Schema of the answers of `init`, by the questions of the project template."""
    questions = yaml_document((template_path("project") / "copier.yml").read_text("utf-8"))
    properties = {
        name: _question(question, questions.get(f"{name}_pattern"))
        for name, question in questions.items()
        if not name.startswith("_") and question.get("when") is not False
    }
    return {"$schema": _DIALECT, "title": "Answers of a training project", **_closed(properties)}


def _closed(properties: dict[str, Schema]) -> Schema:
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _default(name: str, value: Any) -> Schema:
    """Return the default of a knob as a JSON value; `{}` where the default depends on other values."""
    if value == "" or name in _DECIDED:
        return {}
    if isinstance(value, enum.Enum):
        return {"default": value.value}
    return {"default": list(value) if isinstance(value, tuple) else value}


def _question(question: dict[str, Any], pattern: dict[str, Any] | None) -> Schema:
    """One question of copier: its help, and its choices or its pattern, which is a value of its own."""
    schema: Schema = {"description": question["help"]}
    if choices := question.get("choices"):
        schema["enum"] = list(choices.values()) if isinstance(choices, dict) else list(choices)
    else:
        schema["type"] = "string"
    if pattern:
        schema["pattern"] = pattern["default"]
    default = question.get("default")
    return schema if default is None or "{{" in default else {**schema, "default": default}
