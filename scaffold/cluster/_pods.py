"""One pod, as the cluster reports it: its state, why it waits, how it ended."""

from __future__ import annotations

from scaffold.cluster._client import Manifest
from scaffold.cluster._platforms import service_entry
from scaffold.spec import PodState

CREATING = "pulling the image"
STOPPING = "stopping"
RUNNING = "running"


def pod_state(pod: Manifest) -> PodState:
    """Return the state of a pod; if it is not ready because of another container, that one is named."""
    status = pod.get("status") or {}
    ready = is_ready(pod)
    container = status_of(pod)
    restarts = int(container.get("restartCount") or 0)
    if "deletionTimestamp" in pod["metadata"]:
        word = STOPPING
    elif not ready and (other := _failing_beside(pod)):
        word = f"{other['name']}: {_word_of(other, unready='not ready')}"
        restarts = int(other.get("restartCount") or 0)
    elif container.get("state"):
        word = _word_of(container, unready="loading the model")
        if word == RUNNING and not ready and (gates := _closed_gates(pod)):
            word = f"waiting for the readiness gate {gates[0]}"
    else:
        word = (
            "waiting for a node" if status.get("phase") == "Pending" else str(status.get("phase", "unknown"))
        )
    return PodState(name=pod["metadata"]["name"], ready=ready, restarts=restarts, state=word)


def is_ready(pod: Manifest) -> bool:
    """Whether the cluster counts a pod as ready: all containers are, and its readiness gates are open."""
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(each.get("type") == "Ready" and each.get("status") == "True" for each in conditions)


def _word_of(container: Manifest, *, unready: str) -> str:
    """Return the state of a container that has one, in a few words."""
    state = container.get("state") or {}
    if "waiting" in state:
        reason = state["waiting"].get("reason", "")
        return str({"ContainerCreating": CREATING, "PodInitializing": "starting"}.get(reason, reason))
    if "terminated" in state:
        return state["terminated"].get("reason") or "ended"
    return RUNNING if container.get("ready") else unready


def _failing_beside(pod: Manifest) -> Manifest | None:
    """Return the status of an init container or sidecar that keeps the pod from being ready."""
    status = pod.get("status") or {}
    own = status_of(pod)
    for field in ("initContainerStatuses", "containerStatuses"):
        for other in status.get(field) or []:
            state = other.get("state") or {}
            reason = (state.get("waiting") or {}).get("reason", "PodInitializing")
            is_starting = "waiting" in state and reason in ("PodInitializing", "ContainerCreating")
            has_ended = "terminated" in state and not state["terminated"].get("exitCode")
            if other.get("name") != own.get("name") and not (other.get("ready") or is_starting or has_ended):
                return dict(other)
    return None


def _closed_gates(pod: Manifest) -> list[str]:
    conditions = (pod.get("status") or {}).get("conditions") or []
    open_gates = {each.get("type") for each in conditions if each.get("status") == "True"}
    gates = [gate["conditionType"] for gate in pod["spec"].get("readinessGates") or []]
    return [gate for gate in gates if gate not in open_gates]


def status_of(pod: Manifest) -> Manifest:
    """Return the status of the service's container; empty if the pod has none yet."""
    return dict(service_entry((pod.get("status") or {}).get("containerStatuses") or []))


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
