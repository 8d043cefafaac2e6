"""The last lines of a pod's log, and the port that they name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from scaffold.cluster._client import Cluster, Manifest
from scaffold.cluster._pods import status_of
from scaffold.cluster._refusal import ApiError

LOG_LINES = 15


def last_log(cluster: Cluster, pod: Manifest, *, previous: bool = False, container: str = "") -> list[str]:
    """Return the last lines that the container wrote.

    Args:
        cluster: The cluster.
        pod: The pod.
        previous: Read the log of the run before the last restart, unless that is empty.
        container: Another container than the one that scores.
    """
    metadata = pod["metadata"]
    path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/log"
    query = {"tailLines": str(LOG_LINES), "container": container or status_of(pod).get("name", "service")}
    for before in ("true", "false") if previous else ("false",):
        try:
            text = cluster.request("GET", path, query=query | {"previous": before})
        except ApiError:
            continue
        lines = text.rstrip().splitlines() if isinstance(text, str) else [str(text)]
        if lines:
            return [f"log: {line}" for line in lines]
    return ["log: (empty)"]


def other_port(probe: str, log: Sequence[str]) -> tuple[int, int] | None:
    """Return the port of a refused probe and the port on which the service listens, if they differ.

    Args:
        probe: The message of the cluster: `dial tcp 10.1.0.7:9000: connect: connection refused`.
        log: Lines of the service: `Uvicorn running on http://0.0.0.0:8000`.
    """
    refused = re.search(r":(\d+)[^\s:]*: connect: connection refused", probe)
    listens = [match[1] for line in log if (match := re.search(r"running on https?://\S*?:(\d+)", line))]
    if refused is None or not listens or refused[1] == listens[-1]:
        return None
    return int(refused[1]), int(listens[-1])
