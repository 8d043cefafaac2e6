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
    """Return the state of the service at a target, read from the cluster.

    Args:
        project: The project's folder.
        target: The target: a folder under the project's `deploy/`.
        access: The cluster; see `deploy`.

    Raises:
        NotDeployedError: Nothing runs at the target.
        ManifestError: The project has no such target, or its manifests cannot be read.
    """
    from scaffold.cluster import read_status

    return read_status(Path(project), target=target, access=access)
