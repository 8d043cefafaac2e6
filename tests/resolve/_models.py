"""Helpers for the tests of `resolve`: generated code, artifacts, calls."""

from __future__ import annotations

import hashlib
import pickle
import pickletools
from pathlib import Path

from scaffold.spec import (
    Artifact,
    Batching,
    GlobalName,
    ModelFormat,
    PythonCall,
    Recording,
    Scalar,
    ScalarType,
    Signature,
)

SCHEMAS = """
from pydantic import BaseModel

class ModelInput(BaseModel):
    data: float

class ModelOutput(BaseModel):
    prediction: float
"""
CONVERT = """
from app.schemas import ModelInput, ModelOutput

def to_model(records):
    return [record.data for record in records]

def from_model(predictions):
    return [ModelOutput(prediction=value) for value in predictions]
"""
CODE = {"schemas.py": SCHEMAS, "convert.py": CONVERT, "score.py": "import pickle\n"}


def artifact_of(path: Path, names: tuple[GlobalName, ...] = ()) -> Artifact:
    """Describe a pickle."""
    content = path.read_bytes()
    return Artifact(
        path=path,
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        format=ModelFormat.PICKLE,
        globals=names,
    )


def pickled(model: object, path: Path) -> Artifact:
    """Pickle a model and describe the file, with the names in it."""
    path.write_bytes(pickle.dumps(model, protocol=4))
    texts: list[str] = []
    names: dict[str, GlobalName] = {}
    for opcode, argument, offset in pickletools.genops(path.read_bytes()):
        if "UNICODE" in opcode.name:
            texts.append(str(argument))
        elif opcode.name == "STACK_GLOBAL":
            name = GlobalName(module=texts[-2], qualname=texts[-1], offset=offset or 0)
            names.setdefault(name.dotted, name)
    return artifact_of(path, tuple(names.values()))


def signature(method: str = "predict") -> Signature:
    """A call that takes many records."""
    number = Scalar(type=ScalarType.NUMBER)
    return Signature(input=number, output=number, call=PythonCall(method=method, batching=Batching.TOGETHER))


def recording(**answers: float) -> Recording:
    """Return requests `{"data": n}` and their predictions."""
    return Recording(
        requests=tuple({"data": float(number)} for number in range(len(answers))),
        answers=tuple({"prediction": value} for value in answers.values()),
    )
