"""The compiled scoring path of a model, for `--accelerate`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from scaffold.base.codec import CodecError, decode, encode
from scaffold.base.layout import FAST_CODE
from scaffold.errors import CompiledModelDiffersError, VerificationError, WorkerMessageError
from scaffold.errors.wording import in_one_line
from scaffold.events import Noted, OnEvent
from scaffold.spec import (
    Accelerate,
    Artifact,
    FastPlan,
    JSONValue,
    NoFastPlan,
    ProjectRecord,
    ProjectSpec,
    Signature,
)
from scaffold.verbs._inputs import InputFile, ModelInputs
from scaffold.verbs._slim import is_slim, report_plain
from scaffold.verbs.options import Options
from scaffold.verbs.workers import model_environment, worker_settings
from scaffold.worker import Worker, WorkerSettings, printable

if TYPE_CHECKING:
    from scaffold.upgrade import UpdatePlan

    Proven = tuple[UpdatePlan, tuple[str, ...]]

_PROGRAM = "scaffold.verbs._read_fast"
_LIBRARIES = {"_codecs", "builtins", "collections", "copyreg", "functools", "joblib", "numpy", "pandas"}
_LIBRARIES |= {"scipy", "sklearn"}
"""The modules that a model of compiled steps may name."""


def read_plan(
    artifact: Artifact,
    signature: Signature,
    options: Options,
    settings: WorkerSettings,
    answers: Mapping[str, JSONValue],
    on_event: OnEvent,
    *,
    ours: bool = False,
) -> FastPlan | None:
    """Return the plan of a model; None, with a note, if it has none or is not to be accelerated.

    Args:
        artifact: The model.
        signature: How it is called.
        options: The options for the model.
        settings: Where processes that load the model run.
        answers: The answers of the project.
        on_event: Called with the note.
        ours: Whether this process wrote the file from an object in memory.

    Raises:
        SlimImageError: It has none, and the project is to be slim.
    """
    if Accelerate(options.accelerate) is Accelerate.OFF:
        return None
    foreign = [name for name in artifact.globals if name.module.partition(".")[0] not in _LIBRARIES]
    if foreign:
        plan: FastPlan | NoFastPlan = NoFastPlan(reason=f"{foreign[0].dotted} has no compiled form")
    else:
        plan = _ask_worker(artifact, signature, options, settings, ours=ours)
    if isinstance(plan, FastPlan):
        return plan
    report_plain(printable(plan.reason), answers, on_event)
    return None


def read_plan_of_project(
    record: ProjectRecord, options: Options, answers: Mapping[str, JSONValue], on_event: OnEvent
) -> FastPlan | None:
    """Return the plan of the model that a project has; None, with a note, as `read_plan`."""
    if Accelerate(options.accelerate) is Accelerate.OFF:
        return None
    artifact = record.spec.artifact
    file = InputFile(path=artifact.path, provenance="", ours=False)
    inputs = ModelInputs(model=file, input=file, output=None, local=())
    settings = worker_settings(inputs, options, model_environment(inputs, options))
    return read_plan(artifact, record.spec.signature, options, settings, answers, on_event)


def plan_compiled(
    spec: ProjectSpec, plan_of: Callable[[ProjectSpec], UpdatePlan], on_event: OnEvent
) -> tuple[ProjectSpec, UpdatePlan]:
    """Return the plan of an update with the compiled model, or without where only that conflicts with edits.

    Args:
        spec: The new state.
        plan_of: Plans the update to a state.
        on_event: Called with a note on what is left out.
    """
    plan = plan_of(spec)
    if spec.fast is None or not plan.merged.conflicts:
        if spec.fast and plan.edited_scoring and FAST_CODE not in plan.ancestor:
            edited = ", ".join(plan.edited_scoring)
            on_event(Noted(f"your steps in {edited} get arrays in place of a frame now: docs/accelerate.md"))
        return spec, plan
    plain = replace(spec, fast=None)
    plain_plan = plan_of(plain)
    if set(plan.merged.conflicts) <= set(plain_plan.merged.conflicts):
        return spec, plan
    conflicts = sorted(set(plan.merged.conflicts) - set(plain_plan.merged.conflicts))
    report_plain(f"your edit of {', '.join(conflicts)} conflicts with it", spec.answers, on_event)
    return plain, plain_plan


def prove_compiled(
    spec: ProjectSpec,
    plan: UpdatePlan,
    plan_of: Callable[[ProjectSpec], UpdatePlan],
    prove: Callable[[UpdatePlan], Proven],
    on_event: OnEvent,
) -> Proven:
    """Return what `prove` returns for the plan; where that fails, for the plan without the compiled model."""
    try:
        return prove(plan)
    except VerificationError as error:
        has_own_cause = is_slim(spec.answers) and not isinstance(error, CompiledModelDiffersError)
        if spec.fast is None or has_own_cause:
            raise
        plain = without_compiled_model(spec, error, on_event)
    return prove(plan_of(plain))


def without_compiled_model(spec: ProjectSpec, error: VerificationError, on_event: OnEvent) -> ProjectSpec:
    """Return the spec of a service that calls the model, and report why."""
    report_plain(_reason(error), spec.answers, on_event)
    return replace(spec, fast=None)


def without_proof(spec: ProjectSpec, on_event: OnEvent) -> ProjectSpec:
    """Return the spec of a service that calls the model: a compiled one is only written with its proof."""
    if spec.fast is None:
        return spec
    report_plain("a compiled model is only written with its proof", spec.answers, on_event)
    return replace(spec, fast=None)


def _reason(error: VerificationError) -> str:
    if isinstance(error, CompiledModelDiffersError):
        return error.reason
    return f"with a compiled model the proof fails ({in_one_line(error)})"


def _ask_worker(
    artifact: Artifact, signature: Signature, options: Options, settings: WorkerSettings, *, ours: bool
) -> FastPlan | NoFastPlan:
    """Return what a process that loads the model says.

    Raises:
        ReadError: The model cannot be loaded, or does not pass the gate.
        WorkerError: The process broke off.
    """
    model = artifact.path.absolute()
    readable = (*settings.confinement.readable, model.parent, model)
    settings = replace(
        settings,
        path=[os.path.abspath(entry) for entry in settings.path],  # noqa: PTH100 - entries of sys.path are text
        confinement=replace(settings.confinement, readable=readable),
    )
    job = {
        "model": str(model),
        "sha256": artifact.sha256,
        "trusted": list(options.trust),
        "ours": ours,
        "signature": encode(signature.without_evidence()),
    }
    with Worker(_PROGRAM, settings) as worker:
        worker.begin(job, settings)
        message = worker.receive()
    try:
        plan = message["plan"]
        if isinstance(plan, dict) and plan.get("type") == NoFastPlan.__name__:
            no_plan: NoFastPlan = decode("NoFastPlan", plan)
            return no_plan
        fast_plan: FastPlan = decode("FastPlan", plan)
    except (CodecError, KeyError, TypeError, ValueError) as error:
        raise WorkerMessageError(str(error)) from error
    return fast_plan
