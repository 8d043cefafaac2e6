"""API keys: the settings have the sha256 of each key, and never the key itself."""

import hashlib
import hmac
from typing import Annotated

from fastapi import HTTPException, Request, Security
from fastapi.security import APIKeyHeader

from app.settings import settings

PUBLIC = {"/healthz", "/readyz", "/metrics"}  # a probe and a scraper have no key
Key = Annotated[str | None, Security(APIKeyHeader(name="X-API-Key", auto_error=False))]


async def require_key(request: Request, key: Key) -> None:
    """Answer 401 to a request that has no valid key and needs one."""
    found = hashlib.sha256((key or "").encode()).hexdigest()
    known = [part.strip() for part in (settings.api_key_hashes or "").split(",")]
    # Every hash is compared, so that the time tells nothing.
    is_valid = sum(hmac.compare_digest(found, each) for each in known)
    if not is_valid and request.scope["route"].path not in PUBLIC:
        raise HTTPException(401, "A valid API key is needed.")
