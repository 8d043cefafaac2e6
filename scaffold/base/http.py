"""JSON and files over HTTP from a server that is asked with credentials."""

from __future__ import annotations

import json
import os
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from scaffold.base.facts import one_line
from scaffold.base.urls import encoded_login, without_credentials

TIMEOUT_S = 10.0
"""The longest wait for an answer, and for the next bytes of a file."""
_MOST_JSON_BYTES = 16 << 20
_CHUNK_BYTES = 1 << 20
_LEAST_BYTES_S = 1024
"""A file that comes more slowly than this, counted from its start, is not waited for."""


class RefusedError(Exception):
    """The server answers with an error. `args` are its status and its message."""


class NoAnswerError(Exception):
    """The server does not answer. `args[0]` says why."""


class Server:
    """A server at a URL; the credentials in that URL, or those of `login`, go to that server alone."""

    def __init__(self, url: str, *, login: str = "", certificate: str = "") -> None:
        """Take the URL of a server.

        Args:
            url: `https://host/prefix`, with or without user and password.
            login: The value of the header `Authorization`; none when empty.
            certificate: A file of the authorities that the server's certificate is checked by.

        Raises:
            NoAnswerError: The URL or the certificate cannot be used.
        """
        try:
            parts = urlsplit(url)
        except ValueError as error:
            raise NoAnswerError(f"{without_credentials(url)} is no URL") from error
        host = parts.netloc.rpartition("@")[2]
        self.url = urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))
        """Without credentials."""
        if not login and parts.username:
            login = f"Basic {encoded_login(parts.username, parts.password or '')}"
        self._headers = {"Authorization": login} if login else {}
        try:
            context = ssl.create_default_context(cafile=certificate or None)
        except OSError as error:
            raise NoAnswerError(f"{certificate} is no file of certificates") from error
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=context), _SameServer(parts.scheme, host)
        )

    def json(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        """Return the object that the server answers with.

        Raises:
            RefusedError: It answers with an error.
            NoAnswerError: It does not answer in time, or with something else.
        """
        return self._object(self._chunks(path, query, 1 << 16))

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send an object, and return the object that the server answers with.

        Raises:
            RefusedError, NoAnswerError: As for `json`.
        """
        return self._object(self._chunks(path, {}, 1 << 16, json.dumps(body).encode()))

    def _object(self, chunks: Iterator[bytes]) -> dict[str, Any]:
        body = self._read_body(chunks)
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise NoAnswerError(f"{self.url} answers with something else than JSON") from error
        if not isinstance(answer, dict):
            raise NoAnswerError(f"{self.url} answers with something else than an object")
        return answer

    def download(self, path: str, target: Path) -> None:
        """Write what the server answers with to a new file.

        Raises:
            RefusedError, NoAnswerError: As for `json`.
        """
        begin = time.monotonic()
        with target.open("xb") as file:
            for chunk in self._chunks(path, {}, _CHUNK_BYTES):
                file.write(chunk)
                waited = time.monotonic() - begin
                if waited > TIMEOUT_S and file.tell() < _LEAST_BYTES_S * waited:
                    raise NoAnswerError(f"{self.url} sends less than {_LEAST_BYTES_S} bytes a second")

    def _read_body(self, chunks: Iterator[bytes]) -> bytes:
        deadline = time.monotonic() + TIMEOUT_S
        body = bytearray()
        for chunk in chunks:
            body += chunk
            if len(body) > _MOST_JSON_BYTES or time.monotonic() > deadline:
                raise NoAnswerError(f"{self.url} sends an answer without end")
        return bytes(body)

    def _chunks(
        self, path: str, query: Mapping[str, str], size: int, body: bytes | None = None
    ) -> Iterator[bytes]:
        url = f"{self.url}/{quote(path)}" + (f"?{urlencode(query)}" if query else "")
        headers = self._headers | ({"Content-Type": "application/json"} if body is not None else {})
        request = urllib.request.Request(url, body, headers)  # noqa: S310 - http or https, by the caller
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as answer:
                while chunk := answer.read1(size):
                    yield chunk
                if answer.length:
                    raise NoAnswerError(f"{self.url} breaks off in the middle of an answer")
        except urllib.error.HTTPError as error:
            raise RefusedError(error.code, self._message_of(error)) from error
        except TimeoutError as error:
            raise NoAnswerError(f"{self.url} does not answer within {TIMEOUT_S:.0f} s") from error
        except urllib.error.URLError as error:
            if isinstance(error.reason, TimeoutError):
                raise NoAnswerError(f"{self.url} does not answer within {TIMEOUT_S:.0f} s") from error
            raise NoAnswerError(f"{self.url} cannot be reached: {error.reason}") from error
        except (OSError, HTTPException, ValueError) as error:
            raise NoAnswerError(f"{self.url} cannot be reached: {error}") from error

    def _message_of(self, error: urllib.error.HTTPError) -> str:
        """Return what the server says about an error, in one line."""
        try:
            body = json.loads(self._read_body(iter(lambda: error.read1(1 << 16), b"")))
            message = str(body["message"])
        except (OSError, ValueError, LookupError, TypeError, RecursionError, NoAnswerError, HTTPException):
            message = str(error.reason)
        return one_line((message.strip().splitlines() or [""])[0])


def mlflow_server(url: str) -> Server:
    """Return the server of MLflow at a URL, with the login of MLflow's environment variables.

    Raises:
        NoAnswerError: The URL or the certificate cannot be used.
    """
    user, password, token, certificate = (
        os.environ.get(f"MLFLOW_TRACKING_{name}", "")
        for name in ("USERNAME", "PASSWORD", "TOKEN", "SERVER_CERT_PATH")
    )
    login = f"Bearer {token}" if token else ""
    if user:
        login = f"Basic {encoded_login(user, password)}"
    return Server(url, login=login, certificate=certificate)


class _SameServer(urllib.request.HTTPRedirectHandler):
    """Follow redirects on the same server only: another one would get the credentials."""

    def __init__(self, scheme: str, host: str) -> None:
        self._place = (scheme, host)

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """Return the next request; None, and so an error, for another server."""
        parts = urlsplit(newurl)
        if (parts.scheme, parts.netloc) != self._place:
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)
