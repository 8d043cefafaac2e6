"""The part of the pipeline that begins a project, brings it up to date, and takes that back."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold import __version__
from scaffold._files import sha256_file
from scaffold._options import Options
from scaffold._specify import OnStage, specified, told_of_checks
from scaffold.errors import (
    BreakingChangeError,
    DirtyTreeError,
    MergeConflictError,
    UpgradeError,
    UsageError,
)
from scaffold.spec import Check, JSONValue, Outcome, ProjectRecord, ProjectSpec, Recording, Verification

if TYPE_CHECKING:
    from scaffold.upgrade import Content, Prefer, Replay, Report, UpdatePlan
    from scaffold.verify import Service

RECORDED = "tests/recorded.json"
MOST_REPLAYED_REQUESTS = 100
"""Requests of the old model that the new one is asked, to see how far its answers are from the old ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """An update: what it changes, and whether it was carried out."""

    root: Path
    report: Report
    files: Mapping[str, str]
    """What becomes of each file that does not stay as it is, in a word."""
    conflicts: Mapping[str, str]
    """Where the owner's changes and the new state meet, by path."""
    applied: bool
    notes: tuple[str, ...] = ()
    verification: Verification | None = None

    @property
    def is_empty(self) -> bool:
        """Whether the project is up to date already."""
        return not self.files and not self.report.changes

    def as_json(self) -> dict[str, JSONValue]:
        """The update for a program to read."""
        return {
            "root": str(self.root),
            **self.report.as_json(),
            "files": dict(self.files),
            "conflicts": dict(self.conflicts),
            "notes": list(self.notes),
            "applied": self.applied,
        }


def _silent(_stage: str, _found: str | None) -> None:
    """Show nothing."""


def _unseen(_update: Update) -> None:
    """Show nothing."""


def init(
    target: str | Path,
    answers: Mapping[str, object] | None = None,
    *,
    answers_file: Path | None = None,
    template: str | None = None,
    ask: bool = False,
) -> list[str]:
    """Write a training project to `target` and return its files.

    Args:
        target: A folder that is absent or empty.
        answers: Answers by question, e.g. `{"variant": "text"}`; they win over those of the file.
        answers_file: YAML or JSON with further answers.
        template: A path or URL of another template that copier takes.
        ask: Whether open questions are asked on the terminal.
    """
    from scaffold.render._bootstrap import read_answers, render_bootstrap

    from_file = read_answers(answers_file) if answers_file else {}
    return render_bootstrap(Path(target), {**from_file, **(answers or {})}, template=template, ask=ask)


def update(
    project: str | Path,
    model: Any = None,
    input: Any = None,
    output: Any = None,
    *,
    answers: Mapping[str, JSONValue] | None = None,
    template: str | None = None,
    prefer: Prefer | None = None,
    tool: str | None = None,
    dry_run: bool = False,
    allow_breaking: bool = False,
    dirty: bool = False,
    verify: bool = True,
    on_stage: OnStage = _silent,
    on_report: Callable[[Update], None] = _unseen,
    **options: Any,
) -> Update:
    """Bring a project up to a new model, newer templates or other answers, and keep its owner's edits.

    Args:
        project: The project's folder.
        model: The new model, or the path (or URL) of its file; the project's own where only the rest changes.
        input: A sample of the new model's input; asked for with `model`.
        output: What the new model gives for it; without it the model is asked.
        answers: Answers that change; the others stay.
        template: Another service template, a path or URL that copier takes.
        prefer: Which side wins where both changed the same lines; conflict markers when absent.
        tool: A merge tool for the conflicts: `meld {ours} {merged} {theirs}`; `{merged}` is what it writes.
        dry_run: Only say what would change.
        allow_breaking: Go ahead although callers of the service would have to change.
        dirty: Go ahead although git has changes that are not committed.
        verify: Whether to prove the merged project before anything is written.
        on_stage: Told of each stage.
        on_report: Told what changes, before anything is proven or written.
        options: Fields of `Options`; what was said the last time holds for the others.

    Raises:
        BreakingChangeError: Callers would have to change, and `allow_breaking` was not given.
        MergeConflictError: Both sides changed the same thing. The merged files are written, with markers.
        ScaffoldError: Another leaf of it. Nothing is written then.
    """
    from scaffold.upgrade import (
        Prefer,
        apply_update,
        finish_interrupted,
        plan_update,
        read_record,
        uncommitted,
    )

    root = Path(project)
    if model is not None and input is None:
        raise UsageError(
            "A new model comes with a sample of its input:\n"
            f"  scaffold update {root} --model model.pkl --input sample.pkl"
        )
    finish_interrupted(root)
    record, ancestor = read_record(root, rebuild=_rebuilt)
    said = Options(**{**record.options, **options})
    state = _new_state(root, record, (model, input, output), answers or {}, said, on_stage)
    with state as spec, tempfile.TemporaryDirectory(prefix="scaffold-") as folder:
        plan = plan_update(
            root,
            record,
            ancestor,
            spec,
            _renderer(record, template),
            _made(Path(folder) / "pristine"),
            options=said.as_json(),
            template=template,
            prefer=prefer or Prefer.NEITHER,
        )
        found = _described(plan)
        on_report(found)
        if dry_run or plan.is_empty:
            return found
        changed = uncommitted(root)
        if changed and not dirty:
            raise DirtyTreeError(str(root), changed)
        if plan.report.breaking and not allow_breaking:
            raise BreakingChangeError(str(root), tuple(map(str, plan.report.breaking)))
        if tool and plan.merged.conflicts:
            plan = plan.settled_with(tool)
        if plan.merged.conflicts:
            apply_update(_unproven(plan))
            raise MergeConflictError(str(root), tuple(plan.merged.conflicts.items()))
        if verify:
            plan, notes = _proven(plan, record, Path(folder) / "merged", on_stage)
            found = replace(_described(plan), notes=notes, verification=plan.record.verification)
        else:
            plan = _unproven(plan)
        apply_update(plan)
        return replace(found, applied=True)


