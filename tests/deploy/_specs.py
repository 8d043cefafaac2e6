"""Small project specs for the tests of manifests and deploys."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from scaffold.spec import (
    Artifact,
    Baseline,
    Batching,
    CategoryBaseline,
    Dependencies,
    FieldBaseline,
    JSONValue,
    ModelFormat,
    NumberBaseline,
    ProjectSpec,
    PythonCall,
    Recording,
    Scalar,
    ScalarType,
    Signature,
)

FIELDS: tuple[FieldBaseline, ...] = (
    NumberBaseline(name="data", missing=0.1, min=0.0, max=9.0, edges=(1.0, 2.5), shares=(0.2, 0.3, 0.5)),
    CategoryBaseline(name='a "{{b}}" \\', missing=0.0, shares=(("x", 0.6), ("{{ y }}", 0.3)), other=0.1),
)
BASELINE = Baseline(
    rows=900,
    made_from="training.parquet",
    fields=FIELDS,
    predictions=FIELDS[:1],
    predictions_from="the sample",
    predicted_rows=100,
)
"""For the answer `drift`, with names that a template must not read as its own."""


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
        baseline=BASELINE if (answers or {}).get("drift") else None,
    )
