"""Objects go into the cluster: checked by the server first, shown as a diff, applied in order, taken back."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import difflib
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from scaffold.cluster._client import FIELD_MANAGER, ApiError, Cluster, Manifest
from scaffold.cluster._manifests import ANNOTATION, BESIDE, Target, describe, fill_in
from scaffold.errors import ApplyConflictError, ClusterRefusedError, DeployError
from scaffold.errors.wording import option

APPLIED = f"{ANNOTATION}applied"
MADE = f"{ANNOTATION}made"
_RECORD_MANAGER = "model-scaffold-record"
_START_MANAGER = "model-scaffold-start"
_SERVER_FIELDS = ("managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What applying one manifest does to the cluster."""

    manifest: Manifest
    before: Manifest | None
    """The object as it is; None where there is none."""
    diff: str
    """A unified diff of the YAML; empty where nothing changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a deploy would do."""

    changes: tuple[Change, ...]
    unchecked: bool = False
    """The namespace is not there yet, so the server could not check what goes into it."""

    @property
    def diff(self) -> str:
        """All diffs, one after the other."""
        return "\n".join(change.diff for change in self.changes if change.diff)

    @property
    def summary(self) -> str:
        """The diffs of what is there already; of what is new, the name."""
        return "\n".join(
            change.diff if change.before else f"+ {describe(change.manifest)} (new)"
            for change in self.changes
            if change.diff
        )


def plan_changes(cluster: Cluster, target: Target, image: str, *, force: bool = False) -> Plan:
    """Ask the server what applying would change; nothing is written.

    Raises:
        ApplyConflictError: A field belongs to someone else, who set another value.
        ClusterRefusedError: The server would not take an object.
    """
    has_namespace = _namespace_exists(cluster, target.namespace)
    changes = []
    for manifest in fill_in(target, image):
        before = _read(cluster, manifest)
        if manifest["kind"] == "Namespace" and before is not None and not is_made_by_us(before):
            continue
        marked = with_own_copy(manifest, before)
        in_namespace = manifest["metadata"].get("namespace")
        is_checked = has_namespace or not in_namespace
        after = try_apply(cluster, marked, dry_run=True, force=force) if is_checked else manifest
        changes.append(Change(manifest=marked, before=before, diff=_diff(before, after, manifest)))
    return Plan(changes=tuple(changes), unchecked=not has_namespace)


def apply_changes(cluster: Cluster, changes: Iterable[Change], *, force: bool = False) -> None:
    """Apply the manifests in order.

    Raises:
        ApplyConflictError: A field belongs to someone else, who set another value.
        ClusterRefusedError: The server does not take an object.
    """
    for change in changes:
        if change.before is not None:
            _keep_replicas(cluster, change.manifest, change.before)
        try_apply(cluster, change.manifest, force=force)


def changes_back(cluster: Cluster, manifests: Iterable[Manifest]) -> list[Change]:
    """Return what applies objects as they once were; each is read, so that applying it can be undone."""
    changes = []
    for manifest in manifests:
        before = _read(cluster, manifest)
        changes.append(Change(manifest=with_own_copy(manifest, before), before=before, diff=""))
    return changes


def seed_replicas(cluster: Cluster, target: Target) -> None:
    """Start with the autoscaler's minimum instead of one pod."""
    autoscaler = target.one("HorizontalPodAutoscaler")
    if autoscaler is not None and "replicas" not in target.deployment["spec"]:
        _set_replicas(cluster, target.deployment, autoscaler["spec"].get("minReplicas", 1))


def _keep_replicas(cluster: Cluster, manifest: Manifest, before: Manifest) -> None:
    """A Deployment that leaves its replicas to an autoscaler from now on would begin with one pod."""
    if manifest["kind"] != "Deployment" or "replicas" in manifest["spec"]:
        return
    managers = before["metadata"].get("managedFields") or []
    ours = [one for one in managers if one.get("manager") == FIELD_MANAGER]
    if any("f:replicas" in one.get("fieldsV1", {}).get("f:spec", {}) for one in ours):
        _set_replicas(cluster, manifest, before["spec"].get("replicas", 1))


def _set_replicas(cluster: Cluster, deployment: Manifest, replicas: int) -> None:
    """Under a field manager of its own, so that an apply that does not name them does not reset them."""
    seed = _identity(deployment) | {"spec": {"replicas": replicas}}
    try_apply(cluster, seed, manager=_START_MANAGER, force=True)


