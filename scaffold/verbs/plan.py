"""`plan`: what a deploy would change."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scaffold.cluster import ClusterAccess, Plan


def plan(
    project: str | Path,
    *,
    target: str = "staging",
    image: str = "",
    access: ClusterAccess | None = None,
) -> Plan:
    """Return what a deploy would change, as the server sees it; nothing is built and nothing written.

    Args:
        project: The project's folder.
        target: A folder under its `deploy/`.
        image: An image by digest; the one that runs, else the manifest's, where it is left out.
        access: As for `deploy`.
    """
    from scaffold.cluster import plan_deployment

    return plan_deployment(Path(project), target=target, image=image, access=access)
