"""The worker's program for a rehearsal: answer the recorded requests with the generated code.

Imports only the standard library and the modules of this package that load and call the model.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import sys
import traceback
import types
from pathlib import Path
from typing import Any

from scaffold.base import model as base_model
from scaffold.base.codec import decode
from scaffold.base.differences import first_difference
from scaffold.base.watch import Watch
from scaffold.spec import ModelFormat
from scaffold.worker._channel import Channel
from scaffold.worker._errors import encode_error
from scaffold.worker._refused import refused_error
from scaffold.worker._witness import Witness


def run(channel: Channel, job: dict[str, Any], witness: Witness) -> None:
    """Load the model, wait for the request, and send the reply; it reports any failure."""
    watch = Watch(job["watched"])
    failure: BaseException | None = None
    model = None
    try:
        witness.phase = "load"
        names = decode("tuple[GlobalName, ...]", job["names"])
        model = base_model.load(Path(job["model"]), ModelFormat(job["format"]), names, job["sha256"])
        witness.note_unaudited(watch.read_opened_paths())
        witness.phase = "wait"
        for module in job["preload"]:
            with contextlib.suppress(ImportError):
                importlib.import_module(module)
    except BaseException as error:
        failure = error
    resume_collection()
    request = channel.receive()
    if failure is None:
        channel.send(rehearse(model, request, witness, watch))
    else:
        channel.send(_reply(witness, failure, None))


def resume_collection() -> None:
    """Enable garbage collection without the objects created so far, which would take 0.2 s to scan."""
    gc.freeze()
    gc.enable()


def rehearse(model: Any, request: dict[str, Any], witness: Witness, watch: Watch) -> dict[str, Any]:
    """Return the recorded imports and files, and whether the answers equal the recorded ones."""
    failure: BaseException | None = None
    matched, takes_example = None, None
    try:
        watch.read_opened_paths()  # discard what other programs opened
        witness.phase = "predict"
        app = _load_generated(request["code"])
        matched = first_difference(_answers(model, request, app), request["answers"]) is None
        takes_example = matched and _takes_example(model, request, app)
        witness.note_unaudited(watch.read_opened_paths())
    except BaseException as error:
        failure = error
    return _reply(witness, failure, matched) | {"takes_example": takes_example}


def _reply(witness: Witness, failure: BaseException | None, matched: bool | None) -> dict[str, Any]:
    phase, witness.phase = witness.phase, "end"
    if failure is not None and (refused := refused_error(failure)):
        return encode_error(refused)
    failure_json = _failure_json(failure) if failure is not None else None
    return {"failure": failure_json, "matched": matched, "phase": phase, **witness.as_json()}


def _answers(model: Any, request: dict[str, Any], app: types.ModuleType) -> list[Any]:
    """Return the response bodies of the service for the recorded requests."""
    call = decode("Call", request["call"])
    records = [app.schemas.ModelInput.model_validate_json(json.dumps(body)) for body in request["requests"]]
    if call.batched:
        predictions = app.convert.from_model(base_model.invoke(model, call, app.convert.to_model(records)))
    else:
        predictions = [
            app.convert.from_model(base_model.invoke(model, call, app.convert.to_model(record)))
            for record in records
        ]
    texts = [
        answer.model_dump_json(by_alias=True, serialize_as_any=True, warnings=False) for answer in predictions
    ]
    return [json.loads(text) for text in texts]


def _takes_example(model: Any, request: dict[str, Any], app: types.ModuleType) -> bool:
    """Whether the example is valid and the model answers it: only then does the API page show it."""
    if request.get("example") is None:
        return False
    call = decode("Call", request["call"])
    try:
        record = app.schemas.ModelInput.model_validate_json(json.dumps(request["example"]))
        inputs = app.convert.to_model([record] if call.batched else record)
        app.convert.from_model(base_model.invoke(model, call, inputs))
    except Exception:
        return False
    return True


def _load_generated(code: dict[str, str]) -> types.ModuleType:
    """Create the package `app` from the text of the generated modules."""
    package = types.ModuleType("app")
    package.__path__ = []
    sys.modules["app"] = package
    for file in sorted(code, key=lambda file: file != "schemas.py"):
        name = Path(file).stem
        module = types.ModuleType(f"app.{name}")
        module.__package__ = "app"
        sys.modules[module.__name__] = module
        exec(compile(code[file], file, "exec"), module.__dict__)  # noqa: S102 - our own text
        setattr(package, name, module)
    return package


def _failure_json(error: BaseException) -> dict[str, Any]:
    return {
        "type": type(error).__name__,
        "message": str(error),
        "module": getattr(error, "name", None) if isinstance(error, ImportError) else None,
        "trace": "".join(traceback.format_tb(error.__traceback__)[-3:]),
    }
