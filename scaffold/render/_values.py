"""All that the service template may know: finished strings, decided here and laid out there."""

from __future__ import annotations

import json
import shlex
from typing import cast

from scaffold.render._card import card_values
from scaffold.render._deploy import deploy_values
from scaffold.render._image import image_values
from scaffold.render._score import score_values
from scaffold.render._serving import serving_values
from scaffold.spec import JSONValue, ProjectSpec, Record, Schema, Signature, Table

_WIDEST = 70


def project_values(spec: ProjectSpec) -> dict[str, object]:
    """Return the values of `templates/service` for `spec`."""
    values: dict[str, object] = {
        "name": spec.name,
        "version": spec.version,
        "model_version": spec.version,
        "python_version": spec.dependencies.python,
        "model_summary": model_summary(spec),
        "example_shell": _shell_example(spec.signature),
        "model_sha256": spec.artifact.sha256,
        **card_values(spec),
        **score_values(spec.artifact, spec.signature),
        **serving_values(spec),
        **image_values(spec),
        **deploy_values(spec),
    }
    values["targets_text"] = " and ".join(f"`{target}`" for target in cast("list[str]", values["targets"]))
    return values


def model_summary(spec: ProjectSpec) -> str:
    """`a scikit-learn model`, or `a Python model` where no library is known to be its own."""
    libraries = [line.distribution for line in spec.dependencies.requirements if line.serves == "model"]
    return f"a {libraries[-1]} model" if libraries else "a Python model"


def _shell_example(signature: Signature) -> str:
    """A made-up body as it stands between single quotes in a shell."""
    body = json.dumps(example_body(signature.input), ensure_ascii=False)
    return shlex.quote(body)[1:-1]


def example_body(schema: Schema) -> JSONValue:
    """A made-up body of `POST /score`, from the examples of the fields."""
    if isinstance(schema, Table | Record):
        fields = schema.columns if isinstance(schema, Table) else schema.fields
        return {field.name: field.example for field in fields if field.required}
    return {"data": "..."}
