"""Why the pods of a rollout do not become ready, in plain words and with the fix."""

from __future__ import annotations

import math
import re

from scaffold.cluster._client import Manifest
from scaffold.cluster._log import last_log, other_port
from scaffold.cluster._platforms import service_container
from scaffold.cluster._pods import CREATING, last_end_of, pod_state, status_of, waiting_of
from scaffold.cluster._references import create_command, missing_reference
from scaffold.cluster._scene import Failure, Scene, events_of, sentence
from scaffold.cluster._scheduling import unschedulable
from scaffold.errors.wording import either, on_project, shell_line
from scaffold.spec import SCORE_PROTOCOL

_MIB = 1 << 20
_NOT_CREATED = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
_NOT_STARTED = {"StartError", "ContainerCannotRun"}
"""How containerd and Docker say that the command of a container could not be executed."""
_MANY_RESTARTS = 3
_PULL_REASONS = {
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "RegistryUnavailable",
}


def find_failure(scene: Scene) -> Failure | None:
    """Return why the rollout is stuck; None while it may still succeed."""
    if failure := paused(scene.deployment):
        return failure
    for pod in scene.pods:
        for explain in _EXPLANATIONS:
            failure = explain(scene, pod)
            if failure is not None:
                return failure
    return _not_created(scene)


def explain_deadline(scene: Scene, waited_s: float) -> Failure:
    """Return the failure to report at the deadline if no other was found: most often the probes."""
    failure = find_failure(scene)
    if failure is not None:
        return failure
    probes = [probe_failure for pod in scene.pods if (probe_failure := _probes(scene, pod)) is not None]
    if probes:
        return probes[0]
    states = [f"{state.name}: {state.state}" for state in map(pod_state, scene.pods)]
    return Failure(
        problem=f"The rollout was not complete after {waited_s:.0f} s.",
        found=tuple(states or ("no pod of the new revision was created",)),
        fix=f"Give it more time with {either('Pace(rollout_s=...)', '--timeout SECONDS')},"
        f" or look at: {on_project('logs', target=scene.target)},"
        f" {on_project('status', target=scene.target)}",
    )


# ---- one explanation each


def paused(deployment: Manifest) -> Failure | None:
    """Return the failure of a Deployment whose pods are not renewed, as after `kubectl rollout pause`."""
    if not deployment["spec"].get("paused"):
        return None
    metadata = deployment["metadata"]
    name, namespace = f"deployment/{metadata['name']}", metadata["namespace"]
    resume = shell_line("kubectl", "-n", namespace, "rollout", "resume", name)
    return Failure(
        problem=f"Deployment/{metadata['name']} is paused: its pods are not renewed.",
        found=("spec.paused: true",),
        fix=f"Resume it: {resume}. Then deploy again.",
        patience_s=5,
    )


def _image_pull(scene: Scene, pod: Manifest) -> Failure | None:
    reason, message = waiting_of(pod)
    if reason not in _PULL_REASONS:
        return None
    image = service_container(scene.deployment)["image"]
    messages = events_of(scene, pod["metadata"]["name"], ["Failed", "InspectFailed"])
    pull_messages = [text for text in messages if "pull" in text or "image" in text]
    text = " ".join([message, *pull_messages])
    details = (f"image: {image}", sentence(pull_messages[0] if pull_messages else message))
    secret = _pull_secret(pod)
    if re.search(r"unauthorized|401|403|denied|forbidden|authentication|no basic auth", text, re.IGNORECASE):
        return Failure(
            problem="The registry does not let the cluster pull the image.",
            found=(*details, f"pull secret of the pods: {secret}"),
            fix="Log in to the registry with an account that may read it, then deploy again.",
            patience_s=5,
        )
    if re.search(r"not found|manifest unknown|does not exist|404", text, re.IGNORECASE):
        push = on_project("build", push=True, target=scene.target)
        fix = f"Push it: {push}, then deploy again."
        return Failure(problem="The image is not in the registry.", found=details, fix=fix, patience_s=5)
    if reason == "InvalidImageName":
        fix = "Mend the image's name in kustomization.yaml."
        return Failure(problem="The image's name is not valid.", found=details, fix=fix)
    return Failure(
        problem="The nodes cannot pull the image.",
        found=details,
        fix="Can the nodes reach the registry under this name? They have another localhost.",
        patience_s=45,
    )


def _pull_secret(pod: Manifest) -> str:
    names = [reference["name"] for reference in pod["spec"].get("imagePullSecrets") or []]
    return ", ".join(names) or "none"


def _configuration(scene: Scene, pod: Manifest) -> Failure | None:
    reason, message = waiting_of(pod)
    end = last_end_of(pod)
    if end.get("reason") in _NOT_STARTED:
        message = end.get("message", message)
    elif reason not in _NOT_CREATED:
        return None
    details = (sentence(message),)
    if missing := missing_reference(message):
        kind, name, key = missing
        problem = f"The pods need a {kind} that is not there."
        if key:
            problem = f"The {kind} that the pods need has no key '{key}'."
        command = create_command(scene.deployment, kind, name, exists=bool(key))
        # The kubelet retries after 10 to 15 s: until then a pod waits for an object that was created since.
        fix = f"Create it: {command}"
        return Failure(problem=problem, found=details, fix=fix, patience_s=20)
    if "runAsNonRoot" in message or "non-root" in message:
        fix = "Give the Dockerfile a numeric `USER`, such as `USER 10001`, and build again."
        return Failure(problem="The image would run as root.", found=details, fix=fix)
    fix = f"Mend what the message names in {scene.file}."
    return Failure(problem="The container cannot be started.", found=details, fix=fix, patience_s=10)


