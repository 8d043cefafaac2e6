"""The object of a target that makes its pods: a Deployment, or what stands in place of one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from scaffold.cluster._client import Manifest
from scaffold.cluster._kustomize import api_group

KSERVE, KNATIVE = "KServe", "Knative"
_PLATFORMS = {
    ("serving.kserve.io", "InferenceService"): KSERVE,
    ("serving.knative.dev", "Service"): KNATIVE,
}
"""What stands in place of a Deployment, by group and kind."""
_CONTAINERS = ("service", "kserve-container")
"""The name of the container that scores; KServe wants its own."""


def platform_of(manifest: Manifest) -> str:
    """Return the name of the platform that makes pods of an object; empty for every other object."""
    return _PLATFORMS.get((api_group(manifest), manifest["kind"]), "")


def is_workload(manifest: Manifest) -> bool:
    """Whether an object makes pods that score."""
    return manifest["kind"] == "Deployment" or bool(platform_of(manifest))


def workload_in(manifests: Iterable[Manifest]) -> Manifest | None:
    """Return the object that makes the pods: the first Deployment, or what stands in place of one."""
    workloads = [manifest for manifest in manifests if is_workload(manifest)]
    return min(workloads, key=lambda manifest: manifest["kind"] != "Deployment", default=None)


def pod_spec(workload: Manifest) -> Manifest:
    """Return the spec of the pods; a Revision of Knative has it as its own."""
    spec = workload["spec"]
    if "containers" in spec:
        return cast("Manifest", spec)
    return cast("Manifest", spec["predictor"] if "predictor" in spec else spec["template"]["spec"])


def pod_metadata(workload: Manifest) -> Manifest:
    """Return the object with the labels and annotations of the pods."""
    spec = workload["spec"]
    if "predictor" in spec:
        return cast("Manifest", spec["predictor"])
    return cast("Manifest", spec["template"].setdefault("metadata", {}))


def service_container(workload: Manifest) -> Manifest:
    """Return the container that scores, else the first."""
    return service_entry(pod_spec(workload)["containers"])


def service_entry(entries: list[Manifest]) -> Manifest:
    """Return the entry with the name of the container that scores, else the first; empty without entries."""
    named = [entry for entry in entries if entry.get("name") in _CONTAINERS]
    return (named or entries or [{}])[0]
