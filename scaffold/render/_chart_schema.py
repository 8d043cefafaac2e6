"""The JSON schema of a chart's values: Helm refuses a misspelt name or a value of a wrong type."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from scaffold.render._knob_checks import LABEL_VALUE, SERVICE_TYPES
from scaffold.render._knob_combinations import OF_A_DEPLOYMENT
from scaffold.render._rules import OWN_LABELS, OWN_PREFIX

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_NAME: Schema = {"type": "string", "pattern": "^([a-z0-9]([a-z0-9.-]*[a-z0-9])?)?$"}
_CORES: Schema = {"type": ["string", "number"], "pattern": "^([1-9][0-9]*m|[0-9]+(\\.[0-9]{1,3})?)$"}
_BYTES: Schema = {
    "type": ["string", "integer"],
    "pattern": "^[1-9][0-9]*(\\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G)?$",
}
_LABEL: Schema = {"type": "string", "pattern": f"^({LABEL_VALUE.pattern})$"}
_PAIRS: Schema = {"type": "object", "additionalProperties": _LABEL}


def _others(names: Iterable[str], values: Schema) -> Schema:
    """Pairs with other names than those that the templates write: a key stands once."""
    others: Schema = {"not": {"anyOf": [{"enum": sorted(names)}, {"pattern": f"^{OWN_PREFIX}"}]}}
    return {"type": "object", "propertyNames": others, "additionalProperties": values}


def _closed(properties: Mapping[str, Schema]) -> Schema:
    return {"type": "object", "additionalProperties": False, "properties": dict(properties)}


def _count(least: int) -> Schema:
    return {"type": "integer", "minimum": least}


def _or_empty(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"const": ""}]}


_VALUES: dict[str, Schema] = {
    "image": _closed(
        {
            "repository": {"type": "string", "minLength": 1},
            "tag": _TEXT,
            "digest": {"type": "string", "pattern": "^(sha256:[0-9a-f]{64})?$"},
        }
    ),
    "service_type": {"enum": list(SERVICE_TYPES)},
    "host": {"type": "string", "minLength": 1},
    "replicas": _count(0),
    "min_replicas": _count(0),
    "max_replicas": _count(1),
    "target_cpu": _CORES,
    "cooldown_s": _count(0),
    "prometheus_url": {"type": "string", "pattern": "^https?://"},
    "target_requests": _count(1),
    "triggers": {
        "type": "array",
        "items": {"type": "object", "required": ["type", "metadata"], "properties": {"type": _TEXT}},
    },
    "cpu": _CORES,
    "cpu_limit": _CORES,
    "memory": _BYTES,
    "memory_limit": _BYTES,
    "labels": _others(OWN_LABELS, _LABEL),
    "annotations": _others(OF_A_DEPLOYMENT, _TEXT),
    "run_as_user": _count(0),
    "ephemeral_storage": _or_empty(_BYTES),
    "gpus": _count(0),
    "priority_class": _NAME,
    "runtime_class": _NAME,
    "node_selector": _PAIRS,
    "tolerations": {
        "type": "array",
        "items": _closed(
            {
                "key": _TEXT,
                "operator": {"enum": ["Exists", "Equal"]},
                "value": _TEXT,
                "effect": {"enum": ["NoSchedule", "PreferNoSchedule", "NoExecute"]},
                "tolerationSeconds": {"type": "integer"},
            }
        ),
    },
    "affinity": _closed(
        {key: {"type": "object"} for key in ("nodeAffinity", "podAffinity", "podAntiAffinity")}
    ),
    "settings": {
        "type": "object",
        "propertyNames": {"pattern": "^[A-Z_][A-Z0-9_]*$"},
        "additionalProperties": _TEXT,
    },
}


def values_schema(values: Mapping[str, Any]) -> bytes:
    """Return `values.schema.json` of a chart with these values.

    Args:
        values: The content of `values.yaml`.
    """
    schemas = _VALUES | {"secrets": _closed(dict.fromkeys(values["secrets"], _NAME))}
    if "target_cpu" in values:  # a HorizontalPodAutoscaler, which keeps a pod
        schemas["min_replicas"] = _count(1)
    # Helm adds `global` where the chart is a part of another one.
    properties = {name: schemas[name] for name in values} | {"global": {"type": "object"}}
    schema = {"$schema": "http://json-schema.org/draft-07/schema#", **_closed(properties)}
    return f"{json.dumps(schema, indent=2)}\n".encode()
