"""The logs of the pods of a target."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from scaffold.cluster._api_errors import api_errors
from scaffold.cluster._client import Manifest
from scaffold.cluster._kubeconfig import ClusterAccess, connect
from scaffold.cluster._manifests import read_target, service_container
from scaffold.cluster._pods import STOPPING, pod_state
from scaffold.cluster._refusal import ApiError
from scaffold.cluster._rollout import live_deployment, pods_of


def stream_logs(
    root: Path,
    *,
    target: str,
    follow: bool = False,
    tail: int = 100,
    access: ClusterAccess | None = None,
) -> Iterator[str]:
    """Yield the last lines of each pod's log; with `follow`, those of one ready pod as they are written.

    Args:
        root: The project.
        target: A folder under `deploy/`.
        follow: Go on with the lines that one ready pod writes from now on.
        tail: How many of the last lines of each pod.
        access: As for `deploy_project`.
    """
    with api_errors():
        resolved_target = read_target(root, target)
        cluster = connect(access)
        pods = pods_of(cluster, live_deployment(cluster, resolved_target))
        for pod in sorted(pods, key=_is_less_alive)[:1] if follow else pods:
            name = pod["metadata"]["name"]
            path = f"/api/v1/namespaces/{resolved_target.namespace}/pods/{name}/log"
            container = service_container({"spec": {"template": pod}})["name"]
            query = {"tailLines": str(tail), "container": container} | ({"follow": "true"} if follow else {})
            try:
                for line in cluster.lines(path, query):
                    yield f"{name}  {line}"
            except ApiError as error:
                if error.status not in (400, 404):  # its container has not started, or it is gone
                    raise
                yield f"{name}  (no log: {error.message})"


def _is_less_alive(pod: Manifest) -> tuple[bool, bool]:
    state = pod_state(pod)
    return state.state == STOPPING, not state.ready
