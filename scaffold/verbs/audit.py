"""`audit`: what a project's lock holds, and what is known against it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.verbs.project import Project

if TYPE_CHECKING:
    from scaffold.resolve import Audit


def audit(project: str | Path) -> Audit:
    """Return what a project's lock holds: a bill of materials, licences, and what is known against it.

    Raises:
        UsageError: The folder is no project.
    """
    from scaffold.resolve import audit_project

    opened = Project.open_service(project)
    return audit_project(opened.root, opened.model_files)
