"""Two targets of one project with the same service: a deploy of one would replace the other."""

from __future__ import annotations

import contextlib
from pathlib import Path

from scaffold.base.checked import target_names
from scaffold.cluster._client import Cluster
from scaffold.cluster._ledger import read_ledger
from scaffold.cluster._manifests import Target, describe, read_target
from scaffold.cluster._objects import record_of
from scaffold.cluster._plan import Plan
from scaffold.errors import ManifestError, ScaffoldError


def require_own_place(cluster: Cluster, root: Path, target: Target, plan: Plan) -> None:
    """Check that what runs is not that of another target of the project, with the same name and namespace.

    Args:
        cluster: The cluster.
        root: The project.
        target: What is deployed.
        plan: Its changes, with what runs.

    Raises:
        ManifestError: It is.
    """
    owner = _owner(cluster, target, plan)
    if owner == target.name or owner not in target_names(root):
        return
    other = None
    with contextlib.suppress(ScaffoldError):  # a target that cannot be read is out of use
        other = read_target(root, owner)
    if other is None or (other.namespace, other.service) != (target.namespace, target.service):
        return
    kind = target.deployment["kind"]
    raise ManifestError(
        f"{describe(target.deployment)} in namespace {target.namespace} is that of the target '{owner}'.",
        (f"deploy/{owner} and deploy/{target.name} name the same namespace and the same {kind}",),
        f"Give '{target.name}' a `namespace` of its own in deploy/{target.name}/kustomization.yaml.",
    )


def _owner(cluster: Cluster, target: Target, plan: Plan) -> str:
    """Return the target that the last deploy was for; empty if none is recorded."""
    if target.platform:
        entries = read_ledger(cluster, target)
        return entries[0].notes.get("target", "") if entries else ""
    before = next(change.before for change in plan.changes if change.manifest["kind"] == "Deployment")
    return record_of((before or {"metadata": {}})["metadata"].get("annotations") or {}).get("target", "")
