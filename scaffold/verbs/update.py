"""`update`: bring a project up to date, and keep its owner's edits."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold.base.layout import RECORD
from scaffold.base.temporary import TemporaryFolder
from scaffold.errors import (
    BreakingChangeError,
    DirtyTreeError,
    MergeConflictError,
    MissingSampleError,
    UnknownOptionsError,
    UnusedSampleError,
    VerificationError,
)
from scaffold.events import Noted, OnEvent, ignore
from scaffold.find import FoundModel, brings_sample
from scaffold.spec import JSONValue, ProjectRecord, ProjectSpec
from scaffold.verbs._accelerate import plan_compiled, without_compiled_model, without_proof
from scaffold.verbs._follow import has_source, is_current, newer_model, nothing_new
from scaffold.verbs._proving import prove_plan, skip_proof
from scaffold.verbs._repository import locate_repository
from scaffold.verbs._specify import validate_answers
from scaffold.verbs._states import last_state, new_state, renderer
from scaffold.verbs.options import ModelOptions, Options
from scaffold.verbs.project import Project
from scaffold.verbs.update_result import Update, describe_update
from scaffold.verbs.workers import proof_access

if TYPE_CHECKING:
    from typing import Unpack

    from scaffold.proof import ProofAccess
    from scaffold.upgrade import Content, Prefer, UpdatePlan


def _ignore_update(_update: Update) -> None:
    """Show nothing."""


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
    follow: bool = True,
    allow_breaking: bool = False,
    dirty: bool = False,
    verify: bool = True,
    headers: Mapping[str, str] | None = None,
    on_event: OnEvent = ignore,
    on_report: Callable[[Update], None] = _ignore_update,
    **options: Unpack[ModelOptions],
) -> Update:
    """Bring a project up to a new model, newer templates or other answers, and keep its owner's edits.

    Args:
        project: The project's folder.
        model: The new model, or the path or URL of its file. By default, the newest model at the source of
            the project's model; the model stays if there is no newer one, or if `answers`, `template` or
            options are passed.
        input: A sample of the new model's input; by default the sample of the model's source.
        output: The expected predictions for `input`; None runs the model to get them.
        answers: Answers to the template's questions that change; the others keep their values.
        template: Another service template, a path or URL that copier takes.
        prefer: Which side wins where both changed the same lines; conflict markers when absent.
        tool: A merge tool for the conflicts: `meld {ours} {merged} {theirs}`; `{merged}` is the file that the
            tool writes.
        dry_run: Only say what would change.
        follow: Whether to ask the source of the project's model for a newer one.
        allow_breaking: Go ahead although callers of the service would have to change.
        dirty: Go ahead although git has changes that are not committed.
        verify: Whether to prove the merged project before anything is written.
        headers: Headers of the requests of the proof, such as a token; they are written nowhere.
        on_event: Called with each event.
        on_report: Called with the changes before anything is proven or written.
        options: Fields of `Options` that change; the others keep their recorded values.

    Raises:
        BreakingChangeError: Callers would have to change, and `allow_breaking` was not given.
        MergeConflictError: Both sides changed the same thing. The merged files are written, with markers.
        UnusedSampleError: `input` or `output` is passed without a model, and no source is asked for one.
        ScaffoldError: Any other failure; nothing is written.
    """
    from scaffold.upgrade import restore_pristine

    root = Path(project)
    _require_sample(root, model, input)
    Project.open(root)  # finishes an interrupted update, or takes it back
    record, ancestor = last_state(root, on_event)
    follow = follow and not (answers or template or options)
    if model is None:
        model = _follow_source(root, record, (input, output), follow, on_event)
        if model is None and follow and is_current(record):
            result = nothing_new(root)
            on_report(result)
            return result
    model_options = _options(root, record, options)
    all_answers = locate_repository(validate_answers(answers, record.spec.answers), root)
    state = new_state(root, record, (model, input, output), all_answers, model_options, on_event)
    with state as spec, TemporaryFolder("update") as folder:
        places = (Path(folder) / str(number) for number in itertools.count())

        def plan_of(spec: ProjectSpec) -> UpdatePlan:
            return _plan_update(root, (record, ancestor), spec, model_options, next(places), template, prefer)

        spec = spec if verify else without_proof(spec, on_event)
        spec, plan = plan_compiled(spec, plan_of, on_event)
        result = _report(plan, on_event, on_report)
        if plan.is_empty and not dry_run:
            restore_pristine(root, record, ancestor)
        if dry_run or plan.is_empty:
            return result
        _check_permissions(plan, dirty=dirty, allow_breaking=allow_breaking)
        plan = _resolve_conflicts(plan, tool)
        if not verify:
            return _apply(skip_proof(plan), (), verify=False)
        access = _access(spec, model_options, headers)
        try:
            plan, notes = prove_plan(plan, record, next(places), access, on_event)
        except VerificationError as error:
            if spec.fast is None:
                raise
            plan = plan_of(without_compiled_model(spec, error, on_event))
            plan = _resolve_conflicts(plan, tool)
            plan, notes = prove_plan(plan, record, next(places), access, on_event)
        return _apply(plan, notes, verify=True)


def _access(spec: ProjectSpec, options: Options, headers: Mapping[str, str] | None) -> ProofAccess:
    """Return what the service may access during the proof."""
    read, network = options.allow_read, options.allow_network
    return proof_access(spec.variables, read=read, network=network, headers=headers)


def _require_sample(root: Path, model: Any, input: Any) -> None:
    """Refuse a new model without a sample, unless its source may have one."""
    if input is not None or model is None:
        return
    model_name = model.provenance if isinstance(model, FoundModel) else model
    brings = model.declared.input if isinstance(model, FoundModel) else brings_sample(model)
    if not brings:
        raise MissingSampleError(str(root), model_name if isinstance(model_name, str) else "model.pkl")


def _follow_source(
    root: Path, record: ProjectRecord, sample: tuple[Any, Any], follow: bool, on_event: OnEvent
) -> FoundModel | None:
    """Return the newer model at the source of a project; None if there is none, or if `follow` is false.

    Raises:
        UnusedSampleError: A sample is passed, and no source is asked for a model.
        MissingSampleError: No sample is passed, and the source has none.
    """
    has_sample = any(part is not None for part in sample)
    if has_sample and not (follow and has_source(record)):
        raise UnusedSampleError(str(root), _model_of(record))
    model = newer_model(root, record, on_event) if follow else None
    if model is None and has_sample:
        on_event(Noted("the sample is not used: it is for a newer model"))
    _require_sample(root, model, sample[0])
    return model


def _model_of(record: ProjectRecord) -> str:
    """Return the model of the project as `--model` takes it: at its source, or its file."""
    origin = record.spec.origin
    return origin.uri if origin and origin.uri else str(record.spec.artifact.path)


def _report(plan: UpdatePlan, on_event: OnEvent, on_report: Callable[[Update], None]) -> Update:
    """Show the notes and the changes of a plan before anything is proven or written."""
    result = describe_update(plan)
    for note in result.notes:
        on_event(Noted(note))
    on_report(result)
    return result


def _options(root: Path, record: ProjectRecord, changed: ModelOptions) -> Options:
    """Return the recorded options, with those that are `changed`.

    Raises:
        UnknownOptionsError: The record has an option that does not exist.
    """
    recorded: dict[str, Any] = dict(record.options)
    try:
        Options(**recorded)
    except TypeError as error:
        raise UnknownOptionsError(str(root / RECORD), str(error)) from error
    return Options(**{**recorded, **changed})


def _plan_update(
    root: Path,
    recorded_state: tuple[ProjectRecord, Mapping[str, Content]],
    spec: ProjectSpec,
    model_options: Options,
    folder: Path,
    template: str | None,
    prefer: Prefer | None,
) -> UpdatePlan:
    """Plan the update, with a lock that holds what the owner added to `requirements.in`."""
    from scaffold.resolve import lock_again, requirement_of
    from scaffold.upgrade import Prefer, plan_update

    record, ancestor = recorded_state
    folder.mkdir()
    pristine = folder / "pristine"
    pristine.mkdir()
    plan = plan_update(
        root,
        record,
        ancestor,
        spec,
        renderer(record, template),
        pristine,
        options=model_options.as_json(),
        template=template,
        prefer=prefer or Prefer.NEITHER,
    )
    own_requirements = plan.own_requirements
    if not own_requirements:
        return plan
    needs = spec.dependencies
    lines = [requirement_of(line) for line in own_requirements.lines]
    lock = lock_again(
        lines, own_requirements.versions, python=needs.python, sources=needs.sources, gpu=model_options.gpu
    )
    return plan.locked(own_requirements, lock)


def _check_permissions(plan: UpdatePlan, *, dirty: bool, allow_breaking: bool) -> None:
    """Stop before anything is written, unless an option allows uncommitted or breaking changes.

    Raises:
        DirtyTreeError: Git has uncommitted changes, and `dirty` is false.
        BreakingChangeError: Callers would have to change, and `allow_breaking` is false.
    """
    from scaffold.upgrade import uncommitted

    changed = uncommitted(plan.root)
    if changed and not dirty:
        raise DirtyTreeError(str(plan.root), changed)
    if plan.report.breaking and not allow_breaking:
        raise BreakingChangeError(str(plan.root), tuple(map(str, plan.report.breaking)))


def _resolve_conflicts(plan: UpdatePlan, tool: str | None) -> UpdatePlan:
    """Return the plan without conflicts.

    Raises:
        MergeConflictError: Conflicts remain; the merged files were written.
    """
    from scaffold.upgrade import apply_update

    if tool and plan.merged.conflicts:
        plan = plan.with_tool(tool)
    if plan.merged.conflicts:
        apply_update(skip_proof(plan))
        new_paths = {path for path, content in plan.pristine.items() if isinstance(content, bytes)}
        unmarked = tuple(path for path in plan.merged.unmarked if path in new_paths)
        raise MergeConflictError(str(plan.root), tuple(plan.merged.conflicts.items()), unmarked)
    return plan


def _apply(plan: UpdatePlan, notes: tuple[str, ...], *, verify: bool) -> Update:
    from scaffold.upgrade import apply_update

    apply_update(plan)
    proof = plan.record.verification if verify else None
    result = describe_update(plan)
    return replace(result, notes=(*result.notes, *notes), verification=proof, applied=True)


def merge_record(project: str | Path) -> str:
    """Resolve the conflict markers that a git merge left in a project's record.

    Returns the version of the side that is kept.

    Raises:
        RecordError: The record has no conflict markers, or its pristine files match neither side.
    """
    from scaffold.upgrade import merge_record as merge

    return merge(Path(project))
