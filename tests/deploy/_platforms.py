"""The schemas of KServe's InferenceService and Knative's Service, with unknown fields refused.

Source: `schemas/README.md`
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_SCHEMAS = Path(__file__).parent / "schemas"
_OPEN = "x-kubernetes-preserve-unknown-fields"


def resource_schema(name: str, api_version: str, kind: str) -> dict[str, Any]:
    """Return a schema of `schemas/` as the API server applies it with `fieldValidation=Strict`."""
    schema = _strict(json.loads((_SCHEMAS / name).read_text("utf-8")))
    schema["required"] = ["apiVersion", "kind", "metadata", "spec"]
    schema["properties"] |= {
        "apiVersion": {"const": api_version},
        "kind": {"const": kind},
        "metadata": {"type": "object"},
    }
    return schema


def _strict(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a value with each object closed that lists its fields."""
    strict = dict(schema)
    if properties := schema.get("properties"):
        strict["properties"] = {name: _strict(one) for name, one in properties.items()}
        if not schema.get(_OPEN):
            strict["additionalProperties"] = False
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            strict[key] = _strict(schema[key])
    return strict


INFERENCE_SERVICE = resource_schema("inferenceservice.json", "serving.kserve.io/v1beta1", "InferenceService")
KNATIVE_SERVICE = resource_schema("knative_service.json", "serving.knative.dev/v1", "Service")
