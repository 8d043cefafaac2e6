"""The changes of a deploy, from a dry run on the server."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast

from scaffold.cluster._autoscaler import autoscalers_in, former_autoscalers
from scaffold.cluster._client import Cluster, Manifest
from scaffold.cluster._fill_in import fill_in
from scaffold.cluster._manifests import ANNOTATION, CANARY, CANARY_HOLD, Target, describe
from scaffold.cluster._objects import is_made_by_us, read_object, try_apply, with_own_copy
from scaffold.cluster._prerequisites import namespace_exists

_SERVER_FIELDS = ("managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The change of one object by a deploy."""

    manifest: Manifest
    before: Manifest | None
    """The live object; None if it does not exist."""
    after: Manifest
    """The object that the server would store; the manifest itself if the server did not check it."""
    diff: str
    """A unified diff of the YAML; empty where nothing changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conduct:
    """How a deploy proceeds: see `deploy_project`."""

    force: bool
    candidate: bool
    roll_back: bool
    remove_failed: bool
    on_proven: Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The changes of a deploy."""

    changes: tuple[Change, ...]
    unchecked: bool = False
    """Whether the namespace does not exist yet, so that the server could not check the manifests."""

    @property
    def diff(self) -> str:
        """All diffs, one after the other."""
        return "\n".join(change.diff for change in self.changes if change.diff)

    @property
    def summary(self) -> str:
        """Diffs of the objects that exist, and the names of the new ones."""
        return "\n".join(
            change.diff if change.before else f"+ {describe(change.manifest)} (new)"
            for change in self.changes
            if change.diff
        )


def plan_changes(cluster: Cluster, target: Target, image: str, *, force: bool = False) -> Plan:
    """Ask the server what applying would change; nothing is written.

    Args:
        cluster: The cluster.
        target: What is to be applied.
        image: The image by digest.
        force: Take over fields that others own.

    Raises:
        ApplyConflictError: A field belongs to someone else, who set another value.
        ClusterRefusedError: The server would not take an object.
    """
    has_namespace = namespace_exists(cluster, target.namespace)
    changes: list[Change] = []
    for manifest in fill_in(target, image):
        before = read_object(cluster, manifest)
        if manifest["kind"] == "Namespace" and before is not None and _is_left_alone(manifest, before):
            continue
        marked = with_own_copy(manifest, before)
        in_namespace = manifest["metadata"].get("namespace")
        is_checked = (has_namespace or not in_namespace) and not _replaces_autoscaler(
            manifest, changes, target
        )
        after = try_apply(cluster, marked, dry_run=True, force=force) if is_checked else manifest
        changes.append(
            Change(manifest=marked, before=before, after=after, diff=_diff(before, after, manifest))
        )
    return Plan(changes=tuple(changes), unchecked=not has_namespace)


def _replaces_autoscaler(manifest: Manifest, changes: Iterable[Change], target: Target) -> bool:
    """Whether an autoscaler takes the place of one of another kind, beside which KEDA refuses it."""
    before = next((change.before for change in changes if change.manifest["kind"] == "Deployment"), None)
    is_autoscaler = bool(autoscalers_in([manifest]))
    return is_autoscaler and bool(former_autoscalers(before, target.manifests))


def _is_left_alone(namespace: Manifest, live: Manifest) -> bool:
    """Whether a Namespace is not applied: another owner's, or one that already agrees with its manifest.

    The documented Role may not change Namespaces.
    """
    return not is_made_by_us(live) or _has_fields_of(live, namespace)


def _has_fields_of(live: Any, expected: Any) -> bool:
    """Whether an object has every field of a manifest with the same value."""
    if isinstance(expected, dict):
        return isinstance(live, dict) and all(
            _has_fields_of(live.get(key), value) for key, value in expected.items()
        )
    return bool(live == expected)


def changes_back(cluster: Cluster, manifests: Iterable[Manifest]) -> list[Change]:
    """Return the changes that restore former manifests; each object is read, so that this can be undone."""
    changes = []
    for manifest in manifests:
        before = read_object(cluster, manifest)
        changes.append(
            Change(manifest=with_own_copy(manifest, before), before=before, after=manifest, diff="")
        )
    return changes


def _diff(before: Manifest | None, after: Manifest, manifest: Manifest) -> str:
    name = describe(manifest)
    lines = difflib.unified_diff(
        _yaml_lines(before),
        _yaml_lines(after),
        f"{name} (in the cluster)",
        f"{name} (after)",
        lineterm="",
        n=2,
    )
    return "\n".join(lines)


def _yaml_lines(live: Manifest | None) -> list[str]:
    """Return an object as YAML lines, without server-side fields, our annotations and secret values."""
    import yaml

    if live is None:
        return []
    visible = cast("Manifest", json.loads(json.dumps(live)))
    visible.pop("status", None)
    metadata = visible["metadata"]
    for field in _SERVER_FIELDS:
        metadata.pop(field, None)
    notes = metadata.get("annotations") or {}
    metadata["annotations"] = {
        key: value
        for key, value in notes.items()
        if key in (CANARY, CANARY_HOLD)
        or not key.startswith((ANNOTATION, "deployment.kubernetes.io/", "kubectl.kubernetes.io/"))
    }
    if not metadata["annotations"]:
        del metadata["annotations"]
    if visible["kind"] == "Secret":
        visible["data"] = dict.fromkeys(visible.get("data") or {}, "(not shown)")
        visible.pop("stringData", None)
    return yaml.safe_dump(visible, sort_keys=True, width=200).splitlines()
