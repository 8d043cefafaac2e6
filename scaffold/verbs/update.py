"""`update`: bring a project up to date, and keep its owner's edits."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold.base.layout import RECORD
from scaffold.base.temporary import TemporaryFolder
from scaffold.errors import (
    BreakingChangeError,
    DirtyTreeError,
    MissingSampleError,
    UnknownOptionsError,
    UnusedSampleError,
)
from scaffold.events import Noted, OnEvent, ignore
from scaffold.find import FoundModel, brings_sample
from scaffold.spec import JSONValue, ProjectRecord
from scaffold.verbs._accelerate import plan_compiled, prove_compiled, without_proof
from scaffold.verbs._change import Change, resolve_conflicts
from scaffold.verbs._follow import has_source, is_current, newer_model, nothing_new
from scaffold.verbs._model_hash import has_compiled_files
from scaffold.verbs._proving import skip_proof
from scaffold.verbs._specify import validate_answers
from scaffold.verbs._states import last_state, new_state
from scaffold.verbs.options import ModelOptions, Options
from scaffold.verbs.project import Project
from scaffold.verbs.update_result import Update, describe_update

if TYPE_CHECKING:
    from typing import Unpack

    from scaffold.upgrade import Prefer, UpdatePlan


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
        on_report: Called with the changes before anything is written. They are not proven yet, unless the
            model is compiled: the plain form may take their place.
        options: Fields of `Options` that change; the others keep their recorded values.

    Raises:
        BreakingChangeError: Callers would have to change, and `allow_breaking` was not given.
        MergeConflictError: Both sides changed the same thing. The merged files are written, with markers.
        UnusedSampleError: `input` or `output` is passed without a model, and no source is asked for one.
        ScaffoldError: Any other failure; nothing is written.
    """
    root = Path(project)
    _require_sample(root, model, input)
    Project.open(root)  # finishes an interrupted update, or takes it back
    record, ancestor = last_state(root, on_event)
    follow = follow and not (answers or template or options)
    if model is None:
        model = _follow_source(root, record, (input, output), follow, on_event)
        if model is None and follow and is_current(record) and has_compiled_files(root, record):
            result = nothing_new(root, record)
            on_report(result)
            return result
    model_options = _options(root, record, options)
    all_answers = validate_answers(answers, record.spec.answers, training=options.get("baseline"))
    state = new_state(root, record, (model, input, output), all_answers, model_options, on_event)
    with state as spec, TemporaryFolder("update") as folder:
        recorded = record, ancestor
        change = Change(root, recorded, Path(folder), model_options, template, prefer, tool, on_event)
        form = spec if verify else without_proof(spec, on_event)
        form, plan = plan_compiled(form, change.plan, on_event)
        report = functools.partial(_report, on_event, on_report)
        if plan.is_empty and not dry_run:
            change.restore_pristine()
        if dry_run or plan.is_empty:
            return report(plan)
        _check_permissions(plan, report, dirty=dirty, allow_breaking=allow_breaking)
        if not verify:
            report(plan)
            return _apply(skip_proof(resolve_conflicts(plan, tool)), (), verify=False)
        prove = functools.partial(change.prove, headers)
        return _apply(*prove_compiled(form, plan, change.plan, prove, report, on_event), verify=True)


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


def _report(on_event: OnEvent, on_report: Callable[[Update], None], plan: UpdatePlan) -> Update:
    """Show the notes and the changes of a plan before anything is written."""
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


def _check_permissions(
    plan: UpdatePlan, report: Callable[[UpdatePlan], object], *, dirty: bool, allow_breaking: bool
) -> None:
    """Report a plan and stop, unless an option allows its uncommitted or breaking changes.

    Raises:
        DirtyTreeError: Git has uncommitted changes, and `dirty` is false.
        BreakingChangeError: Callers would have to change, and `allow_breaking` is false.
    """
    from scaffold.upgrade import uncommitted

    changed = uncommitted(plan.root)
    if changed and not dirty:
        report(plan)
        raise DirtyTreeError(str(plan.root), changed)
    if plan.report.breaking and not allow_breaking:
        report(plan)
        raise BreakingChangeError(str(plan.root), tuple(map(str, plan.report.breaking)))


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
