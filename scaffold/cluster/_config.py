"""A hash of the ConfigMaps and Secrets of the project that pods read: other values are another template."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator

from scaffold.cluster._client import Manifest

_DATA = ("data", "binaryData", "stringData")


def config_sha256(pod: Manifest, manifests: Iterable[Manifest]) -> str:
    """Return the hash of the values that pods read; empty if the manifests have none.

    Args:
        pod: The spec of the pods.
        manifests: The manifests of the target.
    """
    read = set(_references(pod))
    values = {
        f"{manifest['kind']}/{manifest['metadata']['name']}": [manifest.get(field) for field in _DATA]
        for manifest in manifests
        if (manifest["kind"], manifest["metadata"]["name"]) in read
    }
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest() if values else ""


def _references(pod: Manifest) -> Iterator[tuple[str, str]]:
    """Yield the kind and the name of each ConfigMap and Secret in the environment and volumes of a pod."""
    for container in [*(pod.get("containers") or []), *(pod.get("initContainers") or [])]:
        for source in container.get("envFrom") or []:
            yield from _named(source, "configMapRef", "secretRef")
        for variable in container.get("env") or []:
            yield from _named(variable.get("valueFrom") or {}, "configMapKeyRef", "secretKeyRef")
    for volume in pod.get("volumes") or []:
        for source in [volume, *((volume.get("projected") or {}).get("sources") or [])]:
            yield from _named(source, "configMap", "secret")


def _named(source: Manifest, config_map: str, secret: str) -> Iterator[tuple[str, str]]:
    for field, kind in ((config_map, "ConfigMap"), (secret, "Secret")):
        reference = source.get(field) or {}
        if name := reference.get("name") or reference.get("secretName"):
            yield kind, name
