"""Run in the worker: answer the recorded requests by the generated code, as the service will.

Standard library only at import, and of this package only what loads and calls the model.
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
    """Load the model, and answer the requests that come when it is loaded; whatever fails is in the reply."""
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
    """Collect garbage from now on, but not among what imports have made: that takes a fifth of a second."""
    gc.freeze()
    gc.enable()


def rehearse(model: Any, request: dict[str, Any], witness: Witness, watch: Watch) -> dict[str, Any]:
    """Return what was seen since the start, and whether the answers are the recorded ones."""
    failure: BaseException | None = None
    matched, takes_example = None, None
    try:
        watch.read_opened_paths()  # discard what other programs opened
        witness.phase = "predict"
        app = _generated(request["code"])
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
    told = _failure(failure) if failure is not None else None
    return {"failure": told, "matched": matched, "phase": phase, **witness.as_json()}


def _answers(model: Any, request: dict[str, Any], app: types.ModuleType) -> list[Any]:
    """The model's answers to the recorded requests, as the service would give them."""
    call = decode("Call", request["call"])
    records = [app.schemas.ModelInput.model_validate_json(json.dumps(body)) for body in request["requests"]]
    if call.batched:
        given = app.convert.from_model(base_model.invoke(model, call, app.convert.to_model(records)))
    else:
        given = [
            app.convert.from_model(base_model.invoke(model, call, app.convert.to_model(record)))
            for record in records
        ]
    written = [
        answer.model_dump_json(by_alias=True, serialize_as_any=True, warnings=False) for answer in given
    ]
    return [json.loads(text) for text in written]


def _takes_example(model: Any, request: dict[str, Any], app: types.ModuleType) -> bool:
    """Whether the made-up record is valid and the model answers it: the service then starts with it."""
    if request.get("example") is None:
        return False
    call = decode("Call", request["call"])
    try:
        record = app.schemas.ModelInput.model_validate_json(json.dumps(request["example"]))
        given = app.convert.to_model([record] if call.batched else record)
        app.convert.from_model(base_model.invoke(model, call, given))
    except Exception:
        return False
    return True


def _generated(code: dict[str, str]) -> types.ModuleType:
    """The package `app` with the generated modules in it, from their text."""
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


def _failure(error: BaseException) -> dict[str, Any]:
    return {
        "type": type(error).__name__,
        "message": str(error),
        "module": getattr(error, "name", None) if isinstance(error, ImportError) else None,
        "trace": "".join(traceback.format_tb(error.__traceback__)[-3:]),
    }
