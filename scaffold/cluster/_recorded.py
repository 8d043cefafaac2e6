"""Whether the live Deployment still has the image and the pod template that our record describes."""

from __future__ import annotations

import hashlib
import json

from scaffold.cluster._client import Manifest
from scaffold.cluster._manifests import Target, describe, service_container
from scaffold.cluster._objects import record_of
from scaffold.errors import (
    DeployBusyError,
    DeployError,
    LiveAnswersDifferError,
    NoEndpointError,
    RolloutFailedError,
    ScaledToZeroError,
    ServiceNotAskedError,
)
from scaffold.errors.wording import on_project

_TEMPLATE = "template-sha256"
_MARKS = ("creationTimestamp", "pod-template-hash", "kubectl.kubernetes.io/restartedAt")
"""Metadata that the server and `kubectl rollout restart` set; it does not change what the pods run."""
OTHER_IMAGE = "not done: another tool changed the image"
OTHER_TEMPLATE = "not done: another tool changed the pod template"


def template_note(stored: Manifest) -> dict[str, str]:
    """Return the notes for the image and the pod template of a Deployment, as the server stores them.

    A policy of the cluster may have changed either, such as the registry of the image.
    """
    return {"image": service_container(stored)["image"], _TEMPLATE: _sha256_of(stored["spec"]["template"])}


def change_by_others(manifest: Manifest) -> str:
    """Return what another tool changed since our record was written; an empty text if nothing.

    Args:
        manifest: A Deployment or one of its ReplicaSets, with the record among its annotations. Kubernetes
            copies the record to the ReplicaSets of other tools too. Without a record nothing is changed.
    """
    notes = record_of(manifest["metadata"].get("annotations") or {})
    image = service_container(manifest)["image"]
    if notes.get("image", image) != image:
        return OTHER_IMAGE
    if notes.get(_TEMPLATE) not in (None, _sha256_of(manifest["spec"]["template"])):
        return OTHER_TEMPLATE
    return ""


def require_own(stored: Manifest, target: Target) -> None:
    """Check that a Deployment still runs what its record describes.

    Args:
        stored: The Deployment, as the server stored it with the record of this command.
        target: Its target.

    Raises:
        DeployBusyError: Another tool changed its image or its pod template.
    """
    if not change_by_others(stored):
        return
    notes = record_of(stored["metadata"]["annotations"])
    raise DeployBusyError(
        f"Another tool changed {describe(target.deployment)} after the sample was replayed.",
        (f"proven: {notes.get('image', '')}", f"runs now: {service_container(stored)['image']}"),
        f"No tag was moved, no digest pinned. Prove what runs: {on_project('verify', target=target.name)}",
    )


def is_outcome(error: DeployError) -> bool:
    """Whether an error says that a service is wrong, and not only that it could not be asked."""
    found = (LiveAnswersDifferError, NoEndpointError, RolloutFailedError)
    return isinstance(error, found) and not isinstance(error, (ScaledToZeroError, ServiceNotAskedError))


def names_template(notes: dict[str, str]) -> bool:
    """Whether a record has the hash of its pod template; records of version 0.1 have none."""
    return _TEMPLATE in notes


def is_same_template(left: Manifest, right: Manifest) -> bool:
    """Whether two Deployments or ReplicaSets have the same pod template."""

    return template_note(left) == template_note(right)


def _sha256_of(template: Manifest) -> str:
    metadata: Manifest = {}
    for field, value in (template.get("metadata") or {}).items():
        hashed = (
            {key: item for key, item in value.items() if key not in _MARKS}
            if isinstance(value, dict)
            else value
        )
        if hashed and field not in _MARKS:
            metadata[field] = hashed
    text = json.dumps({**template, "metadata": metadata}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
