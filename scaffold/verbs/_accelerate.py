"""What becomes of a compiled scoring path: with edits, with the proof, without one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from scaffold.base.layout import FAST_CODE
from scaffold.errors import CompiledModelDiffersError, VerificationError
from scaffold.errors.wording import in_one_line
from scaffold.events import Noted, OnEvent
from scaffold.spec import ProjectSpec
from scaffold.verbs._slim import is_slim, report_plain

if TYPE_CHECKING:
    from scaffold.upgrade import UpdatePlan

    Proven = tuple[UpdatePlan, tuple[str, ...]]


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
    report_plain(reason_of(error), spec.answers, on_event)
    return replace(spec, fast=None)


def without_proof(spec: ProjectSpec, on_event: OnEvent) -> ProjectSpec:
    """Return the spec of a service that calls the model: a compiled one is only written with its proof."""
    if spec.fast is None:
        return spec
    report_plain("a compiled model is only written with its proof", spec.answers, on_event)
    return replace(spec, fast=None)


def reason_of(error: VerificationError) -> str:
    """Return in one line why a compiled model is not proven."""
    if isinstance(error, CompiledModelDiffersError):
        return error.reason
    return f"with a compiled model the proof fails ({in_one_line(error)})"
