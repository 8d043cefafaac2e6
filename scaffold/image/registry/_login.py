"""The login at a registry: answer the challenge of a 401, and keep the token while it is valid.

Source: distribution.github.io/distribution/spec/auth, on tokens and on OAuth2.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest, Response, Session
from requests.auth import AuthBase

from scaffold.base.urls import encoded_login
from scaffold.image.registry._credentials import Credentials
from scaffold.image.registry._tls import TlsAdapter

_PARAMETER = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,"]+))')
# Its parameters end where another challenge begins: `Bearer realm="a", Basic realm="b"`.
_TOKEN_CHALLENGE = re.compile(rf"\bBearer\s+((?:{_PARAMETER.pattern}[\s,]*)*)", re.IGNORECASE)
_BASIC_CHALLENGE = re.compile(r"\bBasic\b", re.IGNORECASE)


class RegistrySession(Session):
    """A session that sends credentials to one host only, also after a redirect."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__()
        self.mount("https://", TlsAdapter(context))

    def rebuild_auth(self, prepared_request: PreparedRequest, response: Response) -> None:
        """Drop the `Authorization` header for another host; a password of `~/.netrc` is never added."""
        if self.should_strip_auth(response.request.url or "", prepared_request.url or ""):
            prepared_request.headers.pop("Authorization", None)


class Login(AuthBase):
    """Sets the `Authorization` header of a session's requests for one repository.

    It is set as the session's `auth`, which also stops the requests library from using a password of
    `~/.netrc`.
    """

    def __init__(self, credentials: Credentials | None, url: str, context: ssl.SSLContext) -> None:
        self._credentials, self._context = credentials, context
        self._origin = urlsplit(url)[:2]  # scheme and host
        self._header = ""

    @property
    def display_name(self) -> str | None:
        """The user for error messages; `the token of docker login` for a token; None without a login."""
        if self._credentials is None:
            return None
        return self._credentials.username or "the token of docker login"

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Set the `Authorization` header, unless the request is to another host, such as blob storage."""
        if self._header and urlsplit(request.url or "")[:2] == self._origin:
            request.headers["Authorization"] = self._header
        return request

    def authenticate(self, response: Response, scopes: list[str]) -> bool:
        """Get credentials for the challenge of a 401 response.

        Returns whether they are new, so that a retry may succeed.

        Args:
            response: The response with the challenge.
            scopes: Such as `repository:team/churn:pull`.
        """
        challenge = response.headers.get("WWW-Authenticate", "")
        if match := _TOKEN_CHALLENGE.search(challenge):
            challenge_parameters = {
                name: quoted or plain for name, quoted, plain in _PARAMETER.findall(match[1])
            }
            token = self._fetch_token(challenge_parameters, scopes)
            header = f"Bearer {token}" if token else ""
        elif _BASIC_CHALLENGE.search(challenge):
            header = self._basic_header()
        else:
            header = ""
        changed, self._header = header != self._header, header
        return bool(header) and changed

    def _basic_header(self) -> str:
        """Return the header with user and password; empty without a login."""
        if self._credentials is None:
            return ""
        return f"Basic {encoded_login(self._credentials.username, self._credentials.password)}"

    def _fetch_token(self, challenge_parameters: dict[str, str], scopes: list[str]) -> str:
        """Return a token from the token service; empty if it refuses.

        Raises:
            RequestException: The token service does not answer, or is overloaded.
        """
        realm = challenge_parameters.get("realm", "")
        if self._origin[0] == "https" and not realm.startswith("https:"):
            return ""  # no password over plain HTTP if the registry itself uses HTTPS
        parameters: dict[str, Any] = {"service": challenge_parameters.get("service", ""), "scope": scopes}
        with RegistrySession(self._context) as session:
            if self._credentials and self._credentials.identity_token:
                form = {
                    "grant_type": "refresh_token",
                    "refresh_token": self._credentials.identity_token,
                    "client_id": "model-scaffold",
                    "service": parameters["service"],
                    "scope": " ".join(scopes),
                }
                # A redirect may name another host, which must not get the token.
                response = session.post(realm, data=form, timeout=30, allow_redirects=False)
            else:
                auth = _authorization(self._basic_header())
                response = session.get(realm, params=parameters, auth=auth, timeout=30)
        if response.status_code == 429 or response.status_code >= 500:
            response.raise_for_status()  # raises RequestException, which `Requests.retry` retries
        if response.status_code != 200:
            return ""
        try:
            document = response.json()
        except ValueError:
            return ""
        if not isinstance(document, dict):
            return ""
        return str(document.get("token") or document.get("access_token") or "")


def _authorization(header: str) -> Callable[[PreparedRequest], PreparedRequest]:
    """Return an `auth` function that sets this `Authorization` header; none is set if it is empty.

    With it, the requests library does not use a password of `~/.netrc`.
    """

    def set_header(request: PreparedRequest) -> PreparedRequest:
        if header:
            request.headers["Authorization"] = header
        return request

    return set_header
