"""The values of the serving code: the limits that follow from the sample."""

from __future__ import annotations

import json

from scaffold.render._knobs import read_opentelemetry
from scaffold.render._score import is_shortened
from scaffold.spec import ProjectSpec

_LEAST_BYTES, _MOST_BYTES = 1 << 20, 1 << 24
_RECORDS, _LARGE_RECORDS = 1000, 4
"""How many records a body has room for: as many as a batch may have, or a few where they are large."""


def serving_values(spec: ProjectSpec) -> dict[str, object]:
    """Return the fields of `Settings` in `app/settings.py`: those of the fast profile as finished lines.

    `max_body_bytes` follows from the largest record of the sample, `opentelemetry` from that answer.

    Raises:
        InvalidAnswerError: The answer is neither true nor false.
    """
    largest = max((len(json.dumps(request)) for request in spec.recording.requests), default=0)
    wanted = max(min(_RECORDS * largest, _MOST_BYTES), _LARGE_RECORDS * largest)
    limit = _LEAST_BYTES
    while limit < wanted:
        limit *= 2
    fields = []
    if limit > _LEAST_BYTES:
        fields.append(f"    max_body_bytes: int = Field(default={limit:_}, ge=1)")
    opentelemetry = read_opentelemetry(spec.answers)
    if opentelemetry:
        fields.append("    opentelemetry: bool = True")
    if is_shortened(spec.signature.call, spec.profile):
        fields += [
            "    # Call the steps of the ColumnTransformer directly: serving/fast_column_transformer.py.",
            "    fast_column_transformer: bool = True",
        ]
    return {
        "profile": spec.profile.value,
        "max_body_bytes": f"{limit:_}",
        "opentelemetry": str(opentelemetry),
        "settings_imports": "from pydantic import Field\n\n" if limit > _LEAST_BYTES else "",
        "settings_fields": "".join(f"\n{line}" for line in ["", *fields]) if fields else "",
    }