def ensure_namespace(cluster: Cluster, target: Target, *, wait_s: float, poll_s: float) -> bool:
    """Create the namespace where there is none; True if it was created.

    One that is just being deleted is waited for.

    Raises:
        ClusterRefusedError: It cannot be created, or its deletion does not end.
    """
    end = time.monotonic() + wait_s
    while _is_ending(cluster, target.namespace):
        if time.monotonic() > end:
            problem = f"The namespace {target.namespace} is being deleted, and that does not end."
            fix = f"What holds it up: kubectl get namespace {target.namespace} -o yaml"
            raise ClusterRefusedError(problem, (f"waited for {wait_s:.0f} s",), fix)
        time.sleep(poll_s)
    if _namespace_exists(cluster, target.namespace):
        return False
    manifest = next((one for one in fill_in(target, "") if one["kind"] == "Namespace"), None)
    if manifest is None:
        manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": target.namespace}}
    try_apply(cluster, with_own_copy(manifest, None))
    return True


def ensure_pull_secret(cluster: Cluster, target: Target, docker_config: str) -> bool:
    """Write the registry's login where the pods look for it; True if it changed.

    Args:
        docker_config: The text of a docker `config.json`: `{"auths": {...}}`.
    """
    name = target.pull_secret
    if not name:
        return False
    identity: Manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": target.namespace},
    }
    before = _read(cluster, identity)
    manifest = identity | {
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": base64.b64encode(docker_config.encode()).decode()},
    }
    manifest["metadata"] = with_own_copy(fill_in_one(manifest, target), before)["metadata"]
    # The login is ours alone: a password that someone put there by hand is replaced.
    after = try_apply(cluster, manifest, force=True)
    return before is None or before.get("data") != after.get("data")


def fill_in_one(manifest: Manifest, target: Target) -> Manifest:
    """Return a manifest of ours with our label on it."""
    return fill_in(dataclasses.replace(target, manifests=(manifest,)), "")[0]


def annotate(cluster: Cluster, manifest: Manifest, notes: dict[str, str]) -> None:
    """Write the record onto an object, under a field manager of its own."""
    identity = _identity(manifest)
    identity["metadata"]["annotations"] = {ANNOTATION + key: value for key, value in notes.items()}
    try_apply(cluster, identity, manager=_RECORD_MANAGER, force=True)


def undo_changes(cluster: Cluster, changes: Sequence[Change]) -> None:
    """Bring objects back to what we applied before, and remove those that were not there.

    The namespace stays, and so does what another tool had made before our first deploy.
    """
    for change in reversed(changes):
        notes = ((change.before or {}).get("metadata") or {}).get("annotations") or {}
        if change.before is None and change.manifest["kind"] != "Namespace":
            cluster.delete(cluster.locate(change.manifest))
        elif APPLIED in notes:
            before = cast("Manifest", json.loads(notes[APPLIED]))
            live = _read(cluster, before)
            if live is not None:
                _keep_replicas(cluster, before, live)
            try_apply(cluster, with_own_copy(before, change.before), force=True)
            if change.manifest["kind"] == "Deployment":
                annotate(cluster, before, record_of(notes))


def record_of(annotations: dict[str, str]) -> dict[str, str]:
    """Return our record among the annotations of an object."""
    return {
        key.removeprefix(ANNOTATION): value
        for key, value in annotations.items()
        if key.startswith(ANNOTATION) and key not in (APPLIED, BESIDE, MADE)
    }


def beside(deployment: Manifest) -> list[Manifest]:
    """Return what was applied with a Deployment, or with a revision of one; none where that is not noted."""
    notes = deployment.get("metadata", {}).get("annotations") or {}
    return list(json.loads(notes.get(BESIDE, "[]")))


def remove_later(cluster: Cluster, later: Iterable[Manifest], kept: Iterable[Manifest]) -> None:
    """Delete what is in `later` and not in `kept`, where our deploys created it."""
    names = {describe(one) for one in kept}
    for manifest in later:
        found = None if describe(manifest) in names else _read(cluster, manifest)
        if found is not None and is_made_by_us(found):
            cluster.delete(cluster.locate(manifest), uid=found["metadata"]["uid"])


def is_made_by_us(live: Manifest) -> bool:
    """Whether the object was not there before our first deploy."""
    return MADE in (live["metadata"].get("annotations") or {})