def _out_of_memory(scene: Scene, pod: Manifest) -> Failure | None:
    end = last_end_of(pod)
    end_messages = f"{end.get('message', '')} {waiting_of(pod)[1]}"
    if end.get("reason") != "OOMKilled" and "OOM-killed" not in end_messages:
        return None
    limits = service_container(scene.deployment).get("resources", {}).get("limits", {})
    peak = scene.measured and f"{math.ceil(scene.measured.peak_memory_bytes / _MIB)} MiB"
    return Failure(
        problem="The service needs more memory than it may take.",
        found=(
            f"limit: {limits.get('memory', 'none of its own; the node ran out')}",
            f"measured by the proof: {peak or 'nothing'}",
        ),
        fix=f"Raise `resources.limits.memory` in {scene.file}, and the request with it.",
    )


def _crash(scene: Scene, pod: Manifest) -> Failure | None:
    status, end = status_of(pod), last_end_of(pod)
    restarts = int(status.get("restartCount") or 0)
    if not end or not restarts:
        return None
    if any("probe" in message for message in events_of(scene, pod["metadata"]["name"], ["Killing"])):
        return _probes(scene, pod)
    if "running" in (status.get("state") or {}) and restarts < _MANY_RESTARTS:
        return None
    return Failure(
        problem=f"The service ends right after its start (exit status {end.get('exitCode')}).",
        found=(
            f"pod: {pod['metadata']['name']}, restarts: {restarts}",
            *last_log(scene.cluster, pod, previous=True),
        ),
        fix=f"Start it here and mend it: scaffold serve. Settings of the target stand in {scene.file}.",
        patience_s=5,
    )


def _beside(scene: Scene, pod: Manifest) -> Failure | None:
    """Return the failure of an init container or a sidecar that exits with an error: the pod is not ready."""
    service_name = status_of(pod).get("name")
    parts = pod.get("status") or {}
    for field, role in (("initContainerStatuses", "init container"), ("containerStatuses", "container")):
        for status in parts.get(field) or []:
            state = status.get("state") or {}
            end = state.get("terminated") or (status.get("lastState") or {}).get("terminated") or {}
            if status.get("name") == service_name or "running" in state or not end.get("exitCode"):
                continue
            name = status["name"]
            return Failure(
                problem=f"The {role} '{name}' ends with exit status {end['exitCode']}.",
                found=tuple(last_log(scene.cluster, pod, container=name)),
                fix=f"Mend it in {scene.file}: the pods are not ready without it.",
                patience_s=45,
            )
    return None


def _node(scene: Scene, pod: Manifest) -> Failure | None:
    """Return why a scheduled pod cannot start: its volumes, the network or the runtime."""
    name = pod["metadata"]["name"]
    if pod_state(pod).state != CREATING:
        return None
    if messages := events_of(scene, name, ["FailedMount", "FailedAttachVolume"]):
        problem = "A volume cannot be mounted."
        fix = f"Mend `volumes` in {scene.file}, or create what they name."
    elif messages := events_of(scene, name, ["FailedCreatePodSandBox"]):
        problem = "The node cannot start pods."
        fix = "It is the node's own fault, its network or its container runtime: ask the cluster's operator."
    else:
        return None
    return Failure(problem=problem, found=(sentence(messages[0]),), fix=fix, patience_s=45)


def _probes(scene: Scene, pod: Manifest) -> Failure | None:
    messages = events_of(scene, pod["metadata"]["name"], ["Unhealthy", "Killing"])
    failed = [message for message in messages if "probe failed" in message]
    if not failed:
        return None
    which = failed[0].split()[0].lower()
    restarted = int(status_of(pod).get("restartCount") or 0) > 0
    log = last_log(scene.cluster, pod, previous=restarted)
    if ports := other_port(failed[0], log):
        probed, listens = ports
        return Failure(
            problem=f"The service listens on port {listens}, and the pods are probed at port {probed}.",
            found=(sentence(failed[0]), *log),
            fix=f"Set `containerPort` in {scene.file} to {listens}, or `PORT` in its `env` to {probed}.",
        )
    ready, alive = SCORE_PROTOCOL.ready, SCORE_PROTOCOL.alive
    fixes = {
        "startup": f"It may need longer to load: raise `startupProbe.failureThreshold` in {scene.file}.",
        "readiness": f"It loads but does not say that it is ready: look at scaffold logs and GET {ready}.",
        "liveness": f"It stops answering {alive}: look at scaffold logs, and give it more CPU.",
    }
    return Failure(
        problem=f"The {which} probe of the pods fails.",
        found=(sentence(failed[0]), *log),
        fix=fixes.get(which, fixes["startup"]),
    )


def _not_created(scene: Scene) -> Failure | None:
    """Return the failure if a quota or a policy forbids the pods."""
    conditions = (scene.deployment.get("status") or {}).get("conditions") or []
    for condition in conditions:
        if condition.get("type") != "ReplicaFailure" or condition.get("status") != "True":
            continue
        message = condition.get("message", "")
        if "exceeded quota" in message:
            fix = "Lower `resources` or the replicas, or have the namespace's ResourceQuota raised."
            problem = "The namespace's quota does not allow the pods."
        elif "must specify" in message and "quota" in message:
            fix = "Give each container requests and limits for what the quota counts."
            problem = "The namespace's quota wants requests and limits that the pods do not have."
        else:
            fix = f"Change what the message names in {scene.file}: a policy of the cluster forbids it."
            problem = "A policy of the cluster does not admit the pods."
        no_room = "exceeded quota" in message
        return Failure(problem=problem, found=(sentence(message),), fix=fix, patience_s=10, no_room=no_room)
    return None


_EXPLANATIONS = (unschedulable, _image_pull, _out_of_memory, _configuration, _crash, _beside, _node)