def undo(project: str | Path) -> list[str]:
    """Take back the last update of a project and return the files that are as before again.

    Raises:
        UndoError: There was none, or a file of it was changed since.
    """
    from scaffold.upgrade import undo_change

    return undo_change(Path(project))


@contextlib.contextmanager
def _new_state(
    root: Path,
    record: ProjectRecord,
    given: tuple[Any, Any, Any],
    answers: Mapping[str, JSONValue],
    options: Options,
    on_stage: OnStage,
) -> Iterator[ProjectSpec]:
    """Give the spec of the new state: of the new model, or of the old one with what else changes."""
    merged = {**record.spec.answers, **answers}
    model, sample_input, sample_output = given
    if model is not None:
        name = record.spec.name
        with specified(model, sample_input, sample_output, name, merged, options, on_stage) as spec:
            yield spec
        return
    artifact = record.spec.artifact
    if not (artifact.path.is_file() and sha256_file(artifact.path) == artifact.sha256):
        raise UpgradeError(
            f"{root} does not hold the model that it was made from (sha256 {artifact.sha256[:12]}).\n"
            "Give the one that it is to serve:\n"
            f"  scaffold update {root} --model model.pkl --input sample.pkl"
        )
    yield replace(record.spec, answers=merged, generator=__version__)


def _renderer(record: ProjectRecord, template: str | None) -> Callable[[ProjectSpec, Path], None]:
    """What writes a pristine project, with what was measured the last time in its manifests."""
    from scaffold.render import filled_manifests, render_project

    def render(spec: ProjectSpec, folder: Path) -> None:
        render_project(spec, folder, template=template or record.template or None)
        if record.verification and record.verification.measurements:
            for path, content in filled_manifests(spec, record.verification.measurements).items():
                (folder / path).write_bytes(content)

    return render


def _rebuilt(record: ProjectRecord) -> dict[str, Content]:
    """The pristine project of a record, rendered anew; nothing where another version wrote it."""
    from scaffold.upgrade import read_folder

    if record.spec.generator != __version__ or not record.spec.artifact.path.is_file():
        return {}
    with tempfile.TemporaryDirectory(prefix="scaffold-") as folder:
        _renderer(record, None)(record.spec, _made(Path(folder) / "pristine"))
        return read_folder(Path(folder) / "pristine")


def _proven(
    plan: UpdatePlan, record: ProjectRecord, folder: Path, on_stage: OnStage
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
            notes.append(str(compare_answers(old.answers[: len(asked)], _answers(service, asked))))
        if not plan.edited_scoring:
            return None
        answers = _answers(service, new.requests)
        notes.append(_scoring_note(plan.edited_scoring, compare_answers(new.answers, answers)))
        accepted = Recording(requests=new.requests, answers=answers)
        derived[RECORDED] = recorded_sample(accepted)
        return accepted

    write_merged(plan, folder)
    on_stage("verify", None)
    python = plan.record.spec.dependencies.python
    verification = verify_project(folder, python=python, on_check=told_of_checks(on_stage), observe=observe)
    for note in notes:
        on_stage("note", note)
    if verification.measurements:
        derived |= filled_manifests(plan.record.spec, verification.measurements)
    if verification.openapi:
        derived["openapi.json"] = verification.openapi.encode()
    return plan.finished(verification, derived), tuple(notes)


def _scoring_note(files: tuple[str, ...], replay: Replay) -> str:
    """How the owner's scoring code answers, beside the model alone."""
    yours = " and ".join(files)
    if not replay.differing:
        return f"{yours}, as you changed it, answers as the model does"
    change = f"{replay.old} -> {replay.new}"
    return (
        f"{yours}, as you changed it, answers {replay.differing} of {replay.compared} requests otherwise than"
        f" the model, most at {replay.where}: {change}; these answers are recorded from now on"
    )


def _unproven(plan: UpdatePlan) -> UpdatePlan:
    """The plan with a record that says so, and keeps what was measured the last time."""
    skipped = Check(name="proof", outcome=Outcome.SKIPPED, detail="the last update was not proven")
    last = plan.record.verification
    measured = last.measurements if last else None
    return plan.finished(Verification(checks=(skipped,), measurements=measured), {})


def _answers(service: Service, requests: tuple[JSONValue, ...]) -> tuple[JSONValue, ...]:
    """The service's answer to each request; None where it refuses it."""
    answers = (service.post("/score", request) for request in requests)
    return tuple(answer.body if answer.status == 200 else None for answer in answers)


def _described(plan: UpdatePlan) -> Update:
    from scaffold.upgrade import FileOutcome

    quiet = {FileOutcome.UNCHANGED, FileOutcome.KEPT, FileOutcome.KEPT_DELETED}
    return Update(
        root=plan.root,
        report=plan.report,
        files={}
        if plan.is_empty
        else {
            path: file.outcome.value for path, file in plan.merged.files.items() if file.outcome not in quiet
        },
        conflicts=plan.merged.conflicts,
        applied=False,
    )


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
