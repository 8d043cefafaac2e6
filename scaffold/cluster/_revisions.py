"""The revisions that KServe and Knative make of a service: which is ready, and which gets the callers.

Source: the status of Service and Revision in github.com/knative/specs, and KServe's `ComponentStatusSpec`
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scaffold.cluster._client import Cluster, Manifest
from scaffold.cluster._explain import find_failure
from scaffold.cluster._manifests import Target, describe
from scaffold.cluster._platforms import KSERVE, platform_of
from scaffold.cluster._rollout import OnPods, Pace, events_in, live_deployment, wait_for_scene
from scaffold.cluster._scene import Failure, Scene, sentence
from scaffold.errors import ManifestError
from scaffold.errors.wording import on_project, shell_line

_API = "serving.knative.dev/v1"
_REVISION = "serving.knative.dev/revision"
"""The label of the pods and of the Deployment of a revision."""
_CANARY_PERCENT = "canaryTrafficPercent"
_MODE = "serving.kserve.io/deploymentMode"
_MODES = ("Knative", "Serverless")
_ALLOWED_S = 600
_UNREADY_S = 30
"""Seconds that a service may be unready for a reason that may pass, such as a route that is being made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revisions:
    """What a platform reports of a service at one moment."""

    created: str
    """The newest revision."""
    ready: str
    """The newest one that is ready."""
    full: str
    """The last one that had all callers, which KServe holds beside a canary."""
    shares: Mapping[str, int]
    """The percentage of the callers by revision."""
    url: str
    is_ready: bool | None
    """None while that is not known."""
    reason: str
    message: str


def read_revisions(live: Manifest) -> Revisions:
    """Return what the status of an InferenceService or a Knative Service says."""
    status = live.get("status") or {}
    part, suffix = status, "Name"
    if platform_of(live) == KSERVE:
        part, suffix = (status.get("components") or {}).get("predictor") or {}, ""
    shares: dict[str, int] = {}
    for each in part.get("traffic") or []:
        name = each.get("revisionName", "")
        shares[name] = shares.get(name, 0) + int(each.get("percent") or 0)
    ready = condition_of(live, "Ready")
    return Revisions(
        created=part.get(f"latestCreatedRevision{suffix}", ""),
        ready=part.get(f"latestReadyRevision{suffix}", ""),
        full=part.get("latestRolledoutRevision", ""),
        shares={name: percent for name, percent in shares.items() if percent},
        url=status.get("url", ""),
        is_ready={"True": True, "False": False}.get(ready.get("status", "")) if _is_observed(live) else None,
        reason=ready.get("reason", ""),
        message=ready.get("message", ""),
    )


def condition_of(live: Manifest, kind: str) -> Manifest:
    """Return a condition of an object; empty without it."""
    conditions = (live.get("status") or {}).get("conditions") or []
    return next((dict(each) for each in conditions if each.get("type") == kind), {})


def number_of(revision: str) -> int:
    """Return the number in the name of a revision, `titanic-00002`; 0 for a name of another form."""
    found = re.search(r"-(\d+)$", revision)
    return int(found[1]) if found else 0


def revision_part(workload: Manifest) -> Any:
    """Return the part of a service of which each change makes a revision."""
    if platform_of(workload) != KSERVE:
        return workload["spec"]["template"]
    predictor = {key: value for key, value in workload["spec"]["predictor"].items() if key != _CANARY_PERCENT}
    metadata = workload["metadata"]
    return [predictor, metadata.get("labels") or {}, metadata.get("annotations") or {}]


def require_revisions(workload: Manifest) -> None:
    """Check that the platform makes revisions of a service.

    Raises:
        ManifestError: It is an InferenceService of another mode, such as `RawDeployment`.
    """
    mode = (workload["metadata"].get("annotations") or {}).get(_MODE)
    if mode not in (None, *_MODES):
        raise ManifestError(
            "KServe makes no revisions in this mode, which a deploy needs.",
            (f"{_MODE}: {mode}",),
            f"Set it to Knative in inferenceservice.yaml ({_MODES[1]} before version 0.16), or answer"
            " platform=kubernetes, whose Deployment is proven and rolled back too.",
        )


def without_callers(manifest: Manifest, now: Revisions) -> Manifest | None:
    """Return a manifest whose new revision gets no callers; None where the platform cannot do that.

    Args:
        manifest: The manifest with the new revision.
        now: What the platform reports before.
    """
    spec = manifest["spec"]
    if platform_of(manifest) == KSERVE:
        held = spec["predictor"] | {_CANARY_PERCENT: 0}
        return {**manifest, "spec": {**spec, "predictor": held}} if now.full else None
    if not now.shares or "traffic" in spec:
        return None
    traffic: list[Manifest] = [
        {"revisionName": name, "latestRevision": False, "percent": percent}
        for name, percent in now.shares.items()
    ]
    # The tag keeps its pods: a revision that no route names is scaled to zero.
    traffic.append({"latestRevision": True, "percent": 0, "tag": "candidate"})
    return {**manifest, "spec": {**spec, "traffic": traffic}}


