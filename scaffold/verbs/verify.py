"""`verify`: prove a project as it stands now."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scaffold.events import OnEvent, Started, ignore
from scaffold.spec import Verification
from scaffold.verbs._proving import accept_answers
from scaffold.verbs._stages import check_reporter
from scaffold.verbs.project import Project
from scaffold.verbs.workers import proof_access


def verify(
    project: str | Path,
    *,
    accept: bool = False,
    allow_read: Sequence[str | Path] = (),
    allow_network: bool = False,
    on_event: OnEvent = ignore,
) -> Verification:
    """Prove a project again, as it stands now, and return the proof.

    Args:
        project: The project's folder.
        accept: Take the answers that the service gives now for the right ones, and record them.
        allow_read: Files and folders that the service may read besides the project.
        allow_network: Whether the service may connect to other machines.
        on_event: Called with each event.

    Raises:
        VerificationError: Its service does not give the recorded answers; or a branch of it.
    """
    from scaffold.proof import verify_project

    opened = Project.open_service(project)
    access = proof_access(opened.variables, read=allow_read, network=allow_network)
    if accept:
        return accept_answers(opened, access=access, on_event=on_event)
    on_event(Started("verify"))
    return verify_project(opened.root, python=opened.python, on_check=check_reporter(on_event), access=access)
