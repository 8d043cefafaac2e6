"""The values of the manifests for KServe and Knative."""

from __future__ import annotations

from scaffold.render._knob_checks import Platform
from scaffold.render._knobs import Knobs

_CONTAINERS = {Platform.KSERVE: "kserve-container"}
"""KServe takes only a container of this name for the one that it routes to."""
_SCALE = "autoscaling.knative.dev"


def platform_values(knobs: Knobs) -> dict[str, object]:
    """Return the number of pods and the names that the manifest of a platform needs."""
    if knobs.autoscaling:
        fewest, most = knobs.min_replicas, knobs.max_replicas or 3 * max(1, knobs.min_replicas)
    else:
        fewest = most = knobs.replicas
    scale = {
        f"{_SCALE}/metric": "concurrency",
        f"{_SCALE}/target": str(knobs.target_requests),
        f"{_SCALE}/min-scale": str(fewest),
        f"{_SCALE}/max-scale": str(most),
    }
    return {
        "is_serverless": knobs.platform is not Platform.KUBERNETES,
        "container_name": _CONTAINERS.get(knobs.platform, "service"),
        "fewest": fewest,
        "most": most,
        "scale": scale if knobs.platform is Platform.KNATIVE else {},
    }
