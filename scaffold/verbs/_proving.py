"""The proof of a project with its owner's edits, which may change its answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.base.layout import OPENAPI, RECORDED
from scaffold.base.package import find_package
from scaffold.base.recording import read_recording
from scaffold.base.replay import collect_answers
from scaffold.errors import UpgradeError
from scaffold.events import Noted, OnEvent, Started
from scaffold.spec import Check, Outcome, ProjectRecord, Recording, Verification
from scaffold.verbs._stages import check_reporter
from scaffold.verbs.project import Project, require_lock

if TYPE_CHECKING:
    from scaffold.proof import ProofAccess
    from scaffold.upgrade import AnswerComparison, Content, UpdatePlan

MOST_REPLAYED_REQUESTS = 100
"""The most requests of the old model that are sent to the new one, to compare the answers."""


def prove_plan(
    plan: UpdatePlan, record: ProjectRecord, folder: Path, access: ProofAccess, on_event: OnEvent
) -> tuple[UpdatePlan, tuple[str, ...]]:
    """Prove a copy of the merged project, and add the results to the plan.

    Args:
        plan: The update.
        record: The record of the project.
        folder: An empty folder for the merged project.
        access: What the service may read and reach.
        on_event: Called with each event.
    """
    from scaffold.proof import start_proof
    from scaffold.render import filled_manifests, recorded_sample
    from scaffold.upgrade import compare_answers, write_merged

    require_lock(plan.root)
    old, new = plan.with_own_names(record.spec.recording), plan.record.spec.recording
    notes: list[str] = []
    derived: dict[str, bytes] = {}
    recorded: bytes | None = None
    write_merged(plan, folder)
    recording = read_recording(folder)
    on_event(Started("verify"))
    python = plan.record.spec.dependencies.python
    show = check_reporter(on_event)
    with start_proof(folder, python=python, on_check=show, access=access) as proof:
        if plan.has_own_requests:
            answers = collect_answers(proof.service, recording.requests, like=recording.answers)
            notes.append(_own_note(compare_answers(recording.answers, answers)))
            recording = Recording(requests=recording.requests, answers=answers)
            recorded = recorded_sample(recording)
        elif plan.report.model_changed and old.requests:
            requests = old.requests[:MOST_REPLAYED_REQUESTS]
            before = old.answers[: len(requests)]
            after = collect_answers(proof.service, requests, like=before)
            notes.append(str(compare_answers(before, after)))
        if plan.edited_scoring and not plan.has_own_requests:
            answers = collect_answers(proof.service, new.requests, like=new.answers)
            # The recorded answers of the same model are those of its last proof, with the owner's code.
            is_recorded = not plan.report.model_changed and new.answers == old.answers
            compared = compare_answers(new.answers, answers)
            notes.append(_scoring_note(plan.edited_scoring, compared, is_recorded=is_recorded))
            recording = Recording(requests=new.requests, answers=answers)
            derived[RECORDED] = recorded_sample(recording)
        verification = proof.finish(recording)
    for note in notes:
        on_event(Noted(note))
    if verification.measurements:
        derived |= filled_manifests(plan.record.spec, verification.measurements)
    if verification.openapi:
        derived[OPENAPI] = verification.openapi.encode()
    return plan.finished(verification, derived, recorded), tuple(notes)


def skip_proof(plan: UpdatePlan) -> UpdatePlan:
    """Return the plan with a skipped proof in its record, and the former measurements."""
    skipped = Check(name="proof", outcome=Outcome.SKIPPED, detail="the last update was not proven")
    last = plan.record.verification
    measured = last.measurements if last else None
    return plan.finished(Verification(checks=(skipped,), measurements=measured), {})


def accept_answers(project: Project, *, access: ProofAccess, on_event: OnEvent) -> Verification:
    """Prove a project with its present answers, and record these.

    Raises:
        VerificationError: It refuses a recorded request, or answers otherwise in a batch.
        NoRecordError: The folder has no record of a project.
    """
    from scaffold.proof import start_proof
    from scaffold.render import recorded_sample
    from scaffold.upgrade import accept_answers as record_answers
    from scaffold.upgrade import compare_answers, read_record

    root, before = project.root, recording_of(project)
    record, ancestor = read_record(root)
    on_event(Started("verify"))
    show = check_reporter(on_event)
    with start_proof(root, python=project.python, on_check=show, access=access) as proof:
        answers = collect_answers(proof.service, before.requests, like=before.answers)
        recording = Recording(requests=before.requests, answers=answers)
        verification = proof.finish(recording)
    on_event(Noted(_accepted_note(compare_answers(before.answers, recording.answers))))
    measured = record.verification.measurements if record.verification else None  # as in the manifests
    accepted = replace(record, verification=replace(verification, openapi="", measurements=measured))
    record_answers(root, accepted, ancestor, recorded_sample(recording))
    return verification


def recording_of(project: Project) -> Recording:
    """Return the recorded sample of a project, with the names that the owner's fields have for callers.

    Raises:
        VerificationError: It is not there, or not what `new` wrote.
    """
    from scaffold.upgrade import follow_wire_names, read_record

    recording = project.recording
    try:
        _, ancestor = read_record(project.root)
    except UpgradeError:
        return recording
    package = find_package(project.root)
    modules = (project.root / package).rglob("*.py") if package else ()
    files = [path for path in modules if path.is_file() and not path.is_symlink()]
    code: dict[str, Content] = {
        path.relative_to(project.root).as_posix(): path.read_bytes() for path in files
    }
    return follow_wire_names(recording, ancestor, code)


def _own_note(comparison: AnswerComparison) -> str:
    """Return a note that compares the service's answers to the owner's requests with the recorded ones."""
    if not comparison.differing:
        return f"your {comparison.compared} requests in {RECORDED} are answered as before"
    return (
        f"{comparison.differing} of your {comparison.compared} requests in {RECORDED} get other answers than"
        f" before, {comparison.largest_change}; these answers are recorded from now on"
    )


def _accepted_note(comparison: AnswerComparison) -> str:
    if not comparison.differing:
        return f"all {comparison.compared} answers are those that were recorded"
    return (
        f"{comparison.differing} of {comparison.compared} answers are others than those recorded before,"
        f" {comparison.largest_change}; {RECORDED} holds them from now on"
    )


def _scoring_note(files: tuple[str, ...], comparison: AnswerComparison, *, is_recorded: bool) -> str:
    """Return a note that compares the answers of the owner's scoring code with the expected answers.

    Args:
        files: The files of the owner's scoring code.
        comparison: The comparison.
        is_recorded: Whether the expected answers are those recorded before, not those of the model itself.
    """
    *most, last = files
    yours = f"{', '.join(most)} and {last}" if most else last
    if not comparison.differing:
        return f"with your {yours} it answers as {'before' if is_recorded else 'the model does'}"
    return (
        f"with your {yours} it answers {comparison.differing} of {comparison.compared} requests otherwise"
        f" than {'before' if is_recorded else 'the model'}, {comparison.largest_change};"
        " these answers are recorded from now on"
    )
