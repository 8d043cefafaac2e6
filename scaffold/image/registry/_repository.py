"""A client of container registries: manifests, blobs, uploads that go on where they broke off.

On requests, which the Docker SDK brings along, and not on oras-py: that client sends a layer again from a
stream that is already read, waits minutes before it gives up, knows neither image indexes nor mounts, and
writes a manifest's JSON anew, so that its digest is another one.

Source: github.com/opencontainers/distribution-spec, version 1.1.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urljoin, urlsplit

from requests import RequestException, Response
from requests.exceptions import SSLError

from scaffold.errors import (
    DiskFullError,
    ImageError,
    RegistryError,
    RegistryLoginError,
    RepositoryNotFoundError,
    UntrustedRegistryError,
    UploadError,
)
from scaffold.image._disk import needs_room
from scaffold.image._tar import Blob
from scaffold.image.registry._credentials import Credentials
from scaffold.image.registry._login import Login, RegistrySession
from scaffold.image.registry._reference import Reference, is_loopback

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
_DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEXES = (OCI_INDEX, _DOCKER_INDEX)
_ACCEPT = ", ".join((OCI_INDEX, OCI_MANIFEST, _DOCKER_INDEX, _DOCKER_MANIFEST))
_BLOCK_BYTES = 1 << 20
_FULL = re.compile(r'no space left|quota|"Err":\s*28|insufficient storage', re.IGNORECASE)
_LARGEST_MANIFEST_BYTES = 4 << 20  # what registries have to take, and the most that they do
_STORED_S = 1800
_MOST_WAIT_S = 60
_TRANSIENT = (408, 429, 500, 502, 503, 504)

OnBytes = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often a broken request is tried; each wait is twice as long as the one before."""

    attempts: int = 5
    wait_s: float = 0.5


class _BrokenError(Exception):
    """The connection broke, or the registry said that it is overloaded, and for how long."""

    def __init__(self, detail: str, wait_s: float = 0) -> None:
        super().__init__(detail)
        self.wait_s = wait_s


