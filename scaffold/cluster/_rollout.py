"""Wait until the new pods have replaced the old ones, or say why they do not."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from scaffold.cluster._client import Cluster, Manifest
from scaffold.cluster._explain import explain_deadline, find_failure, paused
from scaffold.cluster._manifests import Target, describe
from scaffold.cluster._pods import pod_state
from scaffold.cluster._refusal import ApiError
from scaffold.cluster._scene import Failure, Scene
from scaffold.errors import ClusterUnreachableError, NoRoomError, NotDeployedError, RolloutFailedError
from scaffold.errors.wording import on_project
from scaffold.spec import PodState

_API_AWAY_S = 60
REVISION = "deployment.kubernetes.io/revision"
OnPods = Callable[[tuple[PodState, ...]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long a deploy waits, and how often it looks."""

    rollout_s: float | None = None
    """For the pods; by default the manifest's `progressDeadlineSeconds`."""
    address_s: float = 300
    """For a load balancer or an ingress to get its address, and for that to answer."""
    poll_s: float = 1.0
    patience: float = 1.0
    """A factor for the time before a failure is reported."""


def wait_for_rollout(cluster: Cluster, target: Target, pace: Pace, on_pods: OnPods) -> Manifest:
    """Return the Deployment once every pod of the new revision is ready and the old ones are gone.

    Args:
        cluster: The cluster.
        target: What was applied.
        pace: How long to wait, and how often to look.
        on_pods: Called with the pods whenever they have changed.

    Raises:
        RolloutFailedError: The pods do not become ready; the message says why.
    """
    path = cluster.locate(target.deployment)
    allowed_s = pace.rollout_s or target.deployment["spec"].get("progressDeadlineSeconds", 600)

    def look() -> Scene:
        return _look(cluster, path, target)

    def is_complete(scene: Scene) -> bool:
        return _is_complete(scene.deployment)

    return wait_for_scene(look, is_complete, find_failure, pace, on_pods, allowed_s).deployment


def wait_for_scene(
    look: Callable[[], Scene],
    is_complete: Callable[[Scene], bool],
    find: Callable[[Scene], Failure | None],
    pace: Pace,
    on_pods: OnPods,
    allowed_s: float,
) -> Scene:
    """Return the state of a rollout once that is complete.

    Args:
        look: Returns the present state.
        is_complete: Whether it is complete.
        find: Returns why it is stuck; None while it may still succeed.
        pace: How often to look, and how patiently.
        on_pods: Called with the pods whenever they have changed.
        allowed_s: How long to wait.

    Raises:
        RolloutFailedError: It is stuck, or the time is over; the message says why.
    """
    start = time.monotonic()
    current_failure: tuple[str, float] = ("", start)
    reported: tuple[PodState, ...] | None = None
    last_contact = start
    while True:
        now = time.monotonic()
        try:
            scene = look()
        except (ClusterUnreachableError, ApiError) as error:
            # The API server itself may be restarting; pods do not need it.
            is_passing = isinstance(error, ClusterUnreachableError) or error.status >= 500
            if not is_passing or now - last_contact > _API_AWAY_S * pace.patience:
                raise
            time.sleep(pace.poll_s)
            continue
        last_contact = now
        states = tuple(pod_state(pod) for pod in scene.pods)
        if states != reported:
            on_pods(states)
            reported = states
        if is_complete(scene):
            return scene
        failure = find(scene)
        if failure is None:
            current_failure = ("", now)
        elif failure.problem != current_failure[0]:
            current_failure = (failure.problem, now)
        if failure is not None and now - current_failure[1] >= failure.patience_s * pace.patience:
            raise rollout_error(failure)
        if now - start > allowed_s or _deadline_exceeded(scene.deployment):
            raise rollout_error(failure or explain_deadline(scene, now - start))
        time.sleep(pace.poll_s)


def require_unpaused(deployment: Manifest) -> None:
    """Check that a change of a Deployment renews its pods.

    Raises:
        RolloutFailedError: It is paused.
    """
    if failure := paused(deployment):
        raise rollout_error(failure)


def rollout_error(failure: Failure) -> RolloutFailedError:
    """Return the error for a failure whose cause was found."""
    leaf = NoRoomError if failure.no_room else RolloutFailedError
    return leaf(failure.problem, failure.found, failure.fix)


