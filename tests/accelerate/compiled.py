"""The compiled form of a model in this process: the generated files of a project, as modules."""

from __future__ import annotations

import io
import itertools
import json
import pickle
import sys
import types
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaffold.base.layout import FAST_THRESHOLDS
from scaffold.introspect import read_fast_plan
from scaffold.render._fast import fast_files
from scaffold.render._fast_booster import booster_check
from scaffold.render._fast_check import fast_check_files
from scaffold.spec import (
    Accelerate,
    Artifact,
    Batching,
    Call,
    Category,
    FastPlan,
    Field,
    Missing,
    ModelFormat,
    NoFastPlan,
    Numpy,
    Optional,
    Pandas,
    PythonCall,
    Scalar,
    ScalarType,
    Signature,
    Table,
    Tensor,
    Torch,
    TorchCall,
    Value,
    fields_of,
)

_TYPES = {"i": ScalarType.INTEGER, "u": ScalarType.INTEGER, "f": ScalarType.NUMBER, "b": ScalarType.BOOLEAN}
_numbers = itertools.count()


@dataclass(frozen=True)
class Compiled:
    """The modules of a project with a compiled model."""

    fast: Any
    """`FastModel`."""
    compare: Any
    """The module `tests.fast.compare`."""
    plan: FastPlan


def signature_of(sample: pd.DataFrame | NDArray[Any], call: str | Call) -> Signature:
    """Return the signature of a model that takes a frame, or rows of numbers."""
    if isinstance(sample, np.ndarray):
        items = Scalar(type=_TYPES[sample.dtype.kind])
        rows = Tensor(shape=sample.shape[1:], dtype=str(sample.dtype), items=items, container=Numpy())
        taken: Any = Value(field=Field(name="data", attribute="data", schema=rows))
    else:
        fields = tuple(_field(sample[name], i) for i, name in enumerate(sample))
        taken = Table(columns=fields, container=Pandas())
    output = Value(field=Field(name="prediction", attribute="prediction", schema=Scalar(type=ScalarType.ANY)))
    if isinstance(call, str):
        call = PythonCall(method=call, batching=Batching.TOGETHER)
    return Signature(input=taken, output=output, call=call)


def _field(column: pd.Series[Any], number: int) -> Field:
    dtype = "category" if isinstance(column.dtype, pd.CategoricalDtype) else str(column.dtype)
    schema: Any = Scalar(type=_TYPES.get(column.dtype.kind, ScalarType.STRING))
    if dtype == "category":
        schema = Category(of=schema, levels=tuple(column.cat.categories))
    if column.isna().any():
        schema = Optional(of=schema, missing=Missing.NAN)
    return Field(name=str(column.name), attribute=f"field_{number}", schema=schema, dtype=dtype)


def requests_of(sample: pd.DataFrame | NDArray[Any]) -> list[dict[str, Any]]:
    """Return the rows of a sample as requests."""
    if isinstance(sample, np.ndarray):
        return [{"data": row} for row in sample.tolist()]
    columns = {str(name): sample[name].astype(object).tolist() for name in sample}
    rows = zip(*columns.values(), strict=True)
    return [
        {name: None if value != value else value for name, value in zip(columns, row, strict=True)}
        for row in rows
    ]


def compile_model(
    model: Any,
    sample: pd.DataFrame | NDArray[Any],
    call: str | Call,
    folder: Path,
    way: Accelerate = Accelerate.NUMPY,
) -> Compiled | NoFastPlan:
    """Return the compiled form of a model, or why there is none.

    Args:
        model: A fitted model.
        sample: A sample of its input.
        call: The method that the service calls, or its call.
        folder: Where the recorded sample is written.
        way: What computes the last step.
    """
    signature = signature_of(sample, call)
    plan = read_fast_plan(model, signature, way)
    if isinstance(plan, NoFastPlan):
        return plan
    content, requests = pickle.dumps(model), requests_of(sample)
    return load_compiled(plan, signature, ModelFormat.PICKLE, content, requests, folder)


def network_signature(
    shape: tuple[int, ...], output: tuple[int, ...], dtype: str = "float32", **call: Any
) -> Signature:
    """Return the signature of a module of torch.

    Args:
        shape: Of a row.
        output: Shape of the answer to a row.
        dtype: Of a row.
        call: Parameters of `TorchCall`.
    """
    number = Scalar(type=ScalarType.NUMBER)
    items = Scalar(type=ScalarType.INTEGER) if dtype.startswith("int") else number
    taken = Tensor(shape=shape, dtype=dtype, items=items, container=Torch())
    given = Tensor(shape=output, dtype="float32", items=number, container=Torch())
    return Signature(
        input=Value(field=Field(name="data", attribute="data", schema=taken)),
        output=Value(field=Field(name="prediction", attribute="prediction", schema=given)),
        call=TorchCall(**{"method": "__call__", "batching": Batching.TOGETHER, **call}),
    )


