"""The values of the service template: finished strings, which the template only lays out."""

from __future__ import annotations

from typing import cast

from scaffold.render._batch import batch_values
from scaffold.render._card import card_values, is_slim
from scaffold.render._choices import read_batch
from scaffold.render._client import client_values
from scaffold.render._deploy import deploy_values
from scaffold.render._drift import drift_values
from scaffold.render._environment import environment_values
from scaffold.render._fast_score import compiled_score_values
from scaffold.render._fast_signature import fast_signature
from scaffold.render._image import image_values
from scaffold.render._page import page_values
from scaffold.render._protocols import protocol_values
from scaffold.render._score import score_values
from scaffold.render._serving import serving_values
from scaffold.render._shadow import shadow_values
from scaffold.render._source import shell_example
from scaffold.spec import ProjectSpec


def project_values(spec: ProjectSpec) -> dict[str, object]:
    """Return the values of `templates/service` for `spec`."""
    values: dict[str, object] = {
        "name": spec.name,
        "version": spec.version,
        "model_version": spec.version,
        "python_version": spec.dependencies.python,
        "model_summary": model_summary(spec),
        "example_shell": shell_example(spec),
        "model_sha256": spec.artifact.sha256,
        "compiled": spec.fast is not None,
        "compiled_by": "numpy and onnxruntime" if spec.fast and spec.fast.graph else "numpy",
        **card_values(spec),
        **_score_values(spec),
        **serving_values(spec),
        **shadow_values(spec),
        **environment_values(spec.variables),
        **image_values(spec),
        **deploy_values(spec),
        **protocol_values(spec),
        **page_values(spec),
        **client_values(spec),
        **drift_values(spec),
        **batch_values(spec),
    }
    values["targets_text"] = " and ".join(f"`{target}`" for target in cast("list[str]", values["targets"]))
    return values


def _score_values(spec: ProjectSpec) -> dict[str, object]:
    is_split = bool(read_batch(spec.answers))
    if spec.fast:
        signature = fast_signature(spec.signature, spec.fast)
        return compiled_score_values(spec.artifact, signature, slim=is_slim(spec), is_split=is_split)
    return score_values(spec.artifact, spec.signature, spec.profile, is_split=is_split)


def model_summary(spec: ProjectSpec) -> str:
    """`a scikit-learn model`, after the first library that the file names; else `a Python model`."""
    lines = (line for line in spec.dependencies.requirements if line.serves == "model" and line.mentioned)
    first = next(lines, None)
    return "a Python model" if first is None else f"a {first.distribution} model"
