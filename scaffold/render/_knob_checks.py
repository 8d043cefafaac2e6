"""What each knob may hold."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Sequence

from scaffold.errors import InvalidAnswerError
from scaffold.spec import JSONValue, read_shares

LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_HOST = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_PATH = re.compile(r"/([A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*)?")
_CPU = re.compile(r"[1-9][0-9]*m|[0-9]+(\.[0-9]{1,3})?")
_MEMORY = re.compile(r"[1-9][0-9]*(\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G)?")
_URL = re.compile(r"https?://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*/?")
_REGISTRY = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*/?")
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]*")
_QUALIFIED = re.compile(r"([a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")
_ANY = re.compile(r"[\s\S]*")
SERVICE_TYPES = ("ClusterIP", "NodePort", "LoadBalancer")
_OWN_LABELS = {
    f"app.kubernetes.io/{name}" for name in ("name", "instance", "component", "version", "managed-by")
}


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
    """Return what a Kubernetes quantity stands for: `250m` is 0.25, `1Ki` is 1024."""
    factors = {"m": 1e-3, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 1e3, "M": 1e6, "G": 1e9}
    number = text.rstrip("KMGTikm")
    return float(number) * factors.get(text[len(number) :], 1)


def flag(name: str, value: JSONValue) -> bool:
    if not isinstance(value, bool):
        raise InvalidAnswerError(name, value, "true or false")
    return value


def _whole(least: int, most: int) -> Callable[[str, JSONValue], int]:
    def check(name: str, value: JSONValue) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise InvalidAnswerError(name, value, f"a whole number from {least} to {most}")
        return value

    return check


def _seconds(name: str, value: JSONValue) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 3600:
        raise InvalidAnswerError(name, value, "seconds, from 0 to 3600")
    return float(value)


def _text(pattern: re.Pattern[str], wanted: str, most: int = 253) -> Callable[[str, JSONValue], str]:
    def check(name: str, value: JSONValue) -> str:
        if value == "":
            return ""
        if not isinstance(value, str) or len(value) > most or not pattern.fullmatch(value):
            raise InvalidAnswerError(name, value, wanted)
        return value

    return check


def _shares(name: str, value: JSONValue) -> str:
    """Rising percentages: `10,50`, `10` or `[10, 50]`."""
    text = ",".join(str(one) for one in value) if isinstance(value, list) else str(value)
    try:
        return ",".join(str(one) for one in read_shares(text))
    except ValueError:
        wanted = "rising percentages from 1 to 99, as in 10,50"
        raise InvalidAnswerError(name, value, wanted) from None


def _cores(name: str, value: JSONValue) -> str:
    """A number of cores: `2`, `1.5`, `"500m"`."""
    wanted = "cores, as in 250m, 1.5 or 2"
    text = f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else value
    cores = _text(_CPU, wanted)(name, text)
    if cores and not cores.strip("0."):
        raise InvalidAnswerError(name, value, wanted)
    return cores


def _pairs(pattern: re.Pattern[str]) -> Callable[[str, JSONValue], dict[str, str]]:
    """Names of labels or annotations, each with a text that matches."""
    wanted = "names and texts, as in {'team': 'passengers'}"

    def check(name: str, value: JSONValue) -> dict[str, str]:
        pairs = value if isinstance(value, dict) else {"": None}
        for key, text in pairs.items():
            good = isinstance(text, str) and _QUALIFIED.fullmatch(key) and pattern.fullmatch(text)
            if not good or key in _OWN_LABELS:
                raise InvalidAnswerError(name, value, wanted)
        return {key: str(text) for key, text in pairs.items()}

    return check


def _object(*keys: str, needed: Sequence[str] = ()) -> Callable[[str, JSONValue], dict[str, JSONValue]]:
    """An object of the Kubernetes API that may have these fields, and has those that are needed."""
    wanted = f"{' and '.join(needed)}, and some of" if needed else "some of"

    def check(name: str, value: JSONValue) -> dict[str, JSONValue]:
        if not isinstance(value, dict) or not set(needed) <= set(value) <= {*needed, *keys}:
            raise InvalidAnswerError(name, value, f"an object with {wanted} {', '.join(keys)}")
        return value

    return check


def _objects(*keys: str, needed: Sequence[str] = ()) -> Callable[[str, JSONValue], tuple[JSONValue, ...]]:
    """A list of such objects."""
    check_one = _object(*keys, needed=needed)

    def check(name: str, value: JSONValue) -> tuple[JSONValue, ...]:
        if not isinstance(value, list):
            raise InvalidAnswerError(name, value, f"a list of objects with some of {', '.join(keys)}")
        return tuple(check_one(name, one) for one in value)

    return check


def _service_type(name: str, value: JSONValue) -> str:
    if not isinstance(value, str) or value not in SERVICE_TYPES:
        raise InvalidAnswerError(name, value, f"one of {', '.join(SERVICE_TYPES)}")
    return value


def _route(name: str, value: JSONValue) -> Route:
    try:
        return Route(value)
    except ValueError:
        raise InvalidAnswerError(name, value, "none, ingress or gateway") from None


def _autoscaler(name: str, value: JSONValue) -> Autoscaler:
    try:
        return Autoscaler(value)
    except ValueError:
        raise InvalidAnswerError(name, value, "hpa or keda") from None


def _url(example: str) -> Callable[[str, JSONValue], str]:
    wanted = f"a URL, as in {example}"

    def check(name: str, value: JSONValue) -> str:
        url = _text(_URL, wanted)(name, value)
        port = url.rpartition(":")[2].partition("/")[0]
        if port.isdigit() and not 0 < int(port) < 1 << 16:
            raise InvalidAnswerError(name, value, wanted)
        return url

    return check


BASE_IMAGE = _text(_IMAGE, "the reference of an image, as in docker.io/library/python:3.11-slim")
_OBJECT_NAME = _text(LABEL, "a name of lower-case letters, digits and '-'", 63)

CHECKS: dict[str, Callable[[str, JSONValue], object]] = {
    "registry": _text(_REGISTRY, "a registry and a folder in it, as in registry.example.org/models"),
    "service_type": _service_type,
    "internal": flag,
    "route": _route,
    "host": _text(_HOST, "a host name, as in scores.example.org"),
    "path": _text(_PATH, "a path, as in /titanic"),
    "tls": flag,
    "tls_issuer": _OBJECT_NAME,
    "ingress_class": _OBJECT_NAME,
    "gateway": _OBJECT_NAME,
    "gateway_namespace": _OBJECT_NAME,
    "autoscaling": flag,
    "autoscaler": _autoscaler,
    "replicas": _whole(1, 1000),
    "min_replicas": _whole(0, 1000),
    "max_replicas": _whole(1, 1000),
    "target_utilization": _whole(1, 100),
    "refresh_s": _whole(1, 1800),
    "prometheus_url": _url("http://prometheus.monitoring:9090"),
    "target_requests": _whole(1, 100_000),
    "cooldown_s": _whole(0, 86_400),
    "triggers": _objects(
        "name", "metricType", "authenticationRef", "useCachedMetrics", needed=("type", "metadata")
    ),
    "cpu": _cores,
    "cpu_limit": _cores,
    "memory": _text(_MEMORY, "bytes, as in 512Mi or 2Gi"),
    "memory_limit": _text(_MEMORY, "bytes, as in 512Mi or 2Gi"),
    "ephemeral_storage": _text(_MEMORY, "bytes, as in 512Mi or 2Gi"),
    "gpus": _whole(0, 64),
    "gpu_resource": _text(_QUALIFIED, "the name of a resource, as in nvidia.com/gpu", 317),
    "runtime_class": _OBJECT_NAME,
    "labels": _pairs(_LABEL_VALUE),
    "annotations": _pairs(_ANY),
    "run_as_user": _whole(0, 2**31 - 1),
    "priority_class": _OBJECT_NAME,
    "node_selector": _pairs(_LABEL_VALUE),
    "tolerations": _objects("key", "operator", "value", "effect", "tolerationSeconds"),
    "affinity": _object("nodeAffinity", "podAffinity", "podAntiAffinity"),
    "ingress_from": _objects("podSelector", "namespaceSelector", "ipBlock"),
    "canary": _shares,
    "canary_hold_s": _seconds,
    "timeout_s": _seconds,
    "max_concurrent": _whole(0, 100_000),
    "queue_wait_s": _seconds,
    "auth": flag,
    "network_policy": flag,
    "metrics": flag,
    "access_log": flag,
    "service_monitor": flag,
    "otlp_endpoint": _url("http://collector.observability:4318"),
    "chart": flag,
}
