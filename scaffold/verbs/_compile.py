"""Read the compiled scoring path of a model, for `--accelerate`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from scaffold.base.checked import path_below
from scaffold.base.codec import CodecError, decode, encode
from scaffold.base.folder import FORMATS as FOLDER_FORMATS
from scaffold.base.layout import WHEELS
from scaffold.base.temporary import TemporaryFolder
from scaffold.errors import (
    EnvironmentSpecError,
    LockFailedError,
    WorkerDiedError,
    WorkerEndedError,
    WorkerLimitError,
    WorkerMessageError,
)
from scaffold.errors.wording import in_one_line
from scaffold.events import OnEvent
from scaffold.spec import Accelerate, FastPlan, GlobalName, NoFastPlan, ProjectSpec, TorchCall
from scaffold.verbs._additions import additions_of
from scaffold.verbs._converter import CONVERTERS, open_converter_environment, settings_with
from scaffold.verbs._fastest import choose_fastest
from scaffold.verbs._inputs import InputFile, ModelInputs
from scaffold.verbs._slim import report_plain
from scaffold.verbs.options import Options
from scaffold.verbs.workers import model_environment, worker_settings
from scaffold.worker import Worker, WorkerSettings, printable

_PROGRAM = "scaffold.verbs._read_fast"
_LIBRARIES = {"_codecs", "builtins", "collections", "copyreg", "functools", "joblib", "numpy", "pandas"}
_LIBRARIES |= {"catboost", "lightgbm", "scipy", "sklearn", "xgboost"}
"""The modules that a model of compiled steps may name."""
_WAYS = {Accelerate.AUTO: (Accelerate.NUMPY, Accelerate.ONNX)}

_NETWORK = "the graph of a network of torch rounds the last digits differently; --accelerate onnx tries it"

Plans = Mapping[Accelerate, FastPlan | NoFastPlan]


def accelerate(
    spec: ProjectSpec, options: Options, settings: WorkerSettings, on_event: OnEvent, *, ours: bool = False
) -> ProjectSpec:
    """Return the spec with a compiled model, if the options ask for one; a note says why there is none.

    Args:
        spec: The project.
        options: The options for the model.
        settings: Where processes that load the model run.
        on_event: Called with the note.
        ours: Whether this process wrote the file of the model from an object in memory.

    Raises:
        SlimImageError: There is none, and the project is to be slim.
    """
    way = Accelerate(options.accelerate)
    if way is Accelerate.OFF:
        return spec
    if way is Accelerate.AUTO and isinstance(spec.signature.call, TorchCall):
        report_plain(_NETWORK, spec.answers, on_event)
        return spec
    plans = _read_plans(spec, options, settings, _WAYS.get(way, (way,)), ours=ours)
    locked = {each: _with_runtime(plan, spec, options) for each, plan in plans.items()}
    if way is Accelerate.AUTO:
        return choose_fastest(spec, locked, options, on_event)
    plan = locked[way]
    if isinstance(plan, FastPlan):
        return replace(spec, fast=plan)
    report_plain(plan.reason, spec.answers, on_event)
    return spec


def accelerate_project(spec: ProjectSpec, options: Options, on_event: OnEvent) -> ProjectSpec:
    """Return the spec of a project whose model is in it, as `accelerate`."""
    if Accelerate(options.accelerate) is Accelerate.OFF:
        return spec
    file = InputFile(path=spec.artifact.path, provenance="", ours=False)
    inputs = ModelInputs(model=file, input=file, output=None, local=())
    settings = worker_settings(inputs, options, model_environment(inputs, options))
    return accelerate(spec, options, settings, on_event)


def _read_plans(
    spec: ProjectSpec,
    options: Options,
    settings: WorkerSettings,
    ways: Sequence[Accelerate],
    *,
    ours: bool,
) -> Plans:
    """Return the plan of a model for each way, or why there is none."""
    names = spec.artifact.globals
    foreign = [name for name in names if name.module.partition(".")[0] not in _LIBRARIES]
    # What a module of torch computes is what its graph does.
    if foreign and not isinstance(spec.signature.call, TorchCall):
        return dict.fromkeys(ways, NoFastPlan(reason=_foreign_reason(foreign[0], spec)))
    if spec.artifact.format in FOLDER_FORMATS:
        reason = f"a folder of {spec.artifact.format.value} has no compiled form"
        return dict.fromkeys(ways, NoFastPlan(reason=reason))
    plans = dict(_ask_worker(spec, options, settings, ways, ours=ours))
    waiting = [way for way, plan in plans.items() if isinstance(plan, NoFastPlan) and plan.needs_converter]
    if waiting:
        converters = CONVERTERS[type(spec.signature.call)]
        try:
            environment = open_converter_environment(converters, spec.dependencies)
        except EnvironmentSpecError as error:
            name = converters[-1].partition("==")[0]
            reason = f"{name} cannot be installed beside the model ({in_one_line(error)})"
            plans |= dict.fromkeys(waiting, NoFastPlan(reason=reason))
        else:
            converting = settings_with(environment, settings)
            plans |= _ask_worker(spec, options, converting, waiting, ours=ours)
    return {way: plans[way] for way in ways}


def _foreign_reason(name: GlobalName, spec: ProjectSpec) -> str:
    """Return why a model that names this has no compiled form."""
    library = name.module.partition(".")[0]
    own = {source.module for source in spec.dependencies.sources}
    if spec.artifact.made_with.carries_code:
        return "the model file carries code of your own, which has no compiled form"
    if library in own:
        return f"{name.dotted} is code of your own, which has no compiled form"
    compiled = "models of scikit-learn, LightGBM, XGBoost and CatBoost have one"
    return f"{name.dotted} has no compiled form ({compiled})"


def _with_runtime(plan: FastPlan | NoFastPlan, spec: ProjectSpec, options: Options) -> FastPlan | NoFastPlan:
    """Return a plan with the lock of the project that has what runs its graph."""
    name = "onnxruntime"
    if isinstance(plan, NoFastPlan):
        return NoFastPlan(reason=printable(plan.reason))
    if plan.graph is None:
        return plan
    # What the process that loaded the model says of requirements does not count.
    graph = replace(plan.graph, requirement=None, lock="")
    if name in {line.distribution for line in spec.dependencies.requirements}:
        return replace(plan, graph=graph)
    from scaffold.resolve import renew_service_layer

    try:
        renewed = renew_service_layer(
            spec.dependencies,
            pinned=[text.partition("==")[0].strip().lower() for text in options.pin],
            profile=spec.profile,
            additions={*additions_of(spec.answers), "onnx"},
            gpu=options.gpu,
        )
    except LockFailedError as error:
        return NoFastPlan(reason=f"{name} cannot be installed with the model ({in_one_line(error)})")
    [line] = [line for line in renewed.requirements if line.distribution == name]
    return replace(plan, graph=replace(graph, requirement=line, lock=renewed.lock))


def _ask_worker(
    spec: ProjectSpec,
    options: Options,
    settings: WorkerSettings,
    ways: Sequence[Accelerate],
    *,
    ours: bool,
) -> Plans:
    """Return what a process that loads the model says; where it breaks off, that there is no plan.

    Raises:
        ReadError: The model cannot be loaded, or does not pass the gate.
        WorkerError: The process cannot be started, or sent an invalid message.
    """
    artifact = spec.artifact
    model = artifact.path.absolute()
    job = {
        "model": str(model),
        "sha256": artifact.sha256,
        "trusted": list(options.trust),
        "ours": ours,
        "signature": encode(spec.signature.without_evidence()),
        "ways": [way.value for way in ways],
    }
    with TemporaryFolder("sources") as sources:
        _write_sources(spec, Path(sources))
        readable = (*settings.confinement.readable, model.parent, model, Path(sources))
        path = [os.path.abspath(entry) for entry in (*settings.path, sources)]  # noqa: PTH100 - they are text
        settings = replace(settings, path=path, confinement=replace(settings.confinement, readable=readable))
        try:
            with Worker(_PROGRAM, settings) as worker:
                worker.begin(job, settings)
                message = worker.receive()
        except (WorkerDiedError, WorkerEndedError, WorkerLimitError) as error:
            return dict.fromkeys(ways, NoFastPlan(reason=_end_of(error)))
    try:
        return {way: _decode_plan(message["plans"][way.value]) for way in ways}
    except (CodecError, KeyError, TypeError, ValueError) as error:
        raise WorkerMessageError(str(error)) from error


def _end_of(error: WorkerDiedError | WorkerEndedError | WorkerLimitError) -> str:
    """Return how the process ended that reads the steps of a model."""
    match error:
        case WorkerDiedError():
            return f"{error.signal} ended the process that reads its steps"
        case WorkerEndedError():
            return f"the process that reads its steps broke off (exit status {error.status})"
        case WorkerLimitError():
            return f"the process that reads its steps reached its limit of {error.limit}"


def _write_sources(spec: ProjectSpec, folder: Path) -> None:
    """Write the local code of the model into a folder, from which it is imported."""
    for source in spec.dependencies.sources:
        if not source.path.startswith(f"{WHEELS}/"):
            place = path_below(folder, source.path)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(source.content)


def _decode_plan(plan: Any) -> FastPlan | NoFastPlan:
    name = NoFastPlan.__name__
    is_none = isinstance(plan, dict) and plan.get("type") == name
    decoded: FastPlan | NoFastPlan = decode(name if is_none else FastPlan.__name__, plan)
    return decoded