def expected_shares(manifest: Manifest) -> set[int]:
    """Return the percentages of the callers that the newest revision may get; empty if any."""
    if platform_of(manifest) == KSERVE:
        percent = manifest["spec"]["predictor"].get(_CANARY_PERCENT)
        # Without a former revision, or where the newest one had all callers before, it has all.
        return {100} if percent is None else {int(percent), 100}
    traffic = manifest["spec"].get("traffic")
    if traffic is None:
        return {100}
    newest = [int(each.get("percent") or 0) for each in traffic if each.get("latestRevision")]
    return {sum(newest)} if newest else set()


def wait_for_revision(
    cluster: Cluster, target: Target, pace: Pace, on_pods: OnPods, *, former: str, shares: set[int]
) -> tuple[Manifest, str]:
    """Return the service and its newest revision, once both are ready.

    Args:
        cluster: The cluster.
        target: What was applied.
        pace: How long to wait, and how often to look.
        on_pods: Called with the pods of the revision whenever they have changed.
        former: The newest revision before a change that makes another one; empty if it makes none.
        shares: The percentages of the callers that the revision may get; empty if any.

    Raises:
        RolloutFailedError: It does not become ready; the message says why.
        NotDeployedError: The service was deleted.
    """
    live: Manifest = {}

    def look() -> Scene:
        live.clear()
        live.update(live_deployment(cluster, target))
        return _scene(cluster, target, live, _newest(live, former))

    def is_complete(_: Scene) -> bool:
        now, name = read_revisions(live), _newest(live, former)
        has_share = not shares or now.shares.get(name, 0) in shares
        return bool(name and now.ready == name and now.is_ready and has_share)

    def find(scene: Scene) -> Failure | None:
        return find_failure(scene) or _unready(cluster, target, live, _newest(live, former))

    wait_for_scene(look, is_complete, find, pace, on_pods, pace.rollout_s or _ALLOWED_S)
    return live, _newest(live, former)


def pods_of_revision(cluster: Cluster, target: Target, revision: str) -> list[Manifest]:
    """Return the pods of a revision."""
    if not revision:
        return []
    return cluster.list(f"/api/v1/namespaces/{target.namespace}/pods", f"{_REVISION}={revision}")


def read_revision(cluster: Cluster, target: Target, name: str) -> Manifest:
    """Return a Revision; empty if it does not exist."""
    path = cluster.kind(_API, "Revision").path(target.namespace, name)
    return (cluster.get(path) if name else None) or {}


def _newest(live: Manifest, former: str) -> str:
    created = read_revisions(live).created
    return created if created != former else ""


def _is_observed(live: Manifest) -> bool:
    """Whether the status is of this generation; versions of KServe leave that open."""
    observed = (live.get("status") or {}).get("observedGeneration")
    return observed is None or observed >= live["metadata"].get("generation", 0)


def _scene(cluster: Cluster, target: Target, live: Manifest, revision: str) -> Scene:
    """Return the pods of a revision, and the Deployment that Knative makes for it."""
    deployments = (
        cluster.list(f"/apis/apps/v1/namespaces/{target.namespace}/deployments", f"{_REVISION}={revision}")
        if revision
        else []
    )
    return Scene(
        cluster=cluster,
        target=target.name,
        deployment=next(iter(deployments), live),
        pods=pods_of_revision(cluster, target, revision),
        events=events_in(cluster, target.namespace),
        measured=target.measured,
        file="inferenceservice.yaml" if platform_of(live) == KSERVE else "knative.yaml",
    )


def _unready(cluster: Cluster, target: Target, live: Manifest, revision: str) -> Failure | None:
    """Return the failure that the conditions of the revision or of the service name."""
    look = on_project("status", target=target.name)
    ready = condition_of(read_revision(cluster, target, revision), "Ready")
    if ready.get("status") == "False":
        return Failure(
            problem=f"Revision/{revision} is not ready: {ready.get('reason') or 'no reason given'}.",
            found=(sentence(ready.get("message", "")),),
            fix=f"Look at it: {look}, {on_project('logs', target=target.name)}",
            patience_s=10,
        )
    now = read_revisions(live)
    if now.is_ready is not False or (revision and now.ready != revision):
        return None
    manifest = target.deployment
    resource = manifest["kind"].lower() if platform_of(manifest) == KSERVE else "ksvc"
    show = shell_line("kubectl", "-n", target.namespace, "describe", resource, manifest["metadata"]["name"])
    return Failure(
        problem=f"{describe(manifest)} is not ready: {now.reason or 'no reason given'}.",
        found=(sentence(now.message),),
        fix=f"Its conditions name the part that fails: {show}",
        patience_s=_UNREADY_S,
    )


def former_revision(before: Manifest | None, after: Manifest) -> str:
    """Return the newest revision before a change that makes another one; empty if it makes none."""
    if before is None or revision_part(before) == revision_part(after):
        return ""
    return read_revisions(before).created
