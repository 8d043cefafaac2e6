"""The answers about a deployment, checked: each knob's name, default and what it may hold."""

from __future__ import annotations

import dataclasses
import enum
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from scaffold.errors import InvalidAnswerError, UnknownAnswerError
from scaffold.spec import JSONValue

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_HOST = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_PATH = re.compile(r"/([A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*)?")
_CPU = re.compile(r"[1-9][0-9]*m|[0-9]+(\.[0-9]{1,3})?")
_MEMORY = re.compile(r"[1-9][0-9]*(\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G)?")
_URL = re.compile(r"https?://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*/?")
_REGISTRY = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*/?")
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]*")
_DEFAULT_TARGETS = ("staging", "production")
_RESERVED_TARGETS = {"base", "chart"}


class Route(enum.Enum):
    """What leads from outside the cluster to the Service."""

    NONE = "none"
    INGRESS = "ingress"
    GATEWAY = "gateway"


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """Every knob with its default; an empty text or 0 means: not answered, decided from measurements."""

    registry: str = ""
    service_type: str = "ClusterIP"
    internal: bool = False
    route: Route = Route.NONE
    host: str = ""
    path: str = "/"
    tls: bool = True
    tls_issuer: str = ""
    ingress_class: str = ""
    gateway: str = "gateway"
    gateway_namespace: str = "default"
    autoscaling: bool = True
    replicas: int = 2
    min_replicas: int = 2
    max_replicas: int = 0
    target_utilization: int = 70
    refresh_s: int = 60
    cpu: str = "250m"
    cpu_limit: str = ""
    memory: str = ""
    memory_limit: str = ""
    timeout_s: float = 0
    max_concurrent: int = 0
    queue_wait_s: float = 0
    auth: bool = False
    network_policy: bool = True
    metrics: bool = True
    access_log: bool = False
    service_monitor: bool = False
    otlp_endpoint: str = ""
    chart: bool = False


KNOBS = tuple(field.name for field in dataclasses.fields(Knobs))
ANSWERS = (*KNOBS, "base_image", "opentelemetry", "per_target", "targets")
"""Everything that the template asks."""


def read_answers(
    answers: Mapping[str, JSONValue], recorded: Mapping[str, JSONValue] | None = None
) -> dict[str, JSONValue]:
    """Return the answers of a project, each checked: `answers`, and those `recorded` before.

    A recorded answer to a question that is no longer asked is left out.

    Raises:
        UnknownAnswerError: The template has no question of that name.
        InvalidAnswerError: A value that the answer cannot have.
    """
    for name in answers:
        if name not in ANSWERS:
            raise UnknownAnswerError(name, ANSWERS)
    known = {name: value for name, value in (recorded or {}).items() if name in ANSWERS}
    merged = known | dict(answers)
    targets = read_targets(merged)
    for target in targets:
        read_knobs(merged, target)
    own = answers.get("per_target")
    for name in own if isinstance(own, dict) else ():
        if name not in targets:
            raise InvalidAnswerError("per_target", name, f"the names of targets: {', '.join(targets)}")
    read_opentelemetry(merged)
    read_base_image(merged)
    return merged


def read_opentelemetry(answers: Mapping[str, JSONValue]) -> bool:
    """Return whether the service sends traces.

    Raises:
        InvalidAnswerError: The answer is neither true nor false.
    """
    return _flag("opentelemetry", answers.get("opentelemetry") or False)


def read_base_image(answers: Mapping[str, JSONValue]) -> str:
    """Return the base of the image; nothing where the slim image of the lock's Python is to be it.

    Raises:
        InvalidAnswerError: The answer is no reference of an image.
    """
    return _BASE_IMAGE("base_image", answers.get("base_image") or "")


def read_targets(answers: Mapping[str, JSONValue]) -> tuple[str, ...]:
    """Return the names of the targets: `staging` and `production` unless answered otherwise.

    Raises:
        InvalidAnswerError: A name that is no label of RFC 1123, or two alike.
    """
    given = answers.get("targets") or list(_DEFAULT_TARGETS)
    targets = [given] if isinstance(given, str) else given
    if not isinstance(targets, list):
        raise InvalidAnswerError("targets", given, "a list of names")
    names: list[str] = []
    for name in targets:
        if not isinstance(name, str) or not _LABEL.fullmatch(name) or name in _RESERVED_TARGETS:
            wanted = "names of at most 63 lower-case letters, digits and '-', except 'base' and 'chart'"
            raise InvalidAnswerError("targets", name, wanted)
        if name in names:
            raise InvalidAnswerError("targets", name, "each name once")
        names.append(name)
    return tuple(names)


