"""The record of the deploys to a target for KServe or Knative: a ConfigMap beside the service.

KServe copies the annotations of an InferenceService to its revisions: a record there would make a new one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from scaffold.cluster._client import Cluster, Manifest
from scaffold.cluster._manifests import MANAGED_BY, MANAGER_NAME, NAME_LABEL, Target
from scaffold.cluster._objects import CREATED_BY_US, try_apply

_KEY = "deploys.json"
_MOST_ENTRIES = 10
_MOST_BYTES = 512 << 10
"""Of a ConfigMap, which may have 1 MiB."""
NO_RECORD = ("Namespace", "Secret")
"""Kinds that are not recorded: a rollback leaves them as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One deploy."""

    notes: Mapping[str, str]
    """The record, as the annotations of a Deployment have it; with the `revision` and its `uid`."""
    manifests: Sequence[Manifest] = field(default_factory=list)
    """What was applied."""


def read_ledger(cluster: Cluster, target: Target) -> list[Entry]:
    """Return the recorded deploys, the newest first."""
    stored = cluster.get(cluster.locate(_manifest(target))) or {}
    try:
        entries = json.loads((stored.get("data") or {}).get(_KEY, "[]"))
        return [Entry(notes=each["notes"], manifests=each["manifests"]) for each in entries]
    except (ValueError, LookupError, TypeError):  # written by hand
        return []


def write_ledger(cluster: Cluster, target: Target, entries: Sequence[Entry]) -> None:
    """Record the deploys; the oldest are dropped where there is no room."""
    texts: list[str] = []
    for entry in entries[:_MOST_ENTRIES]:
        content = {"notes": dict(entry.notes), "manifests": list(entry.manifests)}
        texts.append(json.dumps(content, sort_keys=True, separators=(",", ":")))
        if sum(map(len, texts)) > _MOST_BYTES and len(texts) > 1:
            texts.pop()
            break
    try_apply(cluster, _manifest(target) | {"data": {_KEY: f"[{','.join(texts)}]"}}, force=True)


def recorded_of(entries: Sequence[Entry], uid: str) -> Entry | None:
    """Return the newest entry of a revision; None if another tool made it."""
    return next((entry for entry in entries if uid and entry.notes.get("uid") == uid), None)


def _manifest(target: Target) -> Manifest:
    metadata = {
        "name": f"{target.service}-deploys",
        "namespace": target.namespace,
        "labels": {MANAGED_BY: MANAGER_NAME, NAME_LABEL: target.service},
        "annotations": {CREATED_BY_US: "true"},
    }
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