class Repository:
    """One repository at a registry."""

    def __init__(
        self,
        reference: Reference,
        credentials: Credentials | None,
        *,
        insecure: bool = False,
        ca_bundle: Path | None = None,
        patience: Patience = Patience(),
    ) -> None:
        plain = insecure or is_loopback(reference.registry)
        self.registry, self.name = reference.registry, reference.repository
        self._url = f"{'http' if plain else 'https'}://{reference.host}/v2/"
        self._verify: bool | str = str(ca_bundle) if ca_bundle else True
        self._patience = patience
        self._session = RegistrySession()
        self._login = self._session.auth = Login(credentials, self._url, self._verify)
        self._mounted_from: str | None = None

    def manifest(self, version: str) -> tuple[bytes, str, str]:
        """Return a manifest's or index's bytes, its media type and its digest.

        Raises:
            RepositoryNotFoundError: There is none by that tag or digest.
        """
        response = self._ask(
            "GET", f"manifests/{version}", headers={"Accept": _ACCEPT}, stream=True, good=(200,)
        )
        content = self._content(response, f"{self.name}:{version}")
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        if version.startswith("sha256:") and version != digest:
            raise RegistryError(
                f"{self.name}@{version}", response.status_code, f"its bytes have digest {digest}"
            )
        return content, response.headers.get("Content-Type", "").partition(";")[0], digest

    def _content(self, response: Response, what: str) -> bytes:
        """The body of an answer that is small; what is large is no manifest."""
        content = b""
        with response:
            for block in response.iter_content(_BLOCK_BYTES):
                content += block
                if len(content) > _LARGEST_MANIFEST_BYTES:
                    raise RegistryError(what, response.status_code, "it is too large for a manifest")
        return content

    def put_manifest(self, version: str, content: bytes, media_type: str) -> bool:
        """Store a manifest or index; return whether the registry keeps a list of what refers to an image."""
        headers = {"Content-Type": media_type}
        response = self._ask(
            "PUT", f"manifests/{version}", headers=headers, data=content, good=(200, 201, 202)
        )
        return "OCI-Subject" in response.headers

    def has_blob(self, digest: str) -> bool:
        """Return whether the repository holds the blob."""
        return self._ask("HEAD", f"blobs/{digest}", good=(200, 404)).status_code == 200

    def has_manifest(self, version: str) -> bool:
        """Return whether the repository holds the manifest."""
        headers = {"Accept": _ACCEPT}
        return self._ask("HEAD", f"manifests/{version}", headers=headers, good=(200, 404)).status_code == 200

    def read_blob(self, digest: str, path: Path, on_bytes: OnBytes, *, most_bytes: int) -> None:
        """Download a blob to `path`, and go on where a connection broke off.

        Args:
            digest: Of the blob.
            path: Where it goes.
            on_bytes: Called with the size of each piece.
            most_bytes: The size that its manifest says; what goes on beyond that is not read.

        Raises:
            RegistryError: The bytes have another digest, or are more.
        """
        partial = path.with_name(f"{path.name}.part")
        partial.unlink(missing_ok=True)

        def download(_: int) -> None:
            done = partial.stat().st_size if partial.exists() else 0
            headers = {"Range": f"bytes={done}-"} if done else {}
            response = self._request("GET", f"blobs/{digest}", headers=headers, stream=True, good=(200, 206))
            with response, partial.open("ab" if response.status_code == 206 else "wb") as file:
                for block in response.iter_content(_BLOCK_BYTES):
                    if file.tell() + len(block) > most_bytes:
                        raise RegistryError(
                            f"{self.name}@{digest}", response.status_code, f"more than its {most_bytes} bytes"
                        )
                    file.write(block)
                    on_bytes(len(block))

        try:
            with needs_room(path.parent):
                self._retry(download, digest)
            if f"sha256:{_sha256(partial)}" != digest:
                raise RegistryError(f"{self.name}@{digest}", 200, "the bytes that came have another digest")
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)

    def mount_blob(self, digest: str, source: str) -> bool:
        """Take a blob over from another repository of the same registry; return whether it could be."""
        self._mounted_from = source
        try:
            response = self._ask(
                "POST", f"blobs/uploads/?mount={digest}&from={source}", good=(201, 202, 401, 403, 404)
            )
        except RegistryLoginError:
            return False
        finally:
            self._mounted_from = None
        if response.status_code == 202:  # an upload was opened instead
            with contextlib.suppress(ImageError):
                self._ask("DELETE", self._location(response), good=(200, 202, 204, 404, 405))
        return response.status_code == 201

    def push_blob(self, blob: Blob, on_bytes: OnBytes) -> None:
        """Upload a blob that the repository lacks; a broken upload goes on where it broke off.

        Raises:
            UploadError: It broke too often.
            DiskFullError: The registry has no room.
        """
        assert blob.path is not None
        path = blob.path
        place = ""

        def upload(attempt: int) -> None:
            nonlocal place
            if place and self._request("HEAD", f"blobs/{blob.digest}", good=(200, 404)).status_code == 200:
                return  # it had all arrived when the connection broke
            start = self._received(place) if attempt else None
            if start is None:
                place, start = self._location(self._request("POST", "blobs/uploads/", good=(202,))), 0
            if start < blob.size_bytes:
                with path.open("rb") as file:
                    file.seek(start)
                    body = _Body(file, blob.size_bytes - start, on_bytes)
                    headers = {"Content-Type": "application/octet-stream"}
                    if start:
                        headers["Content-Range"] = f"{start}-{blob.size_bytes - 1}"
                    place = self._location(
                        self._request("PATCH", place, headers=headers, data=body, good=(202, 204))
                    )
            joint = "&" if "?" in place else "?"
            put = f"{place}{joint}digest={blob.digest}"
            self._request("PUT", put, good=(201, 204), timeout=(60, _STORED_S))  # it reads all of it again

        self._retry(upload, f"a layer of {blob.size_bytes / 1e6:.0f} MB")

    def _received(self, place: str) -> int | None:
        """How many bytes of an upload the registry holds; nothing where the upload is gone."""
        if not place:
            return None
        response = self._request("GET", place, good=(204, 200, 400, 404, 405))
        found = re.fullmatch(r"(?:bytes=)?0-(\d+)", response.headers.get("Range", ""))
        if response.status_code not in (200, 204) or not found:
            return None
        # `0-0` stands for nothing yet, and for a single byte: starting over is right for both.
        return int(found[1]) + 1 if int(found[1]) else None

    def _location(self, response: Response) -> str:
        place = response.headers.get("Location")
        if not place:
            raise RegistryError(f"an upload to {self.name}", response.status_code, "it names no place for it")
        whole = urlsplit(urljoin(response.url, place))
        ours = urlsplit(self._url)
        # Behind a proxy that ends TLS, a registry may think that it is spoken to plainly.
        return (whole._replace(scheme=ours.scheme) if whole.netloc == ours.netloc else whole).geturl()

    def _ask(self, method: str, path: str, **options: Any) -> Response:
        """Make a request that may be made twice."""
        answers: list[Response] = []
        self._retry(lambda _: answers.append(self._request(method, path, **options)), f"{method} {self.name}")
        return answers[-1]

    def _retry(self, work: Callable[[int], None], what: str) -> None:
        detail, wait_s = "", 0.0
        for attempt in range(self._patience.attempts):
            if attempt:
                time.sleep(max(wait_s, self._patience.wait_s * 2 ** (attempt - 1)))
            try:
                return work(attempt)
            except SSLError as error:
                raise UntrustedRegistryError(self.registry, _plain(error)) from error
            except (_BrokenError, RequestException) as error:
                detail = _plain(error)
                wait_s = error.wait_s if isinstance(error, _BrokenError) else 0.0
        raise UploadError(self.registry, what, self._patience.attempts, detail)

    def _request(self, method: str, path: str, *, good: tuple[int, ...], **options: Any) -> Response:
        """Make one request; log in where the registry asks for it, and say what it refused."""
        url = path if path.startswith(("http:", "https:")) else f"{self._url}{self.name}/{path}"
        options.setdefault("timeout", 60)
        response = self._session.request(method, url, verify=self._verify, **options)
        if response.status_code == 401:
            scopes = [
                f"repository:{self.name}:pull,push" if method != "GET" else f"repository:{self.name}:pull"
            ]
            if self._mounted_from:
                scopes.append(f"repository:{self._mounted_from}:pull")
            if self._login.answer(response, scopes):
                if isinstance(options.get("data"), _Body):
                    raise _BrokenError("the login ran out")
                response = self._session.request(method, url, verify=self._verify, **options)
        if response.status_code in good:
            return response
        raise self._refusal(method, response)

    def _refusal(self, method: str, response: Response) -> Exception:
        """What a status that was not hoped for means."""
        text = "" if method == "HEAD" else response.text[:2000]
        detail = _messages(response, text)
        status = response.status_code
        if status == 507 or (status >= 400 and _FULL.search(text)):
            return DiskFullError(f"the registry {self.registry}", detail or "no space left")
        if status in (401, 403):
            return RegistryLoginError(self.registry, self._login.username, self.name, detail)
        if status == 404:
            return RepositoryNotFoundError(f"{self.registry}/{self.name}", detail)
        if status in _TRANSIENT:
            asked = response.headers.get("Retry-After", "")
            wait_s = min(int(asked), _MOST_WAIT_S) if asked.isdecimal() else 0
            return _BrokenError(f"status {status}: {detail}".rstrip(": "), wait_s)
        return RegistryError(f"{method} {urlsplit(response.url).path}", status, detail)


class _Body:
    """A part of a file as a request's body: its length is known, and it tells what was read."""

    def __init__(self, file: IO[bytes], size_bytes: int, on_bytes: OnBytes) -> None:
        self._file, self._size_bytes, self._on_bytes = file, size_bytes, on_bytes

    def __len__(self) -> int:
        return self._size_bytes

    def __iter__(self) -> Iterator[bytes]:
        while block := self.read():
            yield block

    def read(self, _: int = -1) -> bytes:
        """Return the next block, whatever size is asked for: the layers below ask for very little."""
        block = self._file.read(_BLOCK_BYTES)
        self._on_bytes(len(block))
        return block


def _messages(response: Response, text: str) -> str:
    """What the registry says is wrong, in its own words."""
    try:
        errors = response.json()["errors"]
        said = [str(error.get("message") or error.get("code")) for error in errors]
    except (ValueError, KeyError, TypeError, AttributeError):
        return text.strip().partition("\n")[0][:200]
    return "; ".join(said)


def _plain(error: Exception) -> str:
    """The innermost reason, without the address: that may hold a signature."""
    reason: BaseException = error
    while reason.__context__ is not None:
        reason = reason.__context__
    return re.sub(r"https?://\S+", "…", str(reason)) or type(reason).__name__


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
