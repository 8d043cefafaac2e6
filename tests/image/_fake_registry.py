"""A registry on loopback over real HTTP that fails where a test says so."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import secrets
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.http_server import serving
from tests.image._fake_logins import FakeLogin, OverloadedError, basic

REALM_USER = ("ada", "lovelace")


@dataclass
class FakeRegistry:
    """The content of the registry, the failures to simulate, and the received requests."""

    blobs: dict[str, dict[str, bytes]] = field(default_factory=dict)
    manifests: dict[str, dict[str, tuple[bytes, str]]] = field(default_factory=dict)
    uploads: dict[str, bytearray] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    authorizations: list[str] = field(default_factory=list)
    received_bytes: int = 0
    sent_bytes: int = 0
    """Of blobs without an end."""

    drops: int = 0
    """How many uploads lose their connection half way."""
    drop_after: int = 100_000
    resumable: bool = True
    """Whether it tells how far an upload came."""
    stalls_downloads: int = 0
    """How many downloads lose their connection half way."""
    token: str = ""
    """Asked for where it is set; the token service gives it to `REALM_USER`."""
    basic: bool = False
    login: FakeLogin | None = None
    """In place of `token` and `basic`."""
    patched: int = 202
    """The status of an answer to PATCH: 201 at ECR."""
    capacity: int | None = None
    """Bytes after which the disk is full."""
    referrers: bool = False
    images_only: bool = False
    immutable: bool = False
    """Whether a tag stays with the image that it was given to first."""
    mounts: bool = True
    unknown_repositories: bool = False
    busy: int = 0
    """How many requests are answered with `busy_status`."""
    busy_status: int = 503
    elsewhere: str = ""
    """The host that blobs are fetched from."""
    places: str = ""
    """What stands before the path of an upload: `http://HOST`, or nothing."""
    swallows: int = 0
    """How many uploads are stored without an answer that says so."""
    token_at: str = ""
    """The address that the token service redirects to."""
    forms: list[str] = field(default_factory=list)
    """What the token service was sent."""
    ignores_ranges: bool = False
    """Whether an interrupted download starts from the beginning."""
    endless: bool = False
    """Whether a blob goes on after its end."""
    address: str = ""

    def put_blob(self, repository: str, content: bytes) -> str:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.blobs.setdefault(repository, {})[digest] = content
        return digest

    def put_manifest(self, repository: str, name: str, content: dict[str, Any], media_type: str) -> str:
        text = json.dumps(content).encode()
        digest = f"sha256:{hashlib.sha256(text).hexdigest()}"
        for key in (name, digest):
            self.manifests.setdefault(repository, {})[key] = (text, media_type)
        return digest

    def manifest(self, repository: str, name: str) -> dict[str, Any]:
        return dict(json.loads(self.manifests[repository][name][0]))


@contextmanager
def serving_registry(
    registry: FakeRegistry, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> Iterator[FakeRegistry]:
    """Serve the registry on a free port until the block ends, over TLS with a context for it."""
    handler = type("Handler", (_Handler,), {"registry": registry})
    with serving(handler, host=host, tls=tls) as port:
        registry.address = f"{host}:{port}"
        yield registry


class _Handler(BaseHTTPRequestHandler):
    registry: FakeRegistry
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Log nothing."""

    def do_GET(self) -> None:
        self._answer()

    do_HEAD = do_POST = do_PATCH = do_PUT = do_DELETE = do_GET

    def _answer(self) -> None:
        registry = self.registry
        url = urlsplit(self.path)
        registry.asked.append(f"{self.command} {url.path}")
        registry.authorizations.append(self.headers.get("Authorization", ""))
        if url.path == (registry.login.token_path if registry.login else "/token"):
            return self._token(parse_qs(url.query))
        if registry.busy:
            registry.busy -= 1
            return self._send(registry.busy_status, b"busy", {"Retry-After": "0"})
        if not self._allowed():
            return self._challenge()
        if url.path == "/v2/":
            return self._send(200, b"{}")
        if registry.unknown_repositories and self.command in ("POST", "PUT"):
            return self._errors(404, "NAME_UNKNOWN", "repository name not known to registry")
        match = re.fullmatch(r"/v2/(.+)/(blobs|manifests)/(uploads/)?(.*)", url.path)
        assert match, self.path
        repository, kind, uploads, name = match.groups()
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        if kind == "manifests":
            return self._manifest(repository, name)
        return self._upload(repository, name, query) if uploads else self._blob(repository, name)

    def _allowed(self) -> bool:
        sent = self.headers.get("Authorization", "")
        if self.registry.login:
            return self.registry.login.allows(sent, self.command)
        if self.registry.token:
            return sent == f"Bearer {self.registry.token}"
        if self.registry.basic:
            return sent == basic(*REALM_USER)
        return True

    def _challenge(self) -> None:
        if self.registry.login:
            challenge = self.registry.login.challenge(self.registry.address)
        elif self.registry.basic:
            challenge = 'Basic realm="registry"'
        else:
            challenge = f'Bearer realm="http://{self.registry.address}/token",service="fake"'
        self._body()
        self._errors(401, "UNAUTHORIZED", "authentication required", {"WWW-Authenticate": challenge})

    def _token(self, query: dict[str, list[str]]) -> None:
        text = self._body().decode()
        self.registry.forms.append(text)
        if self.registry.token_at:
            return self._send(307, b"", {"Location": f"http://{self.registry.token_at}/token"})
        form = parse_qs(text)
        sent = self.headers.get("Authorization", "")
        if self.registry.login:
            try:
                answer = self.registry.login.answer(sent, query | form)
            except OverloadedError:
                return self._send(503, b"")
            status = 200 if answer else 401
            return self._send(status, json.dumps(answer or {}).encode())
        if sent == basic(*REALM_USER) or form.get("refresh_token") == ["identity"]:
            return self._send(200, json.dumps({"token": self.registry.token}).encode())
        return self._errors(401, "UNAUTHORIZED", "wrong user or password")

    def _blob(self, repository: str, digest: str) -> None:
        content = self.registry.blobs.get(repository, {}).get(digest)
        if content is None:
            return self._errors(404, "BLOB_UNKNOWN", "blob unknown to registry")
        if self.command == "GET" and self.registry.elsewhere:
            return self._send(307, b"", {"Location": f"http://{self.registry.elsewhere}{self.path}"})
        start = 0
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if found and not self.registry.ignores_ranges:
            start = int(found[1])
        if self.command == "GET" and self.registry.stalls_downloads:
            self.registry.stalls_downloads -= 1
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            self.wfile.write(content[start : start + (len(content) - start) // 2])
            self.close_connection = True
            return None
        if self.command == "GET" and self.registry.endless:
            return self._go_on(content)
        return self._send(206 if start else 200, content[start:])

    def _go_on(self, content: bytes) -> None:
        """Send the content and then zeros, as many as the client reads, at most 64 MiB."""
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        with contextlib.suppress(ConnectionError):
            for part in (content, *[bytes(1 << 20)] * 64):
                self.registry.sent_bytes += len(part)
                self.wfile.write(part)

    def _manifest(self, repository: str, name: str) -> None:
        kept = self.registry.manifests.setdefault(repository, {})
        if self.command == "PUT":
            content = self._body()
            registry = self.registry
            digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
            subject = json.loads(content).get("subject")
            if subject and registry.images_only:
                return self._errors(400, "MANIFEST_INVALID", "unknown artifact type")
            if registry.immutable and name in kept and name != digest:  # as ECR does, of the same image too
                return self._errors(409, "TAG_IMMUTABLE", f"the tag {name} is immutable")
            kept[name] = kept[digest] = (content, self.headers["Content-Type"])
            headers = {"OCI-Subject": subject["digest"]} if subject and registry.referrers else {}
            return self._send(201, b"", {"Docker-Content-Digest": digest, **headers})
        if name not in kept:
            return self._errors(404, "MANIFEST_UNKNOWN", "manifest unknown")
        content, media_type = kept[name]
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        return self._send(200, content, {"Content-Type": media_type, "Docker-Content-Digest": digest})

    def _upload(self, repository: str, name: str, query: dict[str, str]) -> None:
        registry = self.registry
        if self.command == "POST":
            blobs = registry.blobs.setdefault(repository, {})
            source = registry.blobs.get(query.get("from", ""), {})
            if registry.mounts and query.get("mount") in source:
                blobs[query["mount"]] = source[query["mount"]]
                return self._send(201, b"")
            name = secrets.token_hex(8)
            registry.uploads[name] = bytearray()
            return self._send(
                202,
                b"",
                {"Location": f"{registry.places}/v2/{repository}/blobs/uploads/{name}?_state=s3cr3t"},
            )
        if name not in registry.uploads:
            return self._errors(404, "BLOB_UPLOAD_UNKNOWN", "upload unknown")
        upload = registry.uploads[name]
        if self.command == "DELETE":
            del registry.uploads[name]
            return self._send(204, b"")
        if self.command == "GET":
            if not registry.resumable:
                del registry.uploads[name]
                return self._errors(404, "BLOB_UPLOAD_UNKNOWN", "upload unknown")
            return self._send(204, b"", {"Range": f"0-{len(upload) - 1}", "Location": self.path})
        if self.command == "PATCH":
            return self._receive(upload)
        registry.blobs.setdefault(repository, {})
        digest = f"sha256:{hashlib.sha256(upload).hexdigest()}"
        if digest != query["digest"]:
            return self._errors(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        registry.blobs[repository][digest] = bytes(registry.uploads.pop(name))
        if registry.swallows:
            registry.swallows -= 1
            self.close_connection = True
            return None
        return self._send(201, b"")

    def _receive(self, upload: bytearray) -> None:
        registry = self.registry
        length = int(self.headers["Content-Length"])
        if found := re.match(r"(\d+)-", self.headers.get("Content-Range", "")):
            assert int(found[1]) == len(upload), "an upload goes on where it broke off"
        if registry.drops:
            registry.drops -= 1
            upload += self.rfile.read(min(registry.drop_after, length))
            registry.received_bytes += len(upload)
            self.close_connection = True
            self.connection.close()
            return None
        body = self.rfile.read(length)
        registry.received_bytes += length
        if registry.capacity is not None and len(upload) + length > registry.capacity:
            detail = {"DriverName": "filesystem", "Enclosed": {"Op": "write", "Err": 28}}
            error = {"code": "UNKNOWN", "message": "unknown error", "detail": detail}
            return self._send(500, json.dumps({"errors": [error]}).encode())
        upload += body
        return self._send(
            registry.patched,
            b"",
            {"Location": f"{registry.places}{self.path}", "Range": f"0-{len(upload) - 1}"},
        )

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _errors(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps({"errors": [{"code": code, "message": message}]}).encode(), headers)

    def _send(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
