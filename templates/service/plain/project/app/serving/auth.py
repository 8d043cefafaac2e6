"""API keys: the settings have the sha256 of each key, and never the key itself."""

import hashlib
import hmac
from typing import Annotated

from fastapi import HTTPException, Security, WebSocketException
from fastapi.requests import HTTPConnection
from fastapi.security import APIKeyHeader
from starlette._utils import get_route_path

from app.settings import settings

PUBLIC = {"/healthz", "/readyz", "/metrics"}  # a probe and a scraper have no key


class KeyHeader(APIKeyHeader):
    """FastAPI's, for WebSockets too."""

    async def __call__(self, request: HTTPConnection) -> str | None:
        """Return the key that was sent."""
        return request.headers.get(self.model.name)


Key = Annotated[str | None, Security(KeyHeader(name="X-API-Key"))]


async def require_key(connection: HTTPConnection, key: Key) -> None:
    """Answer 401 to a request that has no valid key and needs one; refuse such a WebSocket."""
    found = hashlib.sha256((key or "").encode()).hexdigest()
    known = [part.strip() for part in (settings.api_key_hashes or "").split(",")]
    # Every hash is compared, so that the time tells nothing.
    is_valid = sum(hmac.compare_digest(found, each) for each in known)
    if is_valid or get_route_path(connection.scope) in PUBLIC:
        return
    if connection.scope["type"] == "websocket":
        raise WebSocketException(1008)
    raise HTTPException(401, "A valid API key is needed.")
