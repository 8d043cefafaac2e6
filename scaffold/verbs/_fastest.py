"""`--accelerate auto`: the fastest compiled form of a model that is proven."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.base.temporary import TemporaryFolder
from scaffold.errors import VerificationError
from scaffold.events import Noted, OnEvent, Started
from scaffold.spec import Accelerate, FastPlan, NoFastPlan, ProjectSpec
from scaffold.verbs._accelerate import reason_of
from scaffold.verbs._pristine import write_pristine
from scaffold.verbs._slim import report_plain
from scaffold.verbs.options import Options
from scaffold.verbs.workers import proof_access

if TYPE_CHECKING:
    from scaffold.proof import Speed

_NEAR = 1.2
"""numpy is kept where the other form is no faster than this: it is exact, and can be read."""


def choose_fastest(
    spec: ProjectSpec,
    plans: Mapping[Accelerate, FastPlan | NoFastPlan],
    options: Options,
    on_event: OnEvent,
) -> ProjectSpec:
    """Return the spec with the fastest of the plans that is proven, or with none; a note says why.

    Each is compared with the model and timed in an environment of its lock, in the project as it is
    generated.

    Args:
        spec: The project.
        plans: A plan for each way, or why there is none.
        options: The options for the model.
        on_event: Called with the note.

    Raises:
        SlimImageError: None is proven and faster than the model, and the project is to be slim.
    """
    on_event(Started("accelerate"))
    speeds: dict[Accelerate, Speed] = {}
    reasons: dict[Accelerate, str] = {}
    for way, plan in plans.items():
        try:
            if isinstance(plan, NoFastPlan):
                reasons[way] = plan.reason
            else:
                speeds[way] = _measure(replace(spec, fast=plan), options)
        except VerificationError as error:
            reasons[way] = reason_of(error)
    chosen = fastest(speeds)
    told = [f"{way.value}: {_told(speeds[way]) if way in speeds else reasons[way]}" for way in plans]
    if chosen is None:
        same = set(reasons.values())
        reason = "; ".join(same if len(same) == 1 and not speeds else told)
        report_plain(reason, spec.answers, on_event)
        return spec
    on_event(Noted(f"accelerate: {chosen.value} is kept ({'; '.join(told)})"))
    plan = plans[chosen]
    assert isinstance(plan, FastPlan)
    return replace(spec, fast=plan)


def fastest(speeds: Mapping[Accelerate, Speed]) -> Accelerate | None:
    """Return the way with the highest mean; numpy if it is near; None if the model itself is as fast."""
    if not speeds:
        return None
    best = max(speeds, key=lambda way: speeds[way].mean)
    numpy = speeds.get(Accelerate.NUMPY)
    if numpy and numpy.mean * _NEAR >= speeds[best].mean:
        best = Accelerate.NUMPY
    return best if speeds[best].mean > 1.0 else None


def _told(speed: Speed) -> str:
    return f"{speed.one_row:.3g} times as fast as the model for one row, {speed.many_rows:.3g} times for 64"


def _measure(spec: ProjectSpec, options: Options) -> Speed:
    """Return how fast the compiled model of a project is, once it is proven.

    Raises:
        VerificationError: It is not, or cannot be.
    """
    from scaffold.proof import measure_compiled_model

    access = proof_access(spec.variables, read=options.allow_read, network=options.allow_network)
    with TemporaryFolder("accelerate") as folder:
        root = Path(folder) / "project"
        root.mkdir()
        write_pristine(spec, root, None)
        return measure_compiled_model(root, python=spec.dependencies.python, access=access)
