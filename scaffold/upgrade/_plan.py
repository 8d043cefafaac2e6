"""Plan an update: render the new state, compare the contracts, merge it into the owner's files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from scaffold.base.layout import (
    CHANGELOG,
    CONVERT,
    FAST_DATA,
    FAST_REQUIREMENTS,
    LOCK,
    MAIN,
    OPENAPI,
    PYPROJECT,
    RECORDED,
    REQUIREMENTS,
    SCHEMAS,
    SCORE,
)
from scaffold.spec import JSONValue, ProjectRecord, ProjectSpec, Recording, Verification
from scaffold.upgrade._added import added_files, refuse_markers
from scaffold.upgrade._answers import compare_recordings
from scaffold.upgrade._changelog import changelog_entry
from scaffold.upgrade._conflicts import Prefer
from scaffold.upgrade._content import Content, content_sha256, read_folder, read_tree
from scaffold.upgrade._contract import contract_of_signature
from scaffold.upgrade._model_file import changes_of_model
from scaffold.upgrade._outcome import FileMerge, FileOutcome, MergedTree
from scaffold.upgrade._own import OwnRequirements, own_requirements
from scaffold.upgrade._pyproject import unwritten_requirements
from scaffold.upgrade._recorded import follow_wire_names, has_own_requests, replace_recorded
from scaffold.upgrade._report import (
    Report,
    compare_contracts,
    compare_labels,
    compare_requirements,
    next_version,
)
from scaffold.upgrade._tool import resolve_with_tool
from scaffold.upgrade._trees import merge_trees

SCORING = (SCORE, CONVERT, SCHEMAS, MAIN)
"""The files in which an owner can change the answers."""

Render = Callable[[ProjectSpec, Path], object]
"""Writes the pristine project of a spec into an empty folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdatePlan:
    """An update that was planned and not written."""

    root: Path
    record: ProjectRecord
    """The record of the new state."""
    report: Report
    merged: MergedTree
    ancestor: Mapping[str, Content]
    pristine: Mapping[str, Content]
    """The new state without the owner's edits."""
    owner: Mapping[str, Content]
    """What the owner's project held when this was planned."""
    added: Mapping[str, Content]
    prefer: Prefer
    answers: Mapping[str, JSONValue] = field(default_factory=dict)
    """The answers of the last state."""
    resolved: Mapping[str, bytes] = field(default_factory=dict)
    """Files that a merge tool or a new lock resolved."""

    @property
    def changes(self) -> dict[str, Content | None]:
        """What the owner's project gets, by path; None for a file that goes."""
        return {
            path: file.content
            for path, file in self.merged.files.items()
            if file.content != self.owner.get(path, self.added.get(path))
        }

    @property
    def is_empty(self) -> bool:
        """Whether the project is up to date."""
        is_same = self.pristine == self.ancestor and not self.resolved
        return is_same and self.changes.keys().isdisjoint(FAST_DATA)

    @property
    def edited_scoring(self) -> tuple[str, ...]:
        """The files in which the owner changed what is answered."""
        ours = {FileOutcome.KEPT, FileOutcome.MERGED, FileOutcome.CONFLICT, FileOutcome.KEPT_DELETED}
        files = self.merged.files
        return tuple(path for path in SCORING if path in files and files[path].outcome in ours)

    @property
    def has_own_requests(self) -> bool:
        """Whether the owner recorded requests of their own."""
        return has_own_requests(self.ancestor, {**self.added, **self.owner})

    def with_own_names(self, recording: Recording) -> Recording:
        """The recording with the names that the owner's fields have for callers."""
        return follow_wire_names(recording, self.ancestor, {**self.added, **self.owner})

    def finished(
        self,
        verification: Verification | None,
        derived: Mapping[str, bytes],
        recorded: bytes | None = None,
    ) -> UpdatePlan:
        """Return the plan with the results of the proof.

        Args:
            verification: The proof.
            derived: Files of the new state, by path.
            recorded: The owner's requests with the new answers.
        """
        pristine = {**self.pristine, **derived}
        owner = {**self.owner, **read_tree(self.root, derived)}
        theirs, ours = replace_recorded(self.ancestor, pristine, owner, self.added)
        merged = merge_trees(
            self.ancestor,
            theirs,
            ours,
            prefer=self.prefer,
            incoming=self.record.spec.version,
            added_files=self.added,
        )
        files = {path: content_sha256(content) for path, content in pristine.items()}
        record = replace(self.record, verification=verification, files=files)
        plan = replace(self, pristine=pristine, owner=owner, merged=merged, record=record)
        return plan._with(self.resolved if recorded is None else {**self.resolved, RECORDED: recorded})

    def with_tool(self, tool: str) -> UpdatePlan:
        """Return the plan without the conflicts that the merge tool `tool` resolves.

        Raises:
            CommandError: The tool ended with an error.
        """
        return self._with(resolve_with_tool(tool, self.merged))

    @property
    def own_requirements(self) -> OwnRequirements | None:
        """Return the owner's requirements if the lock of this plan does not satisfy them yet."""
        files = [self.merged.files.get(path) for path in (REQUIREMENTS, FAST_REQUIREMENTS)]
        texts = [self.pristine.get(REQUIREMENTS), *(file and file.content for file in files)]
        texts += [tree.get(LOCK) for tree in (self.ancestor, self.owner, self.pristine)]
        new, merged, model, *locks = (text.decode() if isinstance(text, bytes) else "" for text in texts)
        if not merged or not locks[1] or REQUIREMENTS in self.merged.conflicts:
            return None
        requirements = own_requirements(new, merged, (locks[0], locks[1], locks[2]), model)
        is_locked = locks[0] == locks[2] and requirements.is_met_by(locks[1])
        return requirements if requirements.own and not is_locked else None

    @property
    def unwritten(self) -> str:
        """Return a note on new requirements that no file of a project without `requirements.in` has."""
        new, old = self.pristine.get(REQUIREMENTS), self.ancestor.get(REQUIREMENTS)
        if REQUIREMENTS in self.owner or new == old:
            return ""
        pyproject = self.owner.get(PYPROJECT)
        text = pyproject.decode() if isinstance(pyproject, bytes) else ""
        return unwritten_requirements(self.root, text, map(str, self.record.spec.dependencies.requirements))

    def locked(self, requirements: OwnRequirements, locks: tuple[str, str]) -> UpdatePlan:
        """Return the plan with locks for the owner's requirements too. See `OwnRequirements.locks`."""
        owner_lock = self.owner[LOCK]
        reported = {change.what for change in self.report.requirements}
        changes = requirements.changes(owner_lock.decode() if isinstance(owner_lock, bytes) else "", locks[0])
        report = replace(
            self.report,
            requirements=(
                *self.report.requirements,
                *(each for each in changes if each.what not in reported),
            ),
        )
        return replace(self, report=report)._with(requirements.locks(*locks))

    def _with(self, resolved: Mapping[str, bytes]) -> UpdatePlan:
        resolved = {**self.resolved, **resolved}
        files = {path: FileMerge(FileOutcome.MERGED, content) for path, content in resolved.items()}
        return replace(
            self, resolved=resolved, merged=replace(self.merged, files={**self.merged.files, **files})
        )


