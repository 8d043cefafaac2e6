"""`deployments`: the revisions that a cluster keeps of a target."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.spec import Deployment

if TYPE_CHECKING:
    from scaffold.cluster import ClusterAccess


def deployments(
    project: str | Path,
    *,
    target: str = "staging",
    access: ClusterAccess | None = None,
) -> tuple[Deployment, ...]:
    """Return the revisions that the cluster keeps of a target, the newest first.

    Args:
        project: The project's folder.
        target: A folder under its `deploy/`.
        access: As for `deploy`.
    """
    from scaffold.cluster import read_history

    return read_history(Path(project), target=target, access=access)
