"""The login at a registry: answer the challenge of a 401, and keep the token while it is valid.

Source: distribution.github.io/distribution/spec/auth, on tokens and on OAuth2.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest, Response, Session
from requests.auth import AuthBase, _basic_auth_str

from scaffold.image.registry._credentials import Credentials

_PARAMETER = re.compile(r'(\w+)="([^"]*)"')


class RegistrySession(Session):
    """A session whose credentials stay with the host that they are for, whatever a redirect names."""

    def rebuild_auth(self, prepared_request: PreparedRequest, response: Response) -> None:
        """Sign a redirected request only for the same host; a password of `~/.netrc` is never added."""
        if self.should_strip_auth(response.request.url or "", prepared_request.url or ""):
            prepared_request.headers.pop("Authorization", None)


class Login(AuthBase):
    """Signs the requests of a session for one repository.

    As the session's `auth` it also keeps requests from putting a password of `~/.netrc` in its place.
    """

    def __init__(self, credentials: Credentials | None, url: str, verify: bool | str) -> None:
        self._credentials, self._verify = credentials, verify
        self._place = urlsplit(url)[:2]
        self._header = ""

    @property
    def username(self) -> str | None:
        """Who we are, or nothing for a request without a login."""
        if self._credentials is None:
            return None
        return self._credentials.username or "the token of docker login"

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Sign a request that is about to go; one to another host, where a blob may lie, stays unsigned."""
        if self._header and urlsplit(request.url or "")[:2] == self._place:
            request.headers["Authorization"] = self._header
        return request

    def answer(self, refused: Response, scopes: list[str]) -> bool:
        """Get what a 401 asks for; return whether there is something new to try."""
        challenge = refused.headers.get("WWW-Authenticate", "")
        scheme, _, rest = challenge.partition(" ")
        if scheme.lower() == "bearer":
            token = self._fetch_token(dict(_PARAMETER.findall(rest)), scopes)
            header = f"Bearer {token}" if token else ""
        elif scheme.lower() == "basic" and self._credentials:
            header = _basic_auth_str(self._credentials.username, self._credentials.password)
        else:
            header = ""
        changed, self._header = header != self._header, header
        return bool(header) and changed

    def _fetch_token(self, asked: dict[str, str], scopes: list[str]) -> str:
        """Ask the token service; nothing where it refuses."""
        realm = asked.get("realm", "")
        if self._place[0] == "https" and not realm.startswith("https:"):
            return ""  # no password over plain HTTP if the registry itself uses HTTPS
        wanted: dict[str, Any] = {"service": asked.get("service", ""), "scope": scopes}
        with RegistrySession() as session:
            if self._credentials and self._credentials.identity_token:
                form = {
                    "grant_type": "refresh_token",
                    "refresh_token": self._credentials.identity_token,
                    "client_id": "model-scaffold",
                    "service": wanted["service"],
                    "scope": " ".join(scopes),
                }
                # A redirect may name another host, which must not get the token.
                response = session.post(
                    realm, data=form, verify=self._verify, timeout=30, allow_redirects=False
                )
            else:
                auth = (
                    (self._credentials.username, self._credentials.password) if self._credentials else _nobody
                )
                response = session.get(realm, params=wanted, auth=auth, verify=self._verify, timeout=30)
        if response.status_code != 200:
            return ""
        try:
            found = response.json()
        except ValueError:
            return ""
        if not isinstance(found, dict):
            return ""
        return str(found.get("token") or found.get("access_token") or "")


def _nobody(request: PreparedRequest) -> PreparedRequest:
    """Send a request unsigned, whatever `~/.netrc` says."""
    return request