def plan_update(
    root: Path,
    record: ProjectRecord,
    ancestor: Mapping[str, Content],
    spec: ProjectSpec,
    render: Render,
    workspace: Path,
    *,
    options: Mapping[str, JSONValue] | None = None,
    template: str | None = None,
    prefer: Prefer = Prefer.NEITHER,
) -> UpdatePlan:
    """Plan an update of the project `root` to `spec`, without writing it.

    Args:
        root: The project.
        record: Its record.
        ancestor: The pristine project of last time, as `read_record` gives it.
        spec: The new state; its version is computed here.
        render: Writes the pristine project of a spec.
        workspace: An empty folder that stays until the plan was carried out.
        options: The options for the new model; the recorded ones when absent.
        template: A service template of someone else's.
        prefer: Which side wins where both changed the same lines.

    Raises:
        MergeConflictError: A file still holds the markers of an earlier conflict.
    """
    report = _compare(record, spec)
    if not report.model_changed:
        spec = replace(spec, artifact=replace(record.spec.artifact, path=spec.artifact.path))
    owner = read_tree(root, ancestor)
    added = added_files(root, owner, ancestor, record.spec.artifact.size_bytes)
    owner_files = {**added, **owner}
    spec = replace(spec, recording=follow_wire_names(spec.recording, ancestor, owner_files))
    if report.model_changed:
        old = follow_wire_names(record.spec.recording, ancestor, owner_files)
        report = replace(report, answers=compare_recordings(old, spec.recording))
    spec = _with_accepted(replace(spec, version=report.new_version), record, report, root, ancestor)
    pristine = _pristine(spec, ancestor, report, render, workspace)
    owner = read_tree(root, {*ancestor, *pristine})
    added = {path: content for path, content in added.items() if path not in owner}
    refuse_markers(root, ancestor, {**owner, **added})
    theirs, ours = replace_recorded(ancestor, pristine, owner, added)
    merged = merge_trees(
        ancestor, theirs, ours, prefer=prefer, incoming=report.new_version, added_files=added
    )
    new = ProjectRecord(
        spec=spec,
        files={path: content_sha256(content) for path, content in pristine.items()},
        template=record.template if template is None else template,
        options=record.options if options is None else options,
        verification=record.verification,
    )
    return UpdatePlan(
        root=root,
        record=new,
        report=report,
        merged=merged,
        ancestor=ancestor,
        pristine=pristine,
        owner=owner,
        added=added,
        prefer=prefer,
        answers=record.spec.answers,
    )


