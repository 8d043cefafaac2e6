"""One pod, as the cluster reports it: its state, why it waits, how it ended."""

from __future__ import annotations

from scaffold.cluster._client import Manifest
from scaffold.spec import PodState

CREATING = "pulling the image"
STOPPING = "stopping"


def pod_state(pod: Manifest) -> PodState:
    """Return the state of a pod."""
    status = pod.get("status") or {}
    container = status_of(pod)
    state = container.get("state") or {}
    ready = bool(container.get("ready"))
    if "deletionTimestamp" in pod["metadata"]:
        word = STOPPING
    elif "waiting" in state:
        reason = state["waiting"].get("reason", "")
        word = {"ContainerCreating": CREATING, "PodInitializing": "starting"}.get(reason, reason)
    elif "terminated" in state:
        word = state["terminated"].get("reason") or "ended"
    elif "running" in state:
        word = "running" if ready else "loading the model"
    else:
        word = (
            "waiting for a node" if status.get("phase") == "Pending" else str(status.get("phase", "unknown"))
        )
    restarts = int(container.get("restartCount") or 0)
    return PodState(name=pod["metadata"]["name"], ready=ready, restarts=restarts, state=word)


def status_of(pod: Manifest) -> Manifest:
    """Return the status of the service's container; empty if the pod has none yet."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or [{}]
    service_statuses = [status for status in statuses if status.get("name") == "service"]
    return dict((service_statuses or statuses)[0])


def waiting_of(pod: Manifest) -> tuple[str, str]:
    """Return why its container waits: the reason in a word, and the message."""
    waiting = (status_of(pod).get("state") or {}).get("waiting") or {}
    return waiting.get("reason", ""), waiting.get("message", "")


def last_end_of(pod: Manifest) -> Manifest:
    """Return the last termination of the container; empty if there is none."""
    status = status_of(pod)
    for part in ("state", "lastState"):
        terminated = (status.get(part) or {}).get("terminated")
        if terminated:
            return dict(terminated)
    return {}
