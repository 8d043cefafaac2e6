"""The values of the serving code: the limits that follow from the sample."""

from __future__ import annotations

import json

from scaffold.spec import ProjectSpec

_LEAST_BYTES = 1 << 20
_RECORDS = 64
"""Records as large as the largest of the sample that a body has room for."""


def serving_values(spec: ProjectSpec) -> dict[str, object]:
    """Return the values of `app/settings.py`.

    `max_body_bytes` is a power of two: room for a thousand ordinary records, and for a batch of large ones.
    """
    largest = max((len(json.dumps(request)) for request in spec.recording.requests), default=0)
    limit = _LEAST_BYTES
    while limit < _RECORDS * largest:
        limit *= 2
    return {"max_body_bytes": f"{limit:_}"}
