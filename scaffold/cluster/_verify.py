"""The proof of a running service at a target or a URL, also if another tool deployed it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path

from scaffold.base.recording import read_recording
from scaffold.base.who import now_utc
from scaffold.cluster._address import await_client, client_of
from scaffold.cluster._api_errors import api_errors
from scaffold.cluster._arrival import replay_live
from scaffold.cluster._candidate import canaries
from scaffold.cluster._client import Cluster, Manifest
from scaffold.cluster._deploy import notes_of
from scaffold.cluster._describe import PASSED
from scaffold.cluster._kubeconfig import ClusterAccess, connect
from scaffold.cluster._lock import require_unlocked
from scaffold.cluster._manifests import Target, describe, read_target
from scaffold.cluster._objects import annotate, record_of
from scaffold.cluster._platforms import service_container
from scaffold.cluster._recorded import (
    change_by_others,
    change_of_tag,
    content_note,
    is_outcome,
    require_one_content,
    template_note,
)
from scaffold.cluster._rollout import Pace, live_deployment, pods_of, wait_for_rollout
from scaffold.cluster._serverless_verify import verify_revisions
from scaffold.cluster._smoke import replay_sample, summary_of
from scaffold.errors import ClusterRefusedError, DeployBusyError, DeployError
from scaffold.errors.wording import on_project
from scaffold.events import Finished, Noted, OnEvent, PodsChanged, ignore
from scaffold.spec import Release, Verification


def verify_target(
    root: Path,
    *,
    target: str,
    release_of: Callable[[str], Release],
    access: ClusterAccess | None = None,
    pace: Pace | None = None,
    on_event: OnEvent = ignore,
) -> Verification:
    """Replay the sample to the service at a target, over the route of its callers, and record the outcome.

    Args:
        root: The project.
        target: A folder under `deploy/`.
        release_of: Returns the release to record for an image that another tool deployed.
        access: As for `deploy_project`.
        pace: As for `deploy_project`.
        on_event: As for `deploy_project`.

    Raises:
        NotDeployedError: Nothing runs there.
        ScaledToZeroError: The service is scaled to zero; its record stays.
        ServiceNotAskedError: No key is accepted, or this machine does not reach it; its record stays.
        DeployBusyError: A deploy is under way, or the pods changed during the replay; nothing is recorded.
        DeployError: Its pods are not ready, its Service leads nowhere, or its answers are not the model's.
    """
    pace = pace or Pace()
    with api_errors():
        resolved_target = read_target(root, target)
        recording = read_recording(root)
        cluster = connect(access)
        if resolved_target.platform:

            def notes_of_image(image: str) -> dict[str, str]:
                return notes_of(resolved_target, image, release_of(image))

            replayed = verify_revisions(cluster, resolved_target, recording, notes_of_image, pace, on_event)
            return Verification(checks=replayed.checks)
        replayed_deployment = live_deployment(cluster, resolved_target)
        _require_alone(cluster, resolved_target)
        try:
            replayed_deployment = wait_for_rollout(
                cluster, resolved_target, pace, lambda pods: on_event(PodsChanged(pods))
            )
            live_url, replayed = replay_live(cluster, resolved_target, recording, pace, on_event)
            require_one_content(replayed_deployment, pods_of(cluster, replayed_deployment))
        except DeployError as error:
            if is_outcome(error):
                _record(
                    cluster,
                    resolved_target,
                    replayed_deployment,
                    {"live": error.problem},
                    release_of,
                    on_event,
                )
            raise
        _record(
            cluster,
            resolved_target,
            replayed_deployment,
            {"live": PASSED, "url": live_url},
            release_of,
            on_event,
        )
    return Verification(checks=replayed.checks)


def verify_url(
    root: Path,
    *,
    url: str,
    headers: Mapping[str, str],
    pace: Pace | None = None,
    on_event: OnEvent = ignore,
) -> Verification:
    """Replay the sample to the service at a URL.

    Args:
        root: The project.
        url: Where the service is: `https://host/path`.
        headers: Headers of the requests, such as a token.
        pace: How long to wait until it answers.
        on_event: Called with each event.

    Raises:
        DeployError: It does not answer, or not as the model does.
    """
    pace = pace or Pace(address_s=30)
    recording = read_recording(root)
    with contextlib.closing(client_of(url, pace, headers)) as client:
        await_client(client, pace)
        replayed = replay_sample(client, recording)
    on_event(Finished("replay", summary_of(replayed)))
    return Verification(checks=replayed.checks)


def _require_alone(cluster: Cluster, target: Target) -> None:
    """Check that all pods behind the Service are those of its Deployment, and stay.

    Raises:
        DeployBusyError: A deploy is under way, or a killed one left its candidate or canary.
    """
    require_unlocked(cluster, target)
    if left := canaries(cluster, target):
        deploy = on_project("deploy", target=target.name)
        raise DeployBusyError(
            "A candidate or canary is there too, and its pods may answer callers: nothing is recorded.",
            left,
            f"If no deploy is under way, the next one removes it: {deploy}",
        )


def _record(
    cluster: Cluster,
    target: Target,
    replayed_deployment: Manifest,
    outcome: dict[str, str],
    release_of: Callable[[str], Release],
    on_event: OnEvent,
) -> None:
    """Record the outcome of the replay on the Deployment, if the account may change that.

    Raises:
        DeployBusyError: The pod template is no longer that of the replay, or a deploy has begun.
    """
    _require_alone(cluster, target)
    live = live_deployment(cluster, target)
    image = service_container(live)["image"]
    if live["spec"]["template"] != replayed_deployment["spec"]["template"]:
        raise DeployBusyError(
            f"{describe(target.deployment)} changed while the sample was replayed: nothing is recorded.",
            (f"asked: {service_container(replayed_deployment)['image']}", f"runs now: {image}"),
            f"Ask what runs now: {on_project('verify', target=target.name)}",
        )
    notes = record_of(live["metadata"].get("annotations") or {})
    pods = pods_of(cluster, live)
    if "model-sha256" not in notes or change_by_others(live) or change_of_tag(live, pods):
        # Wrong answers may come from another project's model: do not record a release for that.
        is_ours = outcome["live"] == PASSED
        release = release_of(image) if is_ours else Release(model_sha256="", proof="")
        notes = notes_of(target, image, release)
    outcome = outcome | content_note(live, pods)
    outcome = outcome | template_note(replayed_deployment) | {"at": notes.get("at") or now_utc()}
    try:
        annotate(cluster, target.deployment, notes | outcome)
    except ClusterRefusedError as error:
        on_event(Noted(f"not recorded in the cluster: {error}"))
