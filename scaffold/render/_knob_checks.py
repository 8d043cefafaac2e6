"""What each knob may hold."""

from __future__ import annotations

import enum
import re
from typing import Any

from scaffold.base.urls import REPOSITORY, repository_url, without_credentials
from scaffold.errors import InvalidAnswerError
from scaffold.render._rules import (
    QUALIFIED,
    Rule,
    Schema,
    api_object,
    api_objects,
    flag,
    member,
    one_of,
    pairs,
    text,
    url,
    whole,
)
from scaffold.spec import JSONValue, read_shares

LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_HOST = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_PATH = re.compile(r"/([A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*)?")
_CPU = re.compile(r"[1-9][0-9]*m|[0-9]+(\.[0-9]{1,3})?")
_MEMORY = re.compile(r"[1-9][0-9]*(\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G)?")
_REGISTRY = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*/?")
_FOLDER = re.compile(r"""[^/\s"\\][^"\\\x00-\x1f]*""")
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]*")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")
SERVICE_TYPES = ("ClusterIP", "NodePort", "LoadBalancer")


class Platform(enum.Enum):
    """What runs the pods."""

    KUBERNETES = "kubernetes"
    KSERVE = "kserve"
    KNATIVE = "knative"


class Route(enum.Enum):
    """What leads from outside the cluster to the Service."""

    NONE = "none"
    INGRESS = "ingress"
    GATEWAY = "gateway"


class Autoscaler(enum.Enum):
    """What sets the number of pods."""

    HPA = "hpa"
    KEDA = "keda"


def quantity(text: str) -> float:
    """Return the number of a Kubernetes quantity: `250m` is 0.25, `1Ki` is 1024."""
    factors = {"m": 1e-3, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 1e3, "M": 1e6, "G": 1e9}
    number = text.rstrip("KMGTikm")
    return float(number) * factors.get(text[len(number) :], 1)


def _check_seconds(name: str, value: JSONValue) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 3600:
        raise InvalidAnswerError(name, value, "seconds, from 0 to 3600")
    return float(value)


def _check_shares(name: str, value: JSONValue) -> str:
    """Rising percentages: `10,50`, `10` or `[10, 50]`."""
    listed = ",".join(str(one) for one in value) if isinstance(value, list) else str(value)
    try:
        return ",".join(str(one) for one in read_shares(listed))
    except ValueError:
        expected = "rising percentages from 1 to 99, as in 10,50"
        raise InvalidAnswerError(name, value, expected) from None


_CORES_WANTED = "cores, as in 250m, 1.5 or 2"
_CORES_TEXT = text(_CPU, _CORES_WANTED)


def _check_cores(name: str, value: JSONValue) -> str:
    """A number of cores: `2`, `1.5`, `"500m"`."""
    number = f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else value
    cores = _CORES_TEXT(name, number)
    if cores and not cores.strip("0."):
        raise InvalidAnswerError(name, value, _CORES_WANTED)
    return cores


def _check_repository(name: str, value: JSONValue) -> str:
    """The address of a git repository, as a URL; the message shows no password."""
    if not isinstance(value, str) or (value and not REPOSITORY.fullmatch(value)):
        expected = "the address of a git repository, without a password: git@git.example.com:team/titanic.git"
        raise InvalidAnswerError(name, without_credentials(str(value)), expected)
    return repository_url(value)


BASE_IMAGE = text(_IMAGE, "the reference of an image, as in docker.io/library/python:3.11-slim")
GUARD = one_of("none, warn or refuse", "none", "warn", "refuse")
GITOPS = one_of("none, argocd or flux", "none", "argocd", "flux")
REPOSITORY_RULE = Rule(_check_repository, {"type": "string", "pattern": f"^({REPOSITORY.pattern})?$"})
REPOSITORY_FOLDER = text(_FOLDER, "a folder of the repository, as in services/titanic")
_PERCENT: Schema = {"type": "integer", "minimum": 1, "maximum": 99}
_PERCENTAGES: Schema = {"type": "string", "pattern": r"^(\s*[0-9]+\s*(,\s*[0-9]+\s*)*)?$"}
_SHARES = Rule(_check_shares, {"anyOf": [_PERCENTAGES, _PERCENT, {"type": "array", "items": _PERCENT}]})
_CORES = Rule(_check_cores, {"anyOf": [_CORES_TEXT.schema, {"type": "number", "exclusiveMinimum": 0}]})
_SECONDS = Rule(_check_seconds, {"type": "number", "minimum": 0, "maximum": 3600})
_BYTES = text(_MEMORY, "bytes, as in 512Mi or 2Gi")
_OBJECT_NAME = text(LABEL, "a name of lower-case letters, digits and '-'", 63)

CHECKS: dict[str, Rule[Any]] = {
    "platform": member(Platform, "kubernetes, kserve or knative"),
    "registry": text(_REGISTRY, "a registry and a folder in it, as in registry.example.org/models"),
    "service_type": one_of(f"one of {', '.join(SERVICE_TYPES)}", *SERVICE_TYPES),
    "internal": flag,
    "route": member(Route, "none, ingress or gateway"),
    "host": text(_HOST, "a host name, as in scores.example.org"),
    "path": text(_PATH, "a path, as in /titanic"),
    "tls": flag,
    "tls_issuer": _OBJECT_NAME,
    "ingress_class": _OBJECT_NAME,
    "gateway": _OBJECT_NAME,
    "gateway_namespace": _OBJECT_NAME,
    "autoscaling": flag,
    "autoscaler": member(Autoscaler, "hpa or keda"),
    "replicas": whole(1, 1000),
    "min_replicas": whole(0, 1000),
    "max_replicas": whole(1, 1000),
    "target_utilization": whole(1, 100),
    "refresh_s": whole(1, 1800),
    "prometheus_url": url("http://prometheus.monitoring:9090"),
    "target_requests": whole(1, 100_000),
    "cooldown_s": whole(0, 86_400),
    "triggers": api_objects(
        "name", "metricType", "authenticationRef", "useCachedMetrics", needed=("type", "metadata")
    ),
    "cpu": _CORES,
    "cpu_limit": _CORES,
    "memory": _BYTES,
    "memory_limit": _BYTES,
    "ephemeral_storage": _BYTES,
    "gpus": whole(0, 64),
    "gpu_resource": text(QUALIFIED, "the name of a resource, as in nvidia.com/gpu", 317),
    "runtime_class": _OBJECT_NAME,
    "labels": pairs(_LABEL_VALUE),
    "annotations": pairs(),
    "run_as_user": whole(0, 2**31 - 1),
    "priority_class": _OBJECT_NAME,
    "node_selector": pairs(_LABEL_VALUE),
    "tolerations": api_objects("key", "operator", "value", "effect", "tolerationSeconds"),
    "affinity": api_object("nodeAffinity", "podAffinity", "podAntiAffinity"),
    "ingress_from": api_objects("podSelector", "namespaceSelector", "ipBlock"),
    "canary": _SHARES,
    "canary_hold_s": _SECONDS,
    "timeout_s": _SECONDS,
    "max_concurrent": whole(0, 100_000),
    "queue_wait_s": _SECONDS,
    "auth": flag,
    "network_policy": flag,
    "metrics": flag,
    "access_log": flag,
    "service_monitor": flag,
    "drift_hours": whole(1, 720),
    "otlp_endpoint": url("http://collector.observability:4318"),
    "chart": flag,
}
