"""`status`: what runs at a target."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.spec import Deployment

if TYPE_CHECKING:
    from scaffold.cluster import ClusterAccess


def status(
    project: str | Path,
    *,
    target: str = "staging",
    access: ClusterAccess | None = None,
) -> Deployment:
    """Return what runs at a target, as the cluster says.

    Args:
        project: The project's folder.
        target: A folder under its `deploy/`.
        access: As for `deploy`.
    """
    from scaffold.cluster import read_status

    return read_status(Path(project), target=target, access=access)
