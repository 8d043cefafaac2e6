"""URLs and logins over HTTP. Standard library only."""

from __future__ import annotations

import base64
import re

_USER = re.compile(r"(?<=://)[^/?#\s]*@")
_KEPT = re.compile(r"(versionid|version_id|generation|snapshot)=[A-Za-z0-9._:-]*", re.IGNORECASE)


def without_credentials(text: str) -> str:
    """Return `text` with each URL in it without user, password and query.

    Signed URLs have their signature in the query. What names a version there stays: `?versionId=...`.
    """
    return re.sub(r"[a-zA-Z][a-zA-Z0-9+.-]*://\S+", lambda match: _cleaned(match[0]), text)


def encoded_login(user: str, password: str) -> str:
    """Return user and password as `Authorization: Basic` and Docker's configuration have them, in UTF-8."""
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def _cleaned(url: str) -> str:
    place, _, query = _USER.sub("", url).partition("#")[0].partition("?")
    kept = "&".join(part for part in query.split("&") if _KEPT.fullmatch(part))
    return f"{place}?{kept}" if kept else place
