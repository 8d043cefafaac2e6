"""A response of the cluster's API that refuses a request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


class ApiError(Exception):
    """The API answered with another status than 2xx: the status, and the `Status` object of its body."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(status, body)
        self.status, self.body = status, body

    @property
    def message(self) -> str:
        """What the API says."""
        return str(self.body.get("message") or f"HTTP status {self.status}")

    @property
    def reason(self) -> str:
        """The machine-readable word for it: `NotFound`, `Conflict`, `Forbidden`."""
        return str(self.body.get("reason") or "")

    @property
    def causes(self) -> list[Mapping[str, str]]:
        """The parts of the object that it is about."""
        details = self.body.get("details") or {}
        return list(details.get("causes") or [])


def status_object(data: bytes) -> Mapping[str, Any]:
    """Return the `Status` object that a body holds, or its text as the message of one."""
    try:
        parsed = json.loads(data)
    except ValueError:
        return {"message": data.decode("utf-8", "replace")[:500]}
    return parsed if isinstance(parsed, dict) else {"message": str(parsed)[:500]}
