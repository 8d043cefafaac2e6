"""What a ScaledObject of KEDA may hold, as far as the manifests use it.

Source: keda.sh/docs/latest/reference/scaledobject-spec
"""

from __future__ import annotations

from typing import Any


def _object(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    """The schema of an object with these fields and no other."""
    return {
        "type": "object",
        "required": list(required),
        "properties": properties,
        "additionalProperties": False,
    }


_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}
_TEXTS = {"type": "object", "additionalProperties": _TEXT}
_TRIGGER = _object(
    ("type", "metadata"),
    type=_TEXT,
    metadata=_TEXTS,
    name=_TEXT,
    metricType={"enum": ["AverageValue", "Value", "Utilization"]},
    useCachedMetrics={"type": "boolean"},
    authenticationRef=_object(("name",), name=_TEXT, kind=_TEXT),
)
_SPEC = _object(
    ("scaleTargetRef", "triggers"),
    scaleTargetRef=_object(("name",), name=_TEXT, kind=_TEXT, apiVersion=_TEXT, envSourceContainerName=_TEXT),
    pollingInterval=_COUNT,
    initialCooldownPeriod=_COUNT,
    cooldownPeriod=_COUNT,
    idleReplicaCount=_COUNT,
    minReplicaCount=_COUNT,
    maxReplicaCount=_COUNT,
    fallback=_object(("failureThreshold", "replicas"), failureThreshold=_COUNT, replicas=_COUNT),
    advanced=_object(
        restoreToOriginalReplicaCount={"type": "boolean"},
        # `behavior` is that of a HorizontalPodAutoscaler.
        horizontalPodAutoscalerConfig=_object(name=_TEXT, behavior={"type": "object"}),
    ),
    triggers={"type": "array", "minItems": 1, "items": _TRIGGER},
)
SCALED_OBJECT = _object(
    ("apiVersion", "kind", "metadata", "spec"),
    apiVersion={"const": "keda.sh/v1alpha1"},
    kind={"const": "ScaledObject"},
    metadata={"type": "object"},
    spec=_SPEC,
)