def live_deployment(cluster: Cluster, target: Target) -> Manifest:
    """Return the Deployment as it is in the cluster.

    Raises:
        NotDeployedError: There is none.
    """
    try:
        deployment = cluster.get(cluster.locate(target.deployment))
    except ApiError as error:
        raise NotDeployedError(f"The target '{target.name}' cannot be read.", (error.message,)) from error
    if deployment is None:
        looked = describe(target.deployment)
        raise NotDeployedError(
            f"The target '{target.name}' runs nothing.",
            (f"looked for: {looked} in namespace {target.namespace} of {cluster.server}",),
            on_project("deploy", target=target.name),
        )
    return deployment


def replica_sets(cluster: Cluster, deployment: Manifest) -> list[Manifest]:
    """Return the revisions of a Deployment that are kept, the newest first."""
    metadata = deployment["metadata"]
    path = f"/apis/apps/v1/namespaces/{metadata['namespace']}/replicasets"
    listed_sets = cluster.list(path, _selector(deployment))
    owned = [replica_set for replica_set in listed_sets if _is_owned_by(replica_set, metadata["uid"])]
    return sorted(owned, key=revision_of, reverse=True)


def revision_of(manifest: Manifest) -> int:
    """Return the revision of a Deployment or of one of its ReplicaSets; 0 before the first."""
    return int((manifest["metadata"].get("annotations") or {}).get(REVISION, 0))


def pods_of(cluster: Cluster, deployment: Manifest, *, newest: bool = False) -> list[Manifest]:
    """Return the pods of a Deployment, or of its newest revision only."""
    namespace = deployment["metadata"]["namespace"]
    pods = cluster.list(f"/api/v1/namespaces/{namespace}/pods", _selector(deployment))
    sets = replica_sets(cluster, deployment)
    if newest:
        revision = revision_of(deployment)
        sets = [replica_set for replica_set in sets if revision_of(replica_set) == revision]
    owners = {replica_set["metadata"]["uid"] for replica_set in sets}
    owned = [pod for pod in pods if any(_is_owned_by(pod, uid) for uid in owners)]
    return sorted(owned, key=lambda pod: str(pod["metadata"]["name"]))


def events_in(cluster: Cluster, namespace: str) -> list[Manifest]:
    """Return the events of the namespace; none if the account may not read them, for they only explain."""
    try:
        return cluster.list(f"/api/v1/namespaces/{namespace}/events")
    except ApiError as error:
        if error.status == 403:
            return []
        raise


def _look(cluster: Cluster, path: str, target: Target) -> Scene:
    deployment = cluster.get(path)
    if deployment is None:
        problem = f"Deployment/{target.service} was deleted during its rollout."
        raise RolloutFailedError(problem, (), on_project("deploy", target=target.name))
    is_observed = (deployment.get("status") or {}).get("observedGeneration", 0) >= _generation(deployment)
    pods = pods_of(cluster, deployment, newest=True) if is_observed else []
    return Scene(
        cluster=cluster,
        target=target.name,
        deployment=deployment,
        pods=pods,
        events=events_in(cluster, target.namespace),
        measured=target.measured,
    )


def _is_complete(deployment: Manifest) -> bool:
    status = deployment.get("status") or {}
    replicas = deployment["spec"].get("replicas", 1)
    return bool(
        status.get("observedGeneration", 0) >= _generation(deployment)
        and status.get("updatedReplicas", 0) >= replicas
        and status.get("replicas", 0) == status.get("updatedReplicas", 0)
        and status.get("availableReplicas", 0) >= replicas
    )


def _generation(deployment: Manifest) -> int:
    return int(deployment["metadata"].get("generation", 0))


def _deadline_exceeded(deployment: Manifest) -> bool:
    """Whether the cluster gave up on this generation of the Deployment."""
    status = deployment.get("status") or {}
    if status.get("observedGeneration", 0) < _generation(deployment):
        return False
    return any(
        condition.get("reason") == "ProgressDeadlineExceeded" for condition in status.get("conditions") or []
    )


def _selector(deployment: Manifest) -> str:
    labels = deployment["spec"]["selector"].get("matchLabels") or {}
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


def _is_owned_by(manifest: Manifest, uid: str) -> bool:
    return any(owner.get("uid") == uid for owner in manifest["metadata"].get("ownerReferences") or [])
