"""The verbs for a target of KServe or Knative: deploy, status, history, rollback."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from scaffold.base.recording import read_recording
from scaffold.base.who import now_utc, user_and_host
from scaffold.cluster._client import Cluster, Manifest
from scaffold.cluster._describe import PASSED, PENDING, describe_live, release_of
from scaffold.cluster._fill_in import fill_in
from scaffold.cluster._ledger import Entry, read_ledger, recorded_of
from scaffold.cluster._manifests import Target, in_order
from scaffold.cluster._objects import remove_later, try_apply
from scaffold.cluster._plan import Change, Conduct, changes_back
from scaffold.cluster._platforms import service_container
from scaffold.cluster._pods import STOPPING, pod_state
from scaffold.cluster._revisions import (
    Revisions,
    number_of,
    pods_of_revision,
    read_revision,
    read_revisions,
)
from scaffold.cluster._rollout import Pace, live_deployment, pods_of
from scaffold.cluster._serverless import RevisionAttempt
from scaffold.errors import NotDeployedError
from scaffold.errors.wording import on_project
from scaffold.events import Finished, OnEvent
from scaffold.spec import Deployment, Recording, Release, RevisionShare

OTHER_REVISION = "not done: another tool made the revision"


def deploy_revision(
    cluster: Cluster,
    target: Target,
    changes: Sequence[Change],
    notes: dict[str, str],
    recording: Recording,
    conduct: Conduct,
    pace: Pace,
    on_event: OnEvent,
) -> None:
    """Deploy under the lock of the target, and record it.

    Args:
        cluster: The cluster.
        target: The target.
        changes: What changes.
        notes: The record.
        recording: The sample.
        conduct: How to proceed.
        pace: How long to wait.
        on_event: Called with each event.
    """
    attempt = RevisionAttempt(
        cluster=cluster,
        target=target,
        changes=changes,
        manifests=fill_in(target, notes["image"]),
        notes=notes,
        recording=recording,
        pace=pace,
        on_event=on_event,
        former=read_ledger(cluster, target),
        force=conduct.force,
    )
    with attempt.recording_failure(roll_back=conduct.roll_back, remove=conduct.remove_failed):
        attempt.run(candidate=conduct.candidate)
    with attempt.interrupts.deferred():  # until the tag and the pin name what runs
        attempt.record_passed()
        conduct.on_proven()


def describe_target(cluster: Cluster, target: Target) -> Deployment:
    """Return what runs at a target of any platform.

    Raises:
        NotDeployedError: Nothing runs there.
    """
    return describe_revisions(cluster, target) if target.platform else describe_live(cluster, target)


def describe_revisions(cluster: Cluster, target: Target) -> Deployment:
    """Return what runs at a target: the revision with the most callers, and who gets the others.

    Raises:
        NotDeployedError: Nothing runs there.
    """
    live = live_deployment(cluster, target)
    now, entries = read_revisions(live), read_ledger(cluster, target)
    name = max(now.shares, key=lambda each: (now.shares[each], each == now.ready), default="") or now.ready
    revision = read_revision(cluster, target, name)
    entry = recorded_of(entries, revision.get("metadata", {}).get("uid", ""))
    pods = [pod for each in now.shares or [name] for pod in pods_of_revision(cluster, target, each)]
    states = [pod_state(pod) for pod in pods]
    unready = tuple(state for state in states if not state.ready and state.state != STOPPING)
    ready = sum(state.ready for state in states)
    notes = entry.notes if entry else {}
    return _deployment(
        target,
        notes,
        image=service_container(revision or live)["image"],
        url=now.url,
        revision=number_of(name),
        replicas=ready,
        wanted=ready + len(unready),
        unready=unready,
        live=_outcome(now, entry, entries[:1]),
        traffic=tuple(
            RevisionShare(revision=number_of(each), percent=percent)
            for each, percent in sorted(now.shares.items())
        ),
    )


def pods_at(cluster: Cluster, target: Target) -> list[Manifest]:
    """Return the pods of a target, which may have a Deployment."""
    live = live_deployment(cluster, target)
    if not target.platform:
        return pods_of(cluster, live)
    now = read_revisions(live)
    names = dict.fromkeys([*now.shares, now.created])
    return [pod for name in names for pod in pods_of_revision(cluster, target, name)]


def _outcome(now: Revisions, entry: Entry | None, newest: Sequence[Entry]) -> str:
    """Return how the replay ended of the revision that callers reach, or why the service is not ready."""
    if now.is_ready is False:
        return f"not ready: {now.reason}: {now.message}".rstrip(": ")
    if entry is not None:
        return entry.notes.get("live", "")
    is_pending = bool(newest) and newest[0].notes.get("live") == PENDING
    return PENDING if is_pending else OTHER_REVISION


def describe_entries(cluster: Cluster, target: Target) -> tuple[Deployment, ...]:
    """Return the recorded deploys, the newest first."""
    return tuple(
        _deployment(
            target,
            entry.notes,
            image=entry.notes.get("image", ""),
            url=entry.notes.get("url", ""),
            revision=number_of(entry.notes.get("revision", "")),
            live=entry.notes.get("live", ""),
        )
        for entry in read_ledger(cluster, target)
    )


def _deployment(target: Target, notes: Mapping[str, str], **facts: object) -> Deployment:
    """Return a deploy with the release of its record."""
    return Deployment(
        target=target.name,
        namespace=target.namespace,
        name=target.service,
        at=notes.get("at", ""),
        release=release_of(notes),
        **facts,  # type: ignore[arg-type]
    )


def roll_back_revision(
    cluster: Cluster,
    target: Target,
    to: int | None,
    release: Release,
    root: Path,
    pace: Pace,
    on_event: OnEvent,
) -> Deployment:
    """Bring the target back to an earlier deploy, under its lock; return what runs.

    Args:
        cluster: The cluster.
        target: The target.
        to: The number of its revision; by default the last other one that went live.
        release: Who rolls back, and the model of the project.
        root: The project, whose sample is replayed if the deploy is of its model.
        pace: How long to wait.
        on_event: Called with each event.

    Raises:
        NotDeployedError: There is no such deploy.
    """
    now, entries = read_revisions(live_deployment(cluster, target)), read_ledger(cluster, target)
    entry = _choose(target, entries, now.created, to)
    number, present = number_of(entry.notes.get("revision", "")), number_of(now.created)
    reason = f"rollback from revision {present} to {number}"
    on_event(Finished("apply", reason))
    restored = in_order(entry.manifests)
    is_same_model = entry.notes.get("model-sha256") == release.model_sha256
    attempt = RevisionAttempt(
        cluster=cluster,
        target=target,
        changes=[_checked(cluster, change) for change in changes_back(cluster, restored)],
        manifests=restored,
        notes={**entry.notes, "by": release.by or user_and_host(), "at": now_utc(), "reason": reason},
        recording=read_recording(root) if is_same_model else None,
        pace=pace,
        on_event=on_event,
        former=entries,
        force=True,
    )
    with attempt.recording_failure(roll_back=True, remove=False):
        attempt.run(candidate=True)
    remove_later(cluster, entries[0].manifests, restored)
    attempt.record_passed()
    return describe_revisions(cluster, target)


def _checked(cluster: Cluster, change: Change) -> Change:
    """Return a change with the object that the server would store."""
    return replace(change, after=try_apply(cluster, change.manifest, dry_run=True, force=True))


def _choose(target: Target, entries: Sequence[Entry], present: str, to: int | None) -> Entry:
    now = next((entry for entry in entries if entry.notes.get("revision") == present), None)
    earlier = [
        entry
        for entry in entries
        if entry.notes.get("revision", present) != present
        and entry.manifests  # of another tool's revision nothing is recorded that could be applied
        and not (now and entry.manifests == now.manifests)
    ]
    chosen = [
        entry
        for entry in earlier
        if (entry.notes.get("live") == PASSED if to is None else number_of(entry.notes["revision"]) == to)
    ]
    if not chosen:
        found = dict.fromkeys(str(number_of(each.notes["revision"])) for each in earlier)
        name = f"revision {to}" if to is not None else "other one that went live"
        raise NotDeployedError(
            f"'{target.name}' runs revision {number_of(present)}, and there is no {name}.",
            (f"recorded: {', '.join(found) or 'none'}",),
            on_project("deployments", target=target.name),
        )
    return chosen[0]