def _compare(record: ProjectRecord, new: ProjectSpec) -> Report:
    """Return the changes of the new state, and the version that results from them."""
    old = record.spec
    report = Report(
        contract=(
            *compare_contracts(contract_of_signature(old.signature), contract_of_signature(new.signature)),
            *compare_labels(old.signature.output, new.signature.output),
        ),
        requirements=compare_requirements(old.dependencies.requirements, new.dependencies.requirements),
        model=changes_of_model(record, new),
        old_version=old.version,
    )
    return replace(report, new_version=next_version(old.version, report))


def _with_accepted(
    spec: ProjectSpec,
    record: ProjectRecord,
    report: Report,
    root: Path,
    ancestor: Mapping[str, Content],
) -> ProjectSpec:
    """Return the spec with the answers of the last proof, if the owner edited the scoring code."""
    old = record.spec.signature.without_evidence()
    same = not report.model_changed and spec.signature.without_evidence() == old
    requests = record.spec.recording.requests
    owner = read_tree(root, SCORING)
    edited = any(owner.get(path) != ancestor.get(path) for path in SCORING)
    if same and edited and requests == spec.recording.requests:
        return replace(spec, recording=record.spec.recording)
    return spec


def _pristine(
    spec: ProjectSpec, ancestor: Mapping[str, Content], report: Report, render: Render, workspace: Path
) -> dict[str, Content]:
    """The new state as it is rendered, with the changelog going on from the last one."""
    render(spec, workspace)
    pristine = read_folder(workspace)
    if OPENAPI in ancestor:
        pristine.setdefault(OPENAPI, ancestor[OPENAPI])
    log = ancestor.get(CHANGELOG)
    if isinstance(log, bytes) and CHANGELOG in pristine:
        entry = changelog_entry(report) if report.new_version != report.old_version else ""
        head, mark, rest = log.decode().partition("\n## ")
        pristine[CHANGELOG] = f"{head}\n{entry}{mark.lstrip()}{rest}".encode() if entry else log
    return pristine
