"""The answers about a deployment, checked: each knob's name, default and what it may hold."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from scaffold.errors import InvalidAnswerError, UnknownAnswerError
from scaffold.render._choices import read_batch, read_batch_manifests, read_ci, read_protocols
from scaffold.render._knob_checks import (
    BASE_IMAGE,
    CHECKS,
    GITOPS,
    GUARD,
    LABEL,
    REPOSITORY_FOLDER,
    REPOSITORY_RULE,
    Autoscaler,
    Platform,
    Route,
)
from scaffold.render._knob_combinations import require_combination
from scaffold.render._rules import flag
from scaffold.spec import JSONValue

_DEFAULT_TARGETS = ("staging", "production")
_RESERVED_TARGETS = {"base", "chart"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """Every knob with its default; an empty text or 0 means: not answered, decided from measurements."""

    platform: Platform = Platform.KUBERNETES
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
    autoscaler: Autoscaler = Autoscaler.HPA
    replicas: int = 2
    min_replicas: int = 2
    max_replicas: int = 0
    target_utilization: int = 70
    refresh_s: int = 60
    prometheus_url: str = ""
    target_requests: int = 10
    cooldown_s: int = 300
    triggers: Sequence[JSONValue] = ()
    cpu: str = "250m"
    cpu_limit: str = ""
    memory: str = ""
    memory_limit: str = ""
    ephemeral_storage: str = ""
    gpus: int = 0
    gpu_resource: str = "nvidia.com/gpu"
    runtime_class: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    run_as_user: int = 65532
    priority_class: str = ""
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: Sequence[JSONValue] = ()
    affinity: Mapping[str, JSONValue] = field(default_factory=dict)
    ingress_from: Sequence[JSONValue] = ()
    canary: str = ""
    canary_hold_s: float = 60
    timeout_s: float = 0
    max_concurrent: int = 0
    queue_wait_s: float = 0
    auth: bool = False
    network_policy: bool = True
    metrics: bool = True
    access_log: bool = False
    service_monitor: bool = False
    otlp_endpoint: str = ""
    drift_hours: int = 24
    chart: bool = False


KNOBS = tuple(field.name for field in dataclasses.fields(Knobs))
FLAGS = ("card", "client", "drift", "opentelemetry", "page", "shadow", "slim")
ANSWERS = (
    *KNOBS,
    *FLAGS,
    "base_image",
    "batch",
    "batch_manifests",
    "ci",
    "gitops",
    "guard",
    "per_target",
    "protocols",
    "repository",
    "repository_folder",
    "targets",
)
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
    current = {name: value for name, value in (recorded or {}).items() if name in ANSWERS}
    merged = current | dict(answers)
    targets = read_targets(merged)
    _require_own_hosts({target: read_knobs(merged, target) for target in targets})
    own = answers.get("per_target")
    for name in own if isinstance(own, dict) else ():
        if name not in targets:
            raise InvalidAnswerError("per_target", name, f"the names of targets: {', '.join(targets)}")
    for name in FLAGS:
        read_flag(name, merged)
    if read_flag("shadow", merged) and read_flag("slim", merged):
        raise InvalidAnswerError("shadow", True, "slim=false: the model is compared where its libraries are")
    read_base_image(merged)
    read_ci(merged)
    read_batch(merged)
    read_batch_manifests(merged)
    read_gitops(merged)
    read_guard(merged)
    read_protocols(merged)
    return merged


def read_flag(name: str, answers: Mapping[str, JSONValue]) -> bool:
    """Return an answer of `FLAGS`.

    Raises:
        InvalidAnswerError: The answer is neither true nor false.
    """
    return flag(name, answers.get(name) or False)


def read_base_image(answers: Mapping[str, JSONValue]) -> str:
    """Return the base of the image; nothing where the slim image of the lock's Python is to be it.

    Raises:
        InvalidAnswerError: The answer is no reference of an image.
    """
    return BASE_IMAGE("base_image", answers.get("base_image") or "")


def read_guard(answers: Mapping[str, JSONValue]) -> str:
    """Return what the service does with a value that the baseline never saw: `none`, `warn` or `refuse`.

    Raises:
        InvalidAnswerError: There is no such guard, or it has no baseline, which `drift` brings.
    """
    guard = GUARD("guard", answers.get("guard") or "none")
    if guard != "none" and not read_flag("drift", answers):
        raise InvalidAnswerError("guard", guard, "drift to be on: its baseline is what it compares with")
    return guard


@dataclass(frozen=True, slots=True, kw_only=True)
class GitOps:
    """The tool that deploys what a repository holds, and where it finds the project."""

    tool: str
    """`argocd`, `flux`, or `none`."""
    repository: str
    """Its URL; empty where it is not known."""
    folder: str
    """The folder of the project in it; empty for the whole repository."""


def read_gitops(answers: Mapping[str, JSONValue]) -> GitOps:
    """Return which tool deploys the project from a git repository.

    Raises:
        InvalidAnswerError: There is no such tool, or the repository has another form.
    """
    return GitOps(
        tool=GITOPS("gitops", answers.get("gitops") or "none"),
        repository=REPOSITORY_RULE("repository", answers.get("repository") or ""),
        folder=REPOSITORY_FOLDER("repository_folder", answers.get("repository_folder") or ""),
    )


def read_targets(answers: Mapping[str, JSONValue]) -> tuple[str, ...]:
    """Return the names of the targets: `staging` and `production` unless answered otherwise.

    Raises:
        InvalidAnswerError: A name that is no label of RFC 1123, or two alike.
    """
    answer = answers.get("targets") or list(_DEFAULT_TARGETS)
    targets = [answer] if isinstance(answer, str) else answer
    if not isinstance(targets, list):
        raise InvalidAnswerError("targets", answer, "a list of names")
    names: list[str] = []
    for name in targets:
        if not isinstance(name, str) or not LABEL.fullmatch(name) or name in _RESERVED_TARGETS:
            expected = "names of at most 63 lower-case letters, digits and '-', except 'base' and 'chart'"
            raise InvalidAnswerError("targets", name, expected)
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
    values = {name: CHECKS[name](name, value) for name, value in merged.items() if value is not None}
    knobs = Knobs(**values)
    require_combination(knobs)
    if knobs.otlp_endpoint and answers.get("opentelemetry") is not True:
        raise InvalidAnswerError(
            "otlp_endpoint", knobs.otlp_endpoint, "opentelemetry to be on: it sends there"
        )
    if knobs.service_monitor and not knobs.metrics:
        raise InvalidAnswerError("service_monitor", True, "metrics to be on: it reads them")
    return knobs


def _require_own_hosts(knobs: Mapping[str, Knobs]) -> None:
    taken: dict[tuple[str, str], str] = {}
    for target, own in knobs.items():
        if own.route is Route.NONE:
            continue
        other = taken.setdefault((own.host, own.path), target)
        if other != target:
            address = f"{own.host}{own.path.rstrip('/')}"
            example = f'per_target={{"{target}": {{"host": "{target}.{own.host.removeprefix("*.")}"}}}}'
            raise InvalidAnswerError(
                "host", address, f"a host or path of its own for each target; {other} has it too: {example}"
            )
