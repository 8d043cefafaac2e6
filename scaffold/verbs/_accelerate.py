"""What becomes of a compiled scoring path: with edits, with the proof, without one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from scaffold.errors import (
    CompiledModelDiffersError,
    ServiceNotStartedError,
    VerificationError,
)
from scaffold.errors.output import error_in_log
from scaffold.errors.wording import either, in_one_line, shortened
from scaffold.events import Noted, OnEvent
from scaffold.spec import ProjectSpec
from scaffold.verbs._slim import is_slim, report_plain

if TYPE_CHECKING:
    from scaffold.upgrade import UpdatePlan

    Proven = tuple[UpdatePlan, tuple[str, ...]]

_Result = TypeVar("_Result")


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
    report: Callable[[UpdatePlan], object],
    on_event: OnEvent,
) -> Proven:
    """Return what `prove` returns for the plan; where that fails, for the plan without the compiled model.

    Args:
        spec: The new state.
        plan: The update to it.
        plan_of: Plans the update to a state.
        prove: Proves a plan.
        report: Shows a plan: before its proof, or after it if the plan without the compiled model may follow.
        on_event: Called with a note on why the compiled model is left out.
    """

    may_fall_back = spec.fast is not None and not is_slim(spec.answers)

    def prove_form(form: ProjectSpec) -> Proven:
        planned = plan if form is spec else plan_of(form)
        is_shown_first = not may_fall_back or bool(planned.merged.conflicts)
        if is_shown_first:
            report(planned)
        proven = prove(planned)
        if not is_shown_first:
            report(proven[0])
        return proven

    return prove_or_fall_back(spec, prove_form, on_event)


def prove_or_fall_back(
    spec: ProjectSpec, prove: Callable[[ProjectSpec], _Result], on_event: OnEvent
) -> _Result:
    """Return the result of `prove` for a spec; if the proof fails, for the spec without the compiled model.

    Args:
        spec: The project, with a compiled model or without.
        prove: Proves the project of a spec.
        on_event: Called with a note on why the compiled model is left out.

    Raises:
        SlimImageError: The compiled model differs, and the project is to be slim.
        VerificationError: The project without a compiled model, or the slim one, fails its proof.
    """
    try:
        return prove(spec)
    except VerificationError as error:
        if spec.fast is None:
            raise
        if is_slim(spec.answers) and not isinstance(error, CompiledModelDiffersError):
            # The cause may be another one than the compiled model: the error is the one of the service.
            on_event(Noted(_slim_advice()))
            raise
        report_plain(reason_of(error), spec.answers, on_event)
    return prove(replace(spec, fast=None))


def without_proof(spec: ProjectSpec, on_event: OnEvent) -> ProjectSpec:
    """Return the spec of a service that calls the model: a compiled one is only written with its proof."""
    if spec.fast is None:
        return spec
    report_plain("a compiled model is only written with its proof", spec.answers, on_event)
    return replace(spec, fast=None)


def reason_of(error: VerificationError) -> str:
    """Return in one line why a compiled model is not proven."""
    match error:
        case CompiledModelDiffersError():
            return error.reason
        case ServiceNotStartedError() if cause := error_in_log(error.log):
            return f"with a compiled model the service does not start ({shortened(cause)})"
        case _:
            return f"with a compiled model the proof fails ({in_one_line(error)})"


def _slim_advice() -> str:
    with_libraries = either("answers={'slim': False}", "--answer slim=false")
    return (
        "a slim service cannot call the model as it is; if the compiled model is the cause of the error, take"
        f" the libraries along: {with_libraries}"
    )
