"""Small project specs for the tests of manifests and deploys."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from scaffold.spec import (
    Artifact,
    Batching,
    Dependencies,
    JSONValue,
    ModelFormat,
    ProjectSpec,
    PythonCall,
    Recording,
    Scalar,
    ScalarType,
    Signature,
)


def project_spec(
    answers: Mapping[str, JSONValue] | None = None, *, name: str = "titanic", version: str = "1.0.0"
) -> ProjectSpec:
    """A spec whose model doubles a number; only the name, the version and the answers matter to manifests."""
    number = Scalar(type=ScalarType.NUMBER)
    return ProjectSpec(
        name=name,
        version=version,
        artifact=Artifact(path=Path("model.pkl"), sha256="ab" * 32, size_bytes=10, format=ModelFormat.PICKLE),
        signature=Signature(
            input=number, output=number, call=PythonCall(method="predict", batching=Batching.TOGETHER)
        ),
        dependencies=Dependencies(python="3.11", requirements=(), lock=""),
        recording=Recording(requests=({"data": 1.0},), answers=({"prediction": 2.0},)),
        answers=answers or {},
    )
