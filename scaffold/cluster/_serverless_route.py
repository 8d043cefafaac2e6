"""The address of the callers of a service of KServe or Knative, and the replay of the sample there."""

from __future__ import annotations

import contextlib
from urllib.parse import urlsplit

from scaffold.base.client import Client
from scaffold.base.replay import ReplayResult
from scaffold.cluster._address import await_client, client_of, find_revision
from scaffold.cluster._client import Cluster, Manifest
from scaffold.cluster._manifests import Target
from scaffold.cluster._revisions import read_revisions
from scaffold.cluster._rollout import Pace
from scaffold.cluster._smoke import replay_sample, summary_of
from scaffold.events import Finished, OnEvent
from scaffold.spec import Recording

_LOCAL = (".svc", ".local")
"""How the names of addresses end that only the cluster resolves."""
_ALL = 100


def find_callers(cluster: Cluster, target: Target, live: Manifest, pace: Pace) -> Client:
    """Return a client of the address of the callers; of the pods if only the cluster resolves that.

    Args:
        cluster: The cluster.
        target: The target.
        live: Its service.
        pace: How long to wait until it answers.
    """
    now = read_revisions(live)
    if not (urlsplit(now.url).hostname or "").endswith(_LOCAL):
        client = client_of(now.url, pace, cluster.service_headers)
        await_client(client, pace)
        return client
    return find_revision(cluster, target, now.ready, pace)


def replay_revision(
    cluster: Cluster,
    target: Target,
    live: Manifest,
    revision: str,
    recording: Recording,
    pace: Pace,
    on_event: OnEvent,
) -> ReplayResult:
    """Replay the sample at the address of the callers; to the pods of a revision that has a share of them.

    Args:
        cluster: The cluster.
        target: The target.
        live: Its service.
        revision: The revision that is to answer.
        recording: The sample.
        pace: How long to wait until it answers.
        on_event: Called with each event.
    """
    with contextlib.closing(find_callers(cluster, target, live, pace)) as client:
        on_event(Finished("address", read_revisions(live).url))
        if read_revisions(live).shares.get(revision) == _ALL:
            replayed = replay_sample(client, recording, target=target.name)
        else:  # another revision would answer some of the requests
            with contextlib.closing(find_revision(cluster, target, revision, pace)) as pods:
                replayed = replay_sample(pods, recording, target=target.name)
    on_event(Finished("replay", summary_of(replayed)))
    return replayed
