"""The values of the serving code: the limits that follow from the sample."""

from __future__ import annotations

import json

from scaffold.render._choices import read_protocols
from scaffold.render._drift import drift_settings
from scaffold.render._knobs import read_flag
from scaffold.render._score import is_shortened
from scaffold.render._shadow import SHADOW_SETTINGS, has_shadow
from scaffold.spec import ProjectSpec

_LEAST_BYTES, _MOST_BYTES = 1 << 20, 1 << 24
_RECORDS, _LARGE_RECORDS = 1000, 4
"""How many records a body has room for: as many as a batch may have, or a few where they are large."""
_VERTEX_PORT = """Field(
        default=8000, ge=0, le=65535, validation_alias=AliasChoices("PORT", "AIP_HTTP_PORT")
    )"""
"""Vertex AI says in AIP_HTTP_PORT where it asks."""


def serving_values(spec: ProjectSpec) -> dict[str, object]:
    """Return the fields of `Settings` in `app/settings.py`: those of the fast profile as finished lines.

    `max_body_bytes` follows from the largest record of the sample, `opentelemetry` from that answer.

    Raises:
        InvalidAnswerError: The answer is neither true nor false.
    """
    largest = max((len(json.dumps(request)) for request in spec.recording.requests), default=0)
    required = max(min(_RECORDS * largest, _MOST_BYTES), _LARGE_RECORDS * largest)
    limit = _LEAST_BYTES
    while limit < required:
        limit *= 2
    fields = []
    if limit > _LEAST_BYTES:
        fields.append(f"    max_body_bytes: int = Field(default={limit:_}, ge=1)")
    is_vertex = "vertex" in read_protocols(spec.answers)
    if is_vertex:
        fields.append(f"    port: int = {_VERTEX_PORT}")
    opentelemetry = read_flag("opentelemetry", spec.answers)
    if opentelemetry:
        fields.append("    opentelemetry: bool = True")
    if read_flag("page", spec.answers):
        fields += ["    # The page at /, to try the service. It needs `docs`.", "    page: bool = True"]
    drift_lines = drift_settings(spec.answers).splitlines()
    fields += drift_lines
    shadows = has_shadow(spec)
    if shadows:
        fields += SHADOW_SETTINGS.splitlines()
    if is_shortened(spec.signature.call, spec.profile):
        fields += [
            "    # Call the steps of the ColumnTransformer directly: serving/fast_column_transformer.py.",
            "    fast_column_transformer: bool = True",
        ]
    imported = (
        ["AliasChoices", "Field"]
        if is_vertex
        else ["Field"]
        if drift_lines or shadows or limit > _LEAST_BYTES
        else []
    )
    return {
        "profile": spec.profile.value,
        "max_body_bytes": f"{limit:_}",
        "opentelemetry": str(opentelemetry),
        "settings_imports": f"from pydantic import {', '.join(imported)}\n\n" if imported else "",
        "plain_port": _VERTEX_PORT if is_vertex else "Field(default=8000, ge=0, le=65535)",
        "plain_imports": "AliasChoices, Field" if is_vertex else "Field",
        "settings_fields": "".join(f"\n{line}" for line in ["", *fields]) if fields else "",
    }
