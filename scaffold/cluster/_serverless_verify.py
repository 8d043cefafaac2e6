"""The proof of what runs at a target of KServe or Knative, also if another tool deployed it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from scaffold.base.replay import ReplayResult
from scaffold.cluster._client import Cluster
from scaffold.cluster._describe import PASSED
from scaffold.cluster._ledger import Entry, read_ledger, recorded_of, write_ledger
from scaffold.cluster._lock import require_unlocked
from scaffold.cluster._manifests import Target
from scaffold.cluster._platforms import service_container
from scaffold.cluster._recorded import is_outcome
from scaffold.cluster._revisions import read_revision, read_revisions, wait_for_revision
from scaffold.cluster._rollout import Pace
from scaffold.cluster._serverless_route import replay_revision
from scaffold.errors import DeployError
from scaffold.events import OnEvent, PodsChanged
from scaffold.spec import Recording


def verify_revisions(
    cluster: Cluster,
    target: Target,
    recording: Recording,
    notes_of_image: Callable[[str], dict[str, str]],
    pace: Pace,
    on_event: OnEvent,
) -> ReplayResult:
    """Replay the sample to each revision that has callers, record the outcomes, and return the last one.

    Args:
        cluster: The cluster.
        target: The target.
        recording: The sample.
        notes_of_image: Returns the notes to record for an image that another tool deployed.
        pace: How long to wait.
        on_event: Called with each event.

    Raises:
        NotDeployedError: Nothing runs there.
        DeployError: It is not ready, or its answers are not the model's.
    """
    require_unlocked(cluster, target)
    live, newest = wait_for_revision(
        cluster, target, pace, lambda pods: on_event(PodsChanged(pods)), former="", shares=set()
    )
    url = read_revisions(live).url
    for name in read_revisions(live).shares or [newest]:
        try:
            replayed = replay_revision(cluster, target, live, name, recording, pace, on_event)
        except DeployError as error:
            if is_outcome(error):
                _record_outcome(cluster, target, name, {"live": error.problem}, notes_of_image)
            raise
        _record_outcome(cluster, target, name, {"live": PASSED, "url": url}, notes_of_image)
    return replayed


def _record_outcome(
    cluster: Cluster,
    target: Target,
    name: str,
    outcome: dict[str, str],
    notes_of_image: Callable[[str], dict[str, str]],
) -> None:
    """Record the outcome of a replay with the deploy that made the revision, or with a new entry."""
    entries, revision = read_ledger(cluster, target), read_revision(cluster, target, name)
    uid = revision.get("metadata", {}).get("uid", "")
    if known := recorded_of(entries, uid):
        notes = {**known.notes, **outcome}
        changed = [replace(each, notes=notes) if each is known else each for each in entries]
    else:
        # Wrong answers may come from another project's model: no release is recorded for that.
        image = service_container(revision)["image"]
        notes = notes_of_image(image) if outcome["live"] == PASSED else {"image": image}
        changed = [Entry(notes={**notes, **outcome, "revision": name, "uid": uid}), *entries]
    write_ledger(cluster, target, changed)