def try_apply(
    cluster: Cluster,
    manifest: Manifest,
    *,
    manager: str | None = None,
    dry_run: bool = False,
    force: bool = False,
) -> Manifest:
    """Apply one manifest; what the server refuses becomes an error that names the object."""
    try:
        if manager is None:
            return cluster.apply(manifest, dry_run=dry_run, force=force)
        return cluster.apply(manifest, manager=manager, dry_run=dry_run, force=force)
    except ApiError as error:
        raise _refusal(manifest, error) from error


def _refusal(manifest: Manifest, error: ApiError) -> DeployError:
    name = describe(manifest)
    causes = error.causes
    if error.status == 409 and any(cause.get("reason") == "FieldManagerConflict" for cause in causes):
        found = [f"{cause.get('field', '')}: {cause.get('message', '')}" for cause in causes]
        fix = (
            "Someone else set these fields. Write their values into the manifest, "
            f"or take the fields over: {option('force_conflicts', True)}"
        )
        return ApplyConflictError(f"{name} differs from the manifest where others set it.", found, fix)
    return ClusterRefusedError(f"The cluster does not take {name}.", (error.message,), refusal_fix(error))


def refusal_fix(error: ApiError) -> str:
    """Return what to do about an object that the API refused."""
    message = error.message
    if "exceeded quota" in message:
        return "Lower the requests in deployment.yaml, or have the namespace's ResourceQuota raised."
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
    if error.status in (400, 422):
        return "Mend the manifest under deploy/."
    return "Try again; if it stays, the cluster's operator knows more."


def _namespace_exists(cluster: Cluster, namespace: str) -> bool:
    try:
        return cluster.get(f"/api/v1/namespaces/{namespace}") is not None
    except ApiError as error:
        if error.status == 403:  # an account that may not look works in a namespace that it was given
            return True
        raise


def _is_ending(cluster: Cluster, namespace: str) -> bool:
    with contextlib.suppress(ApiError):
        found = cluster.get(f"/api/v1/namespaces/{namespace}")
        return found is not None and "deletionTimestamp" in found["metadata"]
    return False


def _read(cluster: Cluster, manifest: Manifest) -> Manifest | None:
    try:
        return cluster.get(cluster.locate(manifest))
    except ApiError as error:
        raise _refusal(manifest, error) from error


def _identity(manifest: Manifest) -> Manifest:
    given = manifest["metadata"]
    metadata = {key: given[key] for key in ("name", "namespace") if key in given}
    return {"apiVersion": manifest["apiVersion"], "kind": manifest["kind"], "metadata": metadata}


def with_own_copy(manifest: Manifest, before: Manifest | None) -> Manifest:
    """The manifest with what undoing it needs: itself, and whether it was there before us."""
    copy = cast("Manifest", json.loads(json.dumps(manifest)))
    annotations = copy["metadata"].setdefault("annotations", {})
    if manifest["kind"] != "Secret":
        annotations[APPLIED] = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
    if before is None or is_made_by_us(before):
        annotations[MADE] = "true"
    return copy


def _diff(before: Manifest | None, after: Manifest, manifest: Manifest) -> str:
    name = describe(manifest)
    lines = difflib.unified_diff(
        _shown(before), _shown(after), f"{name} (in the cluster)", f"{name} (after)", lineterm="", n=2
    )
    return "\n".join(lines)


def _shown(live: Manifest | None) -> list[str]:
    """An object as YAML lines, without what the server keeps for itself, our notes and secrets."""
    import yaml

    if live is None:
        return []
    shown = cast("Manifest", json.loads(json.dumps(live)))
    shown.pop("status", None)
    metadata = shown["metadata"]
    for field in _SERVER_FIELDS:
        metadata.pop(field, None)
    notes = metadata.get("annotations") or {}
    metadata["annotations"] = {
        key: value
        for key, value in notes.items()
        if not key.startswith((ANNOTATION, "deployment.kubernetes.io/", "kubectl.kubernetes.io/"))
    }
    if not metadata["annotations"]:
        del metadata["annotations"]
    if shown["kind"] == "Secret":
        shown["data"] = dict.fromkeys(shown.get("data") or {}, "(not shown)")
        shown.pop("stringData", None)
    return yaml.safe_dump(shown, sort_keys=True, width=200).splitlines()
