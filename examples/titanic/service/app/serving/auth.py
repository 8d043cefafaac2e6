"""API keys: of each key the settings have the sha256, and never the key itself."""

import hashlib
import hmac
from collections.abc import Mapping

from fastapi import HTTPException
from fastapi.security import APIKeyHeader

from app.serving.settings import ServingSettings

SCHEME = APIKeyHeader(name="X-API-Key")
PROBES = {"/healthz", "/readyz"}


class KeyCheck:
    """Whether a request may pass: with `X-API-Key: KEY`, or `Authorization: Bearer KEY`."""

    def __init__(self, settings: ServingSettings) -> None:
        hashes = settings.api_key_hashes or ""
        self._hashes = [part.strip() for part in hashes.split(",") if part.strip()]
        public = {path.strip() for path in settings.public_paths.split(",")}
        self._public = tuple(PROBES | public)
        self._pages = tuple(f"{path}/" for path in public if path)
        self._root_path = settings.root_path

    def require(self, path: str, headers: Mapping[bytes, bytes]) -> None:
        """Raise 401 for a request that has no valid key and needs one."""
        if not self._hashes:
            return
        path = path.removeprefix(self._root_path)
        if path in self._public or path.startswith(self._pages):
            return
        kind, _, token = headers.get(b"authorization", b"").partition(b" ")
        key = headers.get(b"x-api-key", token if kind.lower() == b"bearer" else b"")
        found = hashlib.sha256(key).hexdigest()
        # Every hash is compared, so that the time tells nothing.
        if not sum(hmac.compare_digest(found, known) for known in self._hashes):
            raise HTTPException(401, "A valid API key is needed.", {"WWW-Authenticate": "Bearer"})