def compile_network(model: Any, sample: Any, signature: Signature, folder: Path) -> Compiled | NoFastPlan:
    """Return the compiled form of a module, or why there is none."""
    import torch

    plan = read_fast_plan(model, signature, Accelerate.ONNX)
    if isinstance(plan, NoFastPlan):
        return plan
    file = io.BytesIO()
    is_script = isinstance(model, torch.jit.ScriptModule)
    if is_script:
        torch.jit.save(model, file)
    else:
        torch.save(model, file)
    requests = [{"data": row} for row in sample.tolist()]
    written_as = ModelFormat.TORCHSCRIPT if is_script else ModelFormat.TORCH
    return load_compiled(plan, signature, written_as, file.getvalue(), requests, folder)


def load_compiled(
    plan: FastPlan,
    signature: Signature,
    written_as: ModelFormat,
    content: bytes,
    requests: Sequence[dict[str, Any]],
    folder: Path,
) -> Compiled:
    """Return the modules for a plan.

    Args:
        plan: The plan of a model.
        signature: Its signature.
        written_as: The format of its file.
        content: The content of its file.
        requests: The recorded sample.
        folder: Where that is written.
    """
    suffix = "pkl" if written_as is ModelFormat.PICKLE else "pt"
    path = folder / f"model.{suffix}"
    artifact = Artifact(path=path, sha256="", size_bytes=len(content), format=written_as)
    checks = fast_check_files(artifact, signature, plan)
    files = fast_files(plan) | booster_check(checks, signature.call)
    recorded = folder / "recorded.json"
    recorded.write_text(json.dumps({"requests": requests, "answers": []}))
    opened = {path.name: content, "fast.npz": files.pop("model/fast.npz")}
    if plan.graph:
        opened["fast.onnx"] = files.pop("model/fast.onnx")
        (folder / "tests/fast").mkdir(parents=True, exist_ok=True)
        (folder / FAST_THRESHOLDS).write_bytes(files.pop(FAST_THRESHOLDS, b""))
    prefix = f"compiled_{next(_numbers)}"
    fields = {
        field.attribute: types.SimpleNamespace(alias=field.name) for field in fields_of(signature.input)
    }
    _modules(
        prefix,
        {
            "app.schemas": {"ModelInput": types.SimpleNamespace(model_fields=fields)},
            "app.serving.model_file": {"open_model": lambda path, _sha256: io.BytesIO(opened[path.name])},
            "app.settings": {"MODEL_SHA256": ""},
            "tests.service": {"RECORDED": recorded},
        },
    )
    order = ["app/fast.py", *(f"tests/fast/{name}.py" for name in _ORDER)]
    modules = {path: _load(prefix, path, files[path].decode(), folder) for path in order if path in files}
    fast = modules["app/fast.py"].FastModel(dict(np.load(io.BytesIO(opened["fast.npz"]))))
    for name in [name for name in sys.modules if name.startswith(f"{prefix}_")]:
        del sys.modules[name]
    return Compiled(fast=fast, compare=modules["tests/fast/compare.py"], plan=plan)


_ORDER = ("fields", "fast_input", "plain_input", "rows", "boundaries", "compare")


def _modules(prefix: str, contents: dict[str, dict[str, Any]]) -> None:
    for name, content in contents.items():
        module = types.ModuleType(_renamed(prefix, name))
        vars(module).update(content)
        sys.modules[module.__name__] = module


def _renamed(prefix: str, name: str) -> str:
    return f"{prefix}_{name.replace('.', '_')}"


def _load(prefix: str, path: str, text: str, folder: Path) -> types.ModuleType:
    """Import the text of a module, with names of its own for the modules that it imports."""
    for name in (
        "app.fast",
        "app.schemas",
        "app.serving.model_file",
        "app.settings",
        "tests.service",
        *(f"tests.fast.{each}" for each in _ORDER),
    ):
        text = text.replace(f"from {name} import", f"from {_renamed(prefix, name)} import")
    module = types.ModuleType(_renamed(prefix, path.removesuffix(".py").replace("/", ".")))
    vars(module)["__file__"] = str(folder / path)
    sys.modules[module.__name__] = module
    exec(compile(text, path, "exec"), vars(module))
    return module