def read_knobs(answers: Mapping[str, JSONValue], target: str) -> Knobs:
    """Return the knobs of `target`: its own answers, else those for all targets, else the defaults.

    Raises:
        UnknownAnswerError: There is no such knob under `per_target`.
        InvalidAnswerError: A value that the knob cannot take.
    """
    overrides = answers.get("per_target") or {}
    own = overrides.get(target) if isinstance(overrides, dict) else None
    if not isinstance(overrides, dict) or not isinstance(own, dict | None):
        raise InvalidAnswerError("per_target", overrides, "answers by target, as in {'production': {...}}")
    for name in own or {}:
        if name not in KNOBS:
            raise UnknownAnswerError(f"per_target.{target}.{name}", KNOBS)
    merged = {name: answers[name] for name in KNOBS if name in answers} | (own or {})
    values = {name: _CHECKS[name](name, value) for name, value in merged.items() if value is not None}
    knobs = Knobs(**values)  # type: ignore[arg-type]
    _require_order(knobs)
    if knobs.route is not Route.NONE and not knobs.host:
        raise InvalidAnswerError("host", "", f"the host name that the {knobs.route.value} answers to")
    if knobs.otlp_endpoint and answers.get("opentelemetry") is not True:
        raise InvalidAnswerError(
            "otlp_endpoint", knobs.otlp_endpoint, "opentelemetry to be on: it sends there"
        )
    if knobs.service_monitor and not knobs.metrics:
        raise InvalidAnswerError("service_monitor", True, "metrics to be on: it reads them")
    return knobs


def quantity(text: str) -> float:
    """Return what a Kubernetes quantity stands for: `250m` is 0.25, `1Ki` is 1024."""
    factors = {"m": 1e-3, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 1e3, "M": 1e6, "G": 1e9}
    number = text.rstrip("KMGTikm")
    return float(number) * factors.get(text[len(number) :], 1)


def _require_order(knobs: Knobs) -> None:
    if knobs.max_replicas and knobs.max_replicas < knobs.min_replicas:
        wanted = f"at least min_replicas, which is {knobs.min_replicas}"
        raise InvalidAnswerError("max_replicas", knobs.max_replicas, wanted)
    for name, request, limit in (
        ("cpu_limit", knobs.cpu, knobs.cpu_limit),
        ("memory_limit", knobs.memory, knobs.memory_limit),
    ):
        if request and limit and quantity(limit) < quantity(request):
            raise InvalidAnswerError(name, limit, f"at least what is requested, which is {request}")


def _flag(name: str, value: JSONValue) -> bool:
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


def _service_type(name: str, value: JSONValue) -> str:
    types = ("ClusterIP", "NodePort", "LoadBalancer")
    if not isinstance(value, str) or value not in types:
        raise InvalidAnswerError(name, value, f"one of {', '.join(types)}")
    return value


def _route(name: str, value: JSONValue) -> Route:
    try:
        return Route(value)
    except ValueError:
        raise InvalidAnswerError(name, value, "none, ingress or gateway") from None


def _url(name: str, value: JSONValue) -> str:
    wanted = "a URL, as in http://collector.observability:4318"
    url = _text(_URL, wanted)(name, value)
    port = url.rpartition(":")[2].partition("/")[0]
    if port.isdigit() and not 0 < int(port) < 1 << 16:
        raise InvalidAnswerError(name, value, wanted)
    return url


_BASE_IMAGE = _text(_IMAGE, "the reference of an image, as in docker.io/library/python:3.11-slim")
_OBJECT_NAME = _text(_LABEL, "a name of lower-case letters, digits and '-'", 63)

_CHECKS: dict[str, Callable[[str, JSONValue], object]] = {
    "registry": _text(_REGISTRY, "a registry and a folder in it, as in registry.example.org/models"),
    "service_type": _service_type,
    "internal": _flag,
    "route": _route,
    "host": _text(_HOST, "a host name, as in scores.example.org"),
    "path": _text(_PATH, "a path, as in /titanic"),
    "tls": _flag,
    "tls_issuer": _OBJECT_NAME,
    "ingress_class": _OBJECT_NAME,
    "gateway": _OBJECT_NAME,
    "gateway_namespace": _OBJECT_NAME,
    "autoscaling": _flag,
    "replicas": _whole(1, 1000),
    "min_replicas": _whole(1, 1000),
    "max_replicas": _whole(1, 1000),
    "target_utilization": _whole(1, 100),
    "refresh_s": _whole(1, 1800),
    "cpu": _text(_CPU, "cores, as in 250m or 2"),
    "cpu_limit": _text(_CPU, "cores, as in 250m or 2"),
    "memory": _text(_MEMORY, "bytes, as in 512Mi or 2Gi"),
    "memory_limit": _text(_MEMORY, "bytes, as in 512Mi or 2Gi"),
    "timeout_s": _seconds,
    "max_concurrent": _whole(0, 100_000),
    "queue_wait_s": _seconds,
    "auth": _flag,
    "network_policy": _flag,
    "metrics": _flag,
    "access_log": _flag,
    "service_monitor": _flag,
    "otlp_endpoint": _url,
    "chart": _flag,
}
