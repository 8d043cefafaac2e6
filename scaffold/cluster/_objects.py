"""One object in the cluster: apply it with the annotations for a rollback, annotate it, read it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import cast

from scaffold.cluster._client import Cluster, Manifest
from scaffold.cluster._manifests import ANNOTATION, BESIDE, BESIDE_OMITTED, CANARY, CANARY_HOLD, describe
from scaffold.cluster._platforms import platform_of
from scaffold.cluster._refusal import ApiError
from scaffold.errors import ApplyConflictError, ClusterRefusedError, DeployError
from scaffold.errors.wording import option

APPLIED = f"{ANNOTATION}applied"
CREATED_BY_US = f"{ANNOTATION}made"
_NO_RECORD = (APPLIED, BESIDE, BESIDE_OMITTED, CREATED_BY_US, CANARY, CANARY_HOLD)
_BESIDE = (BESIDE, BESIDE_OMITTED)
_MOST_BYTES = (256 << 10) - (16 << 10)
"""What Kubernetes allows for all annotations of an object, less the room for the record of the deploy."""
_RECORD_MANAGER = "model-scaffold-record"


def annotate(cluster: Cluster, manifest: Manifest, notes: dict[str, str]) -> Manifest:
    """Write the record into the annotations of an object, under a separate field manager; return that."""
    identity = identity_of(manifest)
    identity["metadata"]["annotations"] = {ANNOTATION + key: value for key, value in notes.items()}
    return try_apply(cluster, identity, field_manager=_RECORD_MANAGER, force=True)


def record_of(annotations: dict[str, str]) -> dict[str, str]:
    """Return our record among the annotations of an object."""
    return {
        key.removeprefix(ANNOTATION): value
        for key, value in annotations.items()
        if key.startswith(ANNOTATION) and key not in _NO_RECORD
    }


def beside(deployment: Manifest) -> list[Manifest]:
    """Return the manifests that were applied with a Deployment or a revision of it; empty if not recorded."""
    notes = deployment.get("metadata", {}).get("annotations") or {}
    return list(json.loads(notes.get(BESIDE, "[]")))


def omitted_beside(deployment: Manifest) -> set[str]:
    """Return the names of objects that were applied with a Deployment and are not in its record."""
    notes = deployment.get("metadata", {}).get("annotations") or {}
    return set(notes.get(BESIDE_OMITTED, "").split())


def applied_copy(live: Manifest) -> Manifest | None:
    """Return an object as our last deploy applied it; None if that is not recorded."""
    notes = (live.get("metadata") or {}).get("annotations") or {}
    if APPLIED not in notes:
        return None
    applied = cast("Manifest", json.loads(notes[APPLIED]))
    if recorded := {key: notes[key] for key in _BESIDE if key in notes}:
        applied["metadata"]["annotations"] = recorded | (applied["metadata"].get("annotations") or {})
    return applied


def is_made_by_us(live: Manifest) -> bool:
    """Whether one of our deploys created the object."""
    return CREATED_BY_US in (live["metadata"].get("annotations") or {})


def try_apply(
    cluster: Cluster,
    manifest: Manifest,
    *,
    field_manager: str | None = None,
    dry_run: bool = False,
    force: bool = False,
) -> Manifest:
    """Apply one manifest; what the server refuses becomes an error that names the object.

    Args:
        cluster: The cluster.
        manifest: The object.
        field_manager: The owner of the fields that the manifest sets; None stands for this tool.
        dry_run: Only check it.
        force: Take over fields that other managers own.
    """
    try:
        if field_manager is None:
            return cluster.apply(manifest, dry_run=dry_run, force=force)
        return cluster.apply(manifest, field_manager=field_manager, dry_run=dry_run, force=force)
    except ApiError as error:
        raise _refusal(manifest, error) from error


def _refusal(manifest: Manifest, error: ApiError) -> DeployError:
    name = describe(manifest)
    causes = error.causes
    if error.status == 409 and any(cause.get("reason") == "FieldManagerConflict" for cause in causes):
        details = [f"{cause.get('field', '')}: {cause.get('message', '')}" for cause in causes]
        fix = (
            "Someone else set these fields. Write their values into the manifest, "
            f"or take the fields over: {option('force_conflicts', True)}"
        )
        return ApplyConflictError(f"{name} differs from the manifest where others set it.", details, fix)
    return ClusterRefusedError(f"The cluster does not take {name}.", (error.message,), refusal_fix(error))


def refusal_fix(error: ApiError) -> str:
    """Return the fix for an object that the API refused."""
    message = error.message
    if "exceeded quota" in message:
        return "Lower the requests in deployment.yaml, or have the namespace's ResourceQuota raised."
    if "being terminated" in message or (error.status == 404 and message.startswith("namespaces ")):
        return "The namespace is being deleted, or is gone. Deploy again: that creates it anew."
    if "admission webhook" in message or "violates PodSecurity" in message:
        return "A policy of the cluster forbids it: change what the message names in the manifest."
    if "ValidatingAdmissionPolicy" in message:
        return "A policy of the cluster forbids it: change what the message names in the manifest."
    if error.status == 403:
        return (
            "Your account may not do this. docs/deploy.md lists the smallest Role; ask for it to be granted."
        )
    if "field is immutable" in message:
        return "Kubernetes never changes this field. Take its old value back, or undeploy first."
    # For an unknown field the API answers 500.
    if error.status in (400, 422) or "not declared in schema" in message:
        return "Mend the manifest under deploy/."
    return "Try again; if it stays, the cluster's operator knows more."


def read_object(cluster: Cluster, manifest: Manifest) -> Manifest | None:
    """Return the live object; None if it does not exist."""
    try:
        return cluster.get(cluster.locate(manifest))
    except ApiError as error:
        raise _refusal(manifest, error) from error


def identity_of(manifest: Manifest) -> Manifest:
    """Return the fields of a manifest that identify the object."""
    source = manifest["metadata"]
    metadata = {key: source[key] for key in ("name", "namespace") if key in source}
    return {"apiVersion": manifest["apiVersion"], "kind": manifest["kind"], "metadata": metadata}


def with_own_copy(manifest: Manifest, before: Manifest | None) -> Manifest:
    """Return the manifest with annotations for an undo: itself, and whether it existed before.

    An object for whose copy Kubernetes has no room gets none.
    """
    copy = cast("Manifest", json.loads(json.dumps(manifest)))
    annotations = copy["metadata"].setdefault("annotations", {})
    # A copy on an InferenceService would be part of its revisions.
    if manifest["kind"] != "Secret" and not platform_of(manifest):
        others = ((before or {}).get("metadata") or {}).get("annotations") or {}
        text = _without_beside(manifest)
        if _size_bytes({**others, **annotations, APPLIED: text}) <= _MOST_BYTES:
            annotations[APPLIED] = text
    if before is None or is_made_by_us(before):
        annotations[CREATED_BY_US] = "true"
    return copy


def _without_beside(manifest: Manifest) -> str:
    """Return a manifest as JSON, without the list of the other objects: that is an annotation of its own."""
    metadata = manifest["metadata"]
    notes = {key: value for key, value in (metadata.get("annotations") or {}).items() if key not in _BESIDE}
    if "annotations" in metadata:
        metadata = {**metadata, "annotations": notes}
    return json.dumps({**manifest, "metadata": metadata}, sort_keys=True, separators=(",", ":"))


def _size_bytes(annotations: dict[str, str]) -> int:
    return sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())


def remove_later(
    cluster: Cluster, later: Iterable[Manifest], current: Iterable[Manifest], kept: Iterable[str] = ()
) -> None:
    """Delete what is in `later` and not in `current`, if our deploys created it.

    Args:
        cluster: The cluster.
        later: Objects.
        current: Objects that stay.
        kept: The names of others that stay: `ConfigMap/large`.
    """
    names = {describe(manifest) for manifest in current} | set(kept)
    for manifest in later:
        live = None if describe(manifest) in names else read_object(cluster, manifest)
        if live is not None and is_made_by_us(live):
            cluster.delete(cluster.locate(manifest), uid=live["metadata"]["uid"])
