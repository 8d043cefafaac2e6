"""Whether the live Deployment still has the image and the pod template that our record describes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from scaffold.cluster._client import Manifest
from scaffold.cluster._manifests import Target, describe
from scaffold.cluster._objects import record_of
from scaffold.cluster._platforms import service_container
from scaffold.cluster._pods import status_of
from scaffold.errors import (
    DeployBusyError,
    DeployError,
    LiveAnswersDifferError,
    NoEndpointError,
    RolloutFailedError,
    ScaledToZeroError,
    ServiceNotAskedError,
)
from scaffold.errors.wording import on_project, shell_line

_TEMPLATE = "template-sha256"
_MARKS = ("creationTimestamp", "pod-template-hash", "kubectl.kubernetes.io/restartedAt")
"""Metadata that the server and `kubectl rollout restart` set; it does not change what the pods run."""
OTHER_IMAGE = "not done: another tool changed the image"
OTHER_TEMPLATE = "not done: another tool changed the pod template"
_CONTENT = "image-id"
OTHER_CONTENT = "not known: the tag of the image names another content than the one that was proven"


def template_note(stored: Manifest) -> dict[str, str]:
    """Return the notes for the image and the pod template of a Deployment, as the server stores them.

    A policy of the cluster may have changed either, such as the registry of the image.
    """
    return {"image": service_container(stored)["image"], _TEMPLATE: _sha256_of(stored["spec"]["template"])}


def content_note(deployment: Manifest, pods: Iterable[Manifest]) -> dict[str, str]:
    """Return the note for the content of an image that is named by a tag, which may be moved.

    Args:
        deployment: The Deployment.
        pods: Its pods, whose nodes report what they run; pods that have not started report nothing.
    """
    if "@" in service_container(deployment)["image"]:
        return {}
    found = sorted(_contents(pods))
    return {_CONTENT: ",".join(found)} if found else {}


def change_of_tag(deployment: Manifest, pods: Iterable[Manifest]) -> str:
    """Return that pods run another content than the one that was proven; an empty text if they do not."""
    notes = record_of(deployment["metadata"].get("annotations") or {})
    is_changed = _CONTENT in notes and not _contents(pods) <= {notes[_CONTENT]}
    return OTHER_CONTENT if is_changed and "@" not in service_container(deployment)["image"] else ""


def require_one_content(deployment: Manifest, pods: Iterable[Manifest]) -> None:
    """Check that all pods run the same content of an image that is named by a tag.

    Raises:
        RolloutFailedError: They do not, so that a replay proves only some of them.
    """
    image, found = service_container(deployment)["image"], sorted(_contents(pods))
    if "@" not in image and len(found) > 1:
        metadata = deployment["metadata"]
        name, namespace = f"deployment/{metadata['name']}", metadata["namespace"]
        restart = shell_line("kubectl", "-n", namespace, "rollout", "restart", name)
        raise RolloutFailedError(
            "The pods run different contents of one tag, which was moved.",
            (f"image: {image}", *found),
            f"Name the image by its digest. Or let all pods pull the tag anew: {restart}",
        )


def _contents(pods: Iterable[Manifest]) -> set[str]:
    """Return the images by content that pods run, as their nodes report them."""
    return {str(status_of(pod).get("imageID") or "") for pod in pods} - {""}


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
