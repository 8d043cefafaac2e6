"""The manifests of a deploy: with its image, our labels, and the record of what is applied together."""

from __future__ import annotations

import json
from typing import cast

from scaffold.cluster._client import Manifest
from scaffold.cluster._config import config_sha256
from scaffold.cluster._kustomize import containers_in
from scaffold.cluster._manifests import (
    BESIDE,
    BESIDE_OMITTED,
    CONFIG,
    MANAGED_BY,
    MANAGER_NAME,
    NAME_LABEL,
    SERVICE_LABEL,
    Target,
    describe,
)
from scaffold.cluster._platforms import is_workload, pod_metadata, pod_spec, service_container, workload_in

_MOST_BESIDE = 32 << 10
_MOST_BESIDE_IN_ALL = 96 << 10
"""Characters of one object, and of all: Kubernetes allows 256 KiB for the annotations of an object."""


def fill_in(target: Target, image: str) -> tuple[Manifest, ...]:
    """Return the manifests with the image and our labels; the Deployment lists the others as annotation."""
    filled: list[Manifest] = []
    workload = workload_in(target.manifests)
    named = service_container(workload).get("image") if workload else None
    for manifest in target.manifests:
        copy = cast("Manifest", json.loads(json.dumps(manifest)))
        labels = copy["metadata"].setdefault("labels", {})
        labels |= {MANAGED_BY: MANAGER_NAME}
        if copy["kind"] != "Namespace":  # several services may be in one
            name = labels.setdefault(NAME_LABEL, target.service)
            labels |= {SERVICE_LABEL: target.service} if name != target.service else {}
        # Other containers of the image run the same build: in `initContainers`, in a CronJob.
        for container in containers_in(copy):
            if container.get("image") == named:
                container["image"] = image
        if is_workload(copy):
            service_container(copy)["image"] = image
            if sha256 := config_sha256(pod_spec(copy), target.manifests):
                metadata = pod_metadata(copy)
                metadata["annotations"] = {**(metadata.get("annotations") or {}), CONFIG: sha256}
        filled.append(copy)
    # Secrets and large objects are not recorded: a rollback leaves them as they are.
    recorded = [
        manifest for manifest in filled if manifest["kind"] not in ("Deployment", "Namespace", "Secret")
    ]
    texts = [json.dumps(manifest, sort_keys=True, separators=(",", ":")) for manifest in recorded]
    fitting = _that_fit(texts)
    beside = f"[{','.join(texts[place] for place in fitting)}]"
    omitted = [describe(manifest) for place, manifest in enumerate(recorded) if place not in fitting]
    for manifest in filled:
        if manifest["kind"] == "Deployment":
            notes = manifest["metadata"].setdefault("annotations", {})
            notes |= {BESIDE: beside} | ({BESIDE_OMITTED: " ".join(omitted)} if omitted else {})
    return tuple(filled)


def _that_fit(texts: list[str]) -> list[int]:
    """Return the places of the texts that are recorded: the small ones, until there is no room."""
    fitting: list[int] = []
    size = 0
    for place in sorted(range(len(texts)), key=lambda place: len(texts[place])):
        size += len(texts[place])
        if len(texts[place]) > _MOST_BESIDE or size > _MOST_BESIDE_IN_ALL:
            break
        fitting.append(place)
    return sorted(fitting)
