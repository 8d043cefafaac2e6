"""Whether what is in the cluster is what our record on it is about: the same image, the same pod template."""

from __future__ import annotations

import hashlib
import json

from scaffold.cluster._client import Manifest
from scaffold.cluster._manifests import service_container
from scaffold.cluster._objects import record_of

_TEMPLATE = "template-sha256"
_MARKS = ("creationTimestamp", "pod-template-hash", "kubectl.kubernetes.io/restartedAt")
"""What the server adds, and what `kubectl rollout restart` sets: the pods are the same ones."""
OTHER_IMAGE = "not done: another tool changed the image"
OTHER_TEMPLATE = "not done: another tool changed the pod template"


def template_note(stored: Manifest) -> dict[str, str]:
    """Return the note for the pod template of a Deployment, as the server stores it."""
    return {_TEMPLATE: _sha256_of(stored["spec"]["template"])}


def change_by_others(found: Manifest) -> str:
    """Return what another tool changed since our record was written; an empty text if nothing.

    Args:
        found: A Deployment or one of its ReplicaSets, with the record among its annotations. Kubernetes
            copies the record to the ReplicaSets of other tools too. Without a record nothing is changed.
    """
    notes = record_of(found["metadata"].get("annotations") or {})
    image = service_container(found)["image"]
    if notes.get("image", image) != image:
        return OTHER_IMAGE
    if notes.get(_TEMPLATE) not in (None, _sha256_of(found["spec"]["template"])):
        return OTHER_TEMPLATE
    return ""


def names_template(notes: dict[str, str]) -> bool:
    """Whether a record has the pod template that it is about; those of version 0.1 have none."""
    return _TEMPLATE in notes


def is_same_template(one: Manifest, other: Manifest) -> bool:
    """Whether two Deployments or ReplicaSets make the same pods."""
    return template_note(one) == template_note(other)


def _sha256_of(template: Manifest) -> str:
    metadata: Manifest = {}
    for field, value in (template.get("metadata") or {}).items():
        kept = (
            {key: one for key, one in value.items() if key not in _MARKS}
            if isinstance(value, dict)
            else value
        )
        if kept and field not in _MARKS:
            metadata[field] = kept
    text = json.dumps({**template, "metadata": metadata}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
