"""A response of the cluster's API that refuses a request."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from typing import Any

UNTRUSTED = "certificate verify failed"
"""The message of the standard library about a certificate of an unknown CA."""


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


def status_object(body: bytes) -> Mapping[str, Any]:
    """Return the `Status` object that a body holds, or its text as the message of one."""
    try:
        parsed = json.loads(body)
    except ValueError:
        return {"message": body.decode("utf-8", "replace")[:500]}
    return parsed if isinstance(parsed, dict) else {"message": str(parsed)[:500]}


def handshake_error(text: str) -> ApiError:
    """Return the refusal of a websocket from the text that its client makes of it.

    The text is `Handshake status 403 Forbidden -+-+- {headers} -+-+- {"kind": "Status", ...}`; older clients
    write the body as a literal of bytes.
    """
    status = re.search(r"Handshake status (\d{3})", text)
    parts = text.split(" -+-+- ")
    body = parts[-1] if len(parts) == 3 else parts[0]
    if body.startswith(("b'", 'b"')):
        body = str(ast.literal_eval(body), "utf-8", "replace")
    if body == "None":
        body = parts[0]
    return ApiError(int(status[1]) if status else 0, status_object(body.encode()))
