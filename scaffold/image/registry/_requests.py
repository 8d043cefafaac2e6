"""Requests to one repository of a registry, with login, retries, and clear errors."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urljoin, urlsplit

from requests import RequestException, Response

from scaffold.errors import (
    DiskFullError,
    RegistryError,
    RegistryLoginError,
    RepositoryNotFoundError,
    UploadError,
)
from scaffold.image.registry._credentials import Credentials
from scaffold.image.registry._login import Login, RegistrySession
from scaffold.image.registry._reference import Reference, is_loopback
from scaffold.image.registry._tls import certificate_folders, tls_context, tls_error

BLOCK_BYTES = 1 << 20
_FULL = re.compile(r'no space left|quota|"Err":\s*28|insufficient storage', re.IGNORECASE)
_MOST_WAIT_S = 60
_TRANSIENT = (408, 429, 500, 502, 503, 504)
OnBytes = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """The retry policy: each wait is twice as long as the one before."""

    attempts: int = 5
    wait_s: float = 0.5


class BrokenError(Exception):
    """The connection broke, or the registry is overloaded for `wait_s` seconds."""

    def __init__(self, detail: str, wait_s: float = 0) -> None:
        super().__init__(detail)
        self.wait_s = wait_s


class Requests:
    """Sends requests to one repository; paths are relative to it."""

    def __init__(
        self,
        reference: Reference,
        credentials: Credentials | None,
        *,
        insecure: bool,
        ca_bundle: Path | None,
        patience: Patience,
    ) -> None:
        plain = insecure or (is_loopback(reference.registry) and not certificate_folders(reference.host))
        context = tls_context(reference.host, ca_bundle)
        self.registry, self.name = reference.registry, reference.repository
        self._url = f"{'http' if plain else 'https'}://{reference.host}/v2/"
        self._patience = patience
        self._session = RegistrySession(context)
        self._login = self._session.auth = Login(credentials, self._url, context)
        self.mounted_from: str | None = None
        """Another repository that the login must cover, while a blob is mounted from it."""

    def location(self, response: Response) -> str:
        """Return the URL at which an upload continues, from the response's `Location`."""
        place = response.headers.get("Location")
        if not place:
            raise RegistryError(f"an upload to {self.name}", response.status_code, "it names no place for it")
        url = urlsplit(urljoin(response.url, place))
        ours = urlsplit(self._url)
        # Behind a proxy that terminates TLS, a registry may name plain HTTP.
        return (url._replace(scheme=ours.scheme) if url.netloc == ours.netloc else url).geturl()

    def request_with_retries(self, method: str, path: str, **options: Any) -> Response:
        """Send an idempotent request, with retries."""
        answers: list[Response] = []
        work = f"{method} {self.name}"
        is_read = method in ("GET", "HEAD")
        self.retry(lambda _: answers.append(self.request(method, path, **options)), work, is_read=is_read)
        return answers[-1]

    def ping(self, timeout_s: float) -> bool:
        """Request the registry's version endpoint with the stored login; return whether a login is required.

        Raises:
            RegistryLoginError: The registry rejects the login.
            ImageError: The server does not answer, or is not a registry.
        """
        results: list[bool] = []
        self.retry(lambda _: results.append(self._wants_login(timeout_s)), self._url, is_read=True)
        return results[-1]

    def _wants_login(self, timeout_s: float) -> bool:
        first = self._session.get(self._url, timeout=timeout_s)
        if first.status_code not in (200, 401):
            raise self._refusal("GET", first)
        if first.status_code == 401:
            self.request("GET", self._url, good=(200,), timeout=timeout_s)
        return first.status_code == 401

    def retry(self, work: Callable[[int], None], subject: str, *, is_read: bool = False) -> None:
        """Call `work` with the number of the attempt until it succeeds."""
        detail, wait_s = "", 0.0
        for attempt in range(self._patience.attempts):
            if attempt:
                time.sleep(max(wait_s, self._patience.wait_s * 2 ** (attempt - 1)))
            try:
                return work(attempt)
            except (BrokenError, RequestException) as error:
                if refusal := tls_error(_host_of(error) or self.registry, error):
                    raise refusal from error
                detail = _plain(error)
                wait_s = error.wait_s if isinstance(error, BrokenError) else 0.0
        raise UploadError(self.registry, subject, self._patience.attempts, detail, is_read)

    def request(self, method: str, path: str, *, good: tuple[int, ...], **options: Any) -> Response:
        """Send one request; log in if required; raise the error for a refused request."""
        url = path if path.startswith(("http:", "https:")) else f"{self._url}{self.name}/{path}"
        options.setdefault("timeout", 60)
        response = self._session.request(method, url, **options)
        if response.status_code == 401:
            scopes = [
                f"repository:{self.name}:pull,push" if method != "GET" else f"repository:{self.name}:pull"
            ]
            if self.mounted_from:
                scopes.append(f"repository:{self.mounted_from}:pull")
            if self._login.authenticate(response, scopes):
                if isinstance(options.get("data"), Body):
                    raise BrokenError("the login ran out")
                response = self._session.request(method, url, **options)
        if response.status_code in good:
            return response
        raise self._refusal(method, response)

    def _refusal(self, method: str, response: Response) -> Exception:
        """Return the error for an unexpected status."""
        text = "" if method == "HEAD" else response.text[:2000]
        detail = _messages(response, text)
        status = response.status_code
        if status == 507 or (status >= 400 and _FULL.search(text)):
            return DiskFullError(f"the registry {self.registry}", detail or "no space left")
        if status in (401, 403):
            return RegistryLoginError(self.registry, self._login.display_name, self.name, detail)
        if status == 404:
            pushed = method in ("POST", "PATCH", "PUT")
            return RepositoryNotFoundError(f"{self.registry}/{self.name}", detail, pushed)
        if status in _TRANSIENT:
            retry_after = response.headers.get("Retry-After", "")
            wait_s = min(int(retry_after), _MOST_WAIT_S) if retry_after.isdecimal() else 0
            return BrokenError(f"status {status}: {detail}".rstrip(": "), wait_s)
        return RegistryError(f"{method} {urlsplit(response.url).path}", status, detail)


class Body:
    """A part of a file as a request's body, of known length; reports progress."""

    def __init__(self, file: IO[bytes], size_bytes: int, on_bytes: OnBytes) -> None:
        self._file, self._size_bytes, self._on_bytes = file, size_bytes, on_bytes

    def __len__(self) -> int:
        return self._size_bytes

    def __iter__(self) -> Iterator[bytes]:
        while block := self.read():
            yield block

    def read(self, _: int = -1) -> bytes:
        """Return the next block and ignore the size: HTTP libraries request very small blocks."""
        block = self._file.read(BLOCK_BYTES)
        self._on_bytes(len(block))
        return block


def _messages(response: Response, text: str) -> str:
    """Return the error messages in the registry's response."""
    try:
        errors = response.json()["errors"]
        messages = [str(error.get("message") or error.get("code")) for error in errors]
    except (ValueError, KeyError, TypeError, AttributeError):
        return text.strip().partition("\n")[0][:200]
    return "; ".join(messages)


def _host_of(error: Exception) -> str:
    """Return the host of the failed request, which may be a token service."""
    request = error.request if isinstance(error, RequestException) else None
    return str(urlsplit(request.url or "").netloc) if request else ""


def _plain(error: Exception) -> str:
    """Return the innermost reason without URLs, which may hold a signature."""
    reason: BaseException = error
    while reason.__context__ is not None:
        reason = reason.__context__
    return re.sub(r"https?://\S+", "…", str(reason)) or type(reason).__name__
