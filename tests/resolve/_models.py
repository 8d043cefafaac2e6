"""Helpers for the tests of `resolve`: generated code, artifacts, signatures, recordings."""

from __future__ import annotations

import hashlib
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


def signature() -> Signature:
    """Return the signature of a model of numbers that predicts many records in one call."""
    number = Scalar(type=ScalarType.NUMBER)
    return Signature(
        input=number, output=number, call=PythonCall(method="predict", batching=Batching.TOGETHER)
    )


def recording(*answers: float) -> Recording:
    """Return requests `{"data": n}` and their predictions."""
    return Recording(
        requests=tuple({"data": float(number)} for number in range(len(answers))),
        answers=tuple({"prediction": value} for value in answers),
    )
