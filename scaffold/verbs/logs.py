"""`logs`: what the pods of a target write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scaffold.cluster import ClusterAccess


def logs(
    project: str | Path,
    *,
    target: str = "staging",
    follow: bool = False,
    tail: int = 100,
    access: ClusterAccess | None = None,
) -> Iterator[str]:
    """Yield the last lines of the logs of a target's pods.

    Args:
        project: The project's folder.
        target: A folder under its `deploy/`.
        follow: Go on with the lines that one ready pod writes from now on.
        tail: How many of the last lines of each pod.
        access: As for `deploy`.
    """
    from scaffold.cluster import stream_logs

    return stream_logs(Path(project), target=target, follow=follow, tail=tail, access=access)
