"""The proof of a project with its owner's edits in it: what it answers, and what of that is theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold._layout import OPENAPI, RECORDED
from scaffold._project import Project
from scaffold._specify import OnStage, told_of_checks
from scaffold.spec import Check, JSONValue, Outcome, ProjectRecord, Recording, Verification

if TYPE_CHECKING:
    from scaffold.upgrade import Replay, UpdatePlan
    from scaffold.verify import ProofAccess, Service

MOST_REPLAYED_REQUESTS = 100
"""Requests of the old model that the new one is asked, to see how far its answers are from the old ones."""


def proven(
    plan: UpdatePlan, record: ProjectRecord, folder: Path, access: ProofAccess, on_stage: OnStage
) -> tuple[UpdatePlan, tuple[str, ...]]:
    """Prove the merged project in a copy, and take into the plan what only a running service can tell."""
    from scaffold.render import filled_manifests, recorded_sample
    from scaffold.upgrade import compare_answers, write_merged
    from scaffold.verify import verify_project

    old, new = record.spec.recording, plan.record.spec.recording
    notes: list[str] = []
    derived: dict[str, bytes] = {}

    def observe(service: Service) -> Recording | None:
        if plan.report.model_changed and old.requests:
            asked = old.requests[:MOST_REPLAYED_REQUESTS]
            before = old.answers[: len(asked)]
            notes.append(str(compare_answers(before, _answers(service, asked, like=before))))
        if not plan.edited_scoring:
            return None
        answers = _answers(service, new.requests, like=new.answers)
        notes.append(_scoring_note(plan.edited_scoring, compare_answers(new.answers, answers)))
        accepted = Recording(requests=new.requests, answers=answers)
        derived[RECORDED] = recorded_sample(accepted)
        return accepted

    write_merged(plan, folder)
    on_stage("verify", None)
    python = plan.record.spec.dependencies.python
    verification = verify_project(
        folder, python=python, on_check=told_of_checks(on_stage), observe=observe, access=access
    )
    for note in notes:
        on_stage("note", note)
    if verification.measurements:
        derived |= filled_manifests(plan.record.spec, verification.measurements)
    if verification.openapi:
        derived[OPENAPI] = verification.openapi.encode()
    return plan.finished(verification, derived), tuple(notes)


def unproven(plan: UpdatePlan) -> UpdatePlan:
    """The plan with a record that says so, and keeps what was measured the last time."""
    skipped = Check(name="proof", outcome=Outcome.SKIPPED, detail="the last update was not proven")
    last = plan.record.verification
    measured = last.measurements if last else None
    return plan.finished(Verification(checks=(skipped,), measurements=measured), {})


def accept_answers(project: Project, *, access: ProofAccess, on_stage: OnStage) -> Verification:
    """Prove a project with the answers that it gives now, and record these as the right ones.

    Raises:
        VerificationError: It refuses a recorded request, or answers otherwise in a batch.
        NoRecordError: The folder has no record of what it was made from.
    """
    from scaffold import upgrade
    from scaffold.render import recorded_sample
    from scaffold.verify import verify_project

    root = project.root
    record, ancestor = upgrade.read_record(root)
    before = project.recording
    given: list[Recording] = []

    def observe(service: Service) -> Recording:
        answers = _answers(service, before.requests, like=before.answers)
        given.append(Recording(requests=before.requests, answers=answers))
        return given[-1]

    on_stage("verify", None)
    verification = verify_project(
        root, python=project.python, on_check=told_of_checks(on_stage), observe=observe, access=access
    )
    found = upgrade.compare_answers(before.answers, given[-1].answers)
    on_stage("note", _accepted_note(found))
    measured = record.verification.measurements if record.verification else None  # its manifests hold these
    proof = replace(verification, openapi="", measurements=measured)
    upgrade.accept_answers(root, replace(record, verification=proof), ancestor, recorded_sample(given[-1]))
    return verification


def _accepted_note(found: Replay) -> str:
    if not found.differing:
        return f"all {found.compared} answers are those that were recorded"
    change = f"{found.old} -> {found.new}"
    return (
        f"{found.differing} of {found.compared} answers are others than those recorded before,"
        f" most at {found.where}: {change}; {RECORDED} holds them from now on"
    )


def _scoring_note(files: tuple[str, ...], replay: Replay) -> str:
    """How the owner's scoring code answers, beside the model alone."""
    *most, last = files
    yours = f"{', '.join(most)} and {last}" if most else last
    if not replay.differing:
        return f"with your {yours} it answers as the model does"
    change = f"{replay.old} -> {replay.new}"
    return (
        f"with your {yours} it answers {replay.differing} of {replay.compared} requests otherwise than"
        f" the model, most at {replay.where}: {change}; these answers are recorded from now on"
    )


def _answers(
    service: Service, requests: Sequence[JSONValue], *, like: Sequence[JSONValue]
) -> tuple[JSONValue, ...]:
    """The service's answer to each request: None where it refuses it, `like` where it is equal to that."""
    from scaffold.verify import first_difference

    answers = []
    for request, known in zip(requests, like, strict=True):
        answer = service.post("/score", request)
        same = answer.status == 200 and first_difference(answer.body, known) is None
        answers.append(known if same else answer.body if answer.status == 200 else None)
    return tuple(answers)
