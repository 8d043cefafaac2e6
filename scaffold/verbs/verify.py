"""`verify`: prove a project as it stands now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from scaffold.errors import NoRecordError
from scaffold.events import Noted, OnEvent, Started, ignore
from scaffold.spec import Verification
from scaffold.verbs._proving import accept_answers
from scaffold.verbs._stages import told_of_checks
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
    show = told_of_checks(on_event)
    verification = verify_project(opened.root, python=opened.python, on_check=show, access=access)
    _record_proof(opened, verification, on_event)
    return verification


def _record_proof(project: Project, verification: Verification, on_event: OnEvent) -> None:
    """Record that the project is proven as it stands now, where its record says otherwise."""
    from scaffold.upgrade import write_record

    try:
        record = project.record
        before = record.verification
        if before and before.passed and before.code_sha256 == verification.code_sha256:
            return
        measured = before.measurements if before else None  # its manifests hold these
        proof = replace(verification, openapi="", measurements=measured)
        write_record(project.root, replace(record, verification=proof), keep_pristine=True)
    except NoRecordError:
        return
    except OSError as error:
        on_event(Noted(f"the proof is not recorded: {error}"))
