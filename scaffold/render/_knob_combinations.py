"""Which knobs of one target go together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scaffold.errors import InvalidAnswerError
from scaffold.render._knob_checks import Autoscaler, Platform, Route, quantity

if TYPE_CHECKING:
    from scaffold.render._knobs import Knobs

_WAKE = (
    "at least 1, or with autoscaler=keda and `triggers` one that sees work while no pod runs, such as the"
    " requests that an ingress controller counts: a service without pods has no metrics (docs/deploy.md)"
)
_OF_KUBERNETES = {
    "service_type": "the platform makes the Services",
    "internal": "the platform makes the Services",
    "route": "the platform makes the route",
    "autoscaler": "the platform adds pods by the requests of each pod (`target_requests`)",
    "ingress_from": "requests come from the gateway of the platform",
    "service_monitor": "the platform makes the Services",
    "chart": "the chart has a Deployment",
}
"""Knobs that only a Deployment and a Service have, and why."""

_SKIPPED = tuple(f"checkov.io/skip{number}" for number in (1, 2, 3))
_SCRAPED = tuple(f"prometheus.io/{name}" for name in ("scrape", "port", "path"))
_INTERNAL = (
    "networking.gke.io/load-balancer-type",
    "service.beta.kubernetes.io/aws-load-balancer-scheme",
    "service.beta.kubernetes.io/azure-load-balancer-internal",
    "service.beta.kubernetes.io/openstack-internal-load-balancer",
)
_ISSUER = ("cert-manager.io/cluster-issuer",)
_SCALED = tuple(f"autoscaling.knative.dev/{name}" for name in ("metric", "target", "min-scale", "max-scale"))
OF_A_DEPLOYMENT = (*_SKIPPED, *_SCRAPED, *_INTERNAL, *_ISSUER)
"""Annotations that the manifests of a Deployment may have already."""


def require_combination(knobs: Knobs) -> None:
    """Check what the knobs have to be together.

    Raises:
        InvalidAnswerError: Two knobs contradict each other.
    """
    _require_order(knobs)
    if knobs.route is not Route.NONE and not knobs.host:
        raise InvalidAnswerError("host", "", f"the host name that the {knobs.route.value} answers to")
    _require_triggers(knobs)
    _require_platform(knobs)
    _require_own_annotations(knobs)


def _require_platform(knobs: Knobs) -> None:
    """Check that no knob is set which the platform cannot follow."""
    platform = knobs.platform
    if platform is Platform.KUBERNETES:
        return
    defaults = type(knobs)()
    for name, reason in _OF_KUBERNETES.items():
        value, default = getattr(knobs, name), getattr(defaults, name)
        if value != default and (value or default):
            shown = getattr(value, "value", value)
            raise InvalidAnswerError(
                name, shown, f"no answer with platform={platform.value}: {reason} (docs/kserve.md)"
            )
    if knobs.canary and platform is Platform.KNATIVE:
        expected = "none with platform=knative: its `traffic` names revisions of the cluster (docs/kserve.md)"
        raise InvalidAnswerError("canary", knobs.canary, expected)
    if "," in knobs.canary:
        expected = "one percentage with platform=kserve, which is `canaryTrafficPercent`"
        raise InvalidAnswerError("canary", knobs.canary, expected)


def _require_own_annotations(knobs: Knobs) -> None:
    """Check that no annotation has the name of one that the manifests have already: a key stands once."""
    written = {
        _SKIPPED: True,
        _SCRAPED: knobs.metrics and not knobs.service_monitor,
        _INTERNAL: knobs.internal,
        _ISSUER: bool(knobs.tls_issuer),
        _SCALED: knobs.platform is Platform.KNATIVE,
        ("serving.kserve.io/deploymentMode",): knobs.platform is Platform.KSERVE,
    }
    names = {name for group, is_written in written.items() if is_written for name in group}
    if taken := sorted(names & set(knobs.annotations)):
        expected = "no name that the manifests have already: change it under deploy/base/"
        raise InvalidAnswerError("annotations", taken[0], expected)


def _require_triggers(knobs: Knobs) -> None:
    """Check that KEDA has triggers, and one that starts the first pod where none may run."""
    is_keda = knobs.autoscaling and knobs.autoscaler is Autoscaler.KEDA
    if is_keda and not knobs.prometheus_url and not knobs.triggers:
        raise InvalidAnswerError("autoscaler", "keda", "prometheus_url or triggers: by what pods are added")
    if knobs.autoscaler is Autoscaler.HPA and (knobs.prometheus_url or knobs.triggers):
        name = "prometheus_url" if knobs.prometheus_url else "triggers"
        raise InvalidAnswerError(name, getattr(knobs, name), "autoscaler to be keda, which reads it")
    if knobs.prometheus_url and not knobs.metrics:
        raise InvalidAnswerError(
            "prometheus_url", knobs.prometheus_url, "metrics to be on: KEDA asks for them there"
        )
    scales_to_zero = (is_keda and knobs.triggers) or knobs.platform is not Platform.KUBERNETES
    if knobs.min_replicas == 0 and not scales_to_zero:
        raise InvalidAnswerError("min_replicas", 0, _WAKE)


def _require_order(knobs: Knobs) -> None:
    if knobs.max_replicas and knobs.max_replicas < knobs.min_replicas:
        expected = f"at least min_replicas, which is {knobs.min_replicas}"
        raise InvalidAnswerError("max_replicas", knobs.max_replicas, expected)
    for name, request, limit in (
        ("cpu_limit", knobs.cpu, knobs.cpu_limit),
        ("memory_limit", knobs.memory, knobs.memory_limit),
    ):
        if request and limit and quantity(limit) < quantity(request):
            raise InvalidAnswerError(name, limit, f"at least what is requested, which is {request}")
