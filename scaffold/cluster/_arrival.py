"""Whether the requests of the replay arrive at the pods of the deploy, where the route does not show that."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from scaffold.base.client import Client
from scaffold.base.replay import ReplayResult
from scaffold.cluster._address import find_metrics, find_service
from scaffold.cluster._backends import backends_of, own_backend, route_of
from scaffold.cluster._client import Cluster, Manifest
from scaffold.cluster._manifests import Target, describe
from scaffold.cluster._rollout import Pace, live_deployment, pods_of
from scaffold.cluster._service import service_of
from scaffold.cluster._smoke import replay_sample, summary_of
from scaffold.cluster._traffic import Traffic, read_traffic
from scaffold.errors import NoEndpointError, ServiceFailedError
from scaffold.events import Finished, OnEvent
from scaffold.spec import Recording


def replay_live(
    cluster: Cluster, target: Target, recording: Recording, pace: Pace, on_event: OnEvent
) -> tuple[str, ReplayResult]:
    """Replay the sample over the route of the callers; return the URL and the result.

    Args:
        cluster: The cluster.
        target: What runs there.
        recording: The sample.
        pace: How long to wait for the address.
        on_event: Told the address and the result.

    Raises:
        DeployError: As for `find_service` and `replay_over_route`.
    """
    with contextlib.closing(find_service(cluster, target, pace)) as client:
        on_event(Finished("address", client.url))
        replayed = replay_over_route(client, cluster, target, recording, pace)
    on_event(Finished("replay", summary_of(replayed)))
    return client.url, replayed


def replay_over_route(
    client: Client, cluster: Cluster, target: Target, recording: Recording, pace: Pace
) -> ReplayResult:
    """Replay the sample to the address of the callers, and check that the pods of the Deployment answer it.

    If no Service behind the route selects the pods, a proxy may lead to them: then their metrics have to
    count the requests.

    Args:
        client: A client of the address.
        cluster: The cluster.
        target: What runs there.
        recording: The sample.
        pace: How long to wait between attempts.

    Raises:
        NoEndpointError: The requests do not arrive at the pods, or whether they do is not known.
        DeployError: As for `replay_sample`.
    """
    route = route_of(target)
    if route is None or own_backend(cluster, target, route, pace) is not None:
        return replay_sample(client, recording, target=target.name)
    before = _requests(cluster, target, pace)
    replayed = replay_sample(client, recording, target=target.name)
    after = _requests(cluster, target, pace)
    if before is None or after is None or after - before < replayed.rows:
        count = None if before is None or after is None else max(0, int(after - before))
        raise _elsewhere(route, target, client.url, count, replayed.rows)
    return replayed


def pod_traffic(cluster: Cluster, target: Target, pods: Iterable[Manifest], pace: Pace) -> dict[str, Traffic]:
    """Return the traffic of each pod so far; a pod whose metrics cannot be read is left out.

    Args:
        cluster: The cluster.
        target: Holds the Service.
        pods: The pods.
        pace: How long to wait between attempts.
    """
    traffic = {}
    for pod in pods:
        client, path = find_metrics(cluster, target, pod, pace)
        with contextlib.closing(client), contextlib.suppress(ServiceFailedError):
            response = client.get(path)
            if response.status == 200 and isinstance(response.body, str):
                traffic[pod["metadata"]["name"]] = read_traffic(response.body)
    return traffic


def _requests(cluster: Cluster, target: Target, pace: Pace) -> float | None:
    """Return how many requests of callers the pods answered; None if no pod has metrics."""
    pods = pods_of(cluster, live_deployment(cluster, target), newest=True)
    traffic = pod_traffic(cluster, target, pods, pace)
    return sum(each.requests for each in traffic.values()) if traffic else None


def _elsewhere(route: Manifest, target: Target, url: str, count: int | None, rows: int) -> NoEndpointError:
    names = sorted({backend.service for backend in backends_of(route)})
    backends = f"{describe(route)} leads to: {', '.join(names) or 'no Service of this namespace'}"
    own = (service_of(target) or {}).get("metadata", {}).get("name", target.service)
    fix = f"Name Service/{own} in the backend of the route."
    if count is None:
        return NoEndpointError(
            f"Whether callers of {url} reach these pods is not known.",
            (backends, "the pods have no metrics that would count the requests"),
            f"{fix} If a proxy stands before it, switch the metrics on: METRICS in deployment.yaml.",
        )
    return NoEndpointError(
        f"Callers of {url} reach other pods than those of this deploy.",
        (backends, f"arrived at the pods: {count} of {rows} rows of the sample, which were all answered"),
        f"{fix} If a proxy stands before it, let the proxy lead there.",
    )
