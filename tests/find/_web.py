"""A web server of files, on loopback: with an ETag for each, a login, and paths that never answer."""

from __future__ import annotations

import contextlib
import hashlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests.http_server import serving


@dataclass
class Web:
    """What the server has; a test changes it."""

    files: dict[str, bytes] = field(default_factory=dict)
    login: str = ""
    """The header that is asked for."""
    has_etags: bool = True
    asked: list[str] = field(default_factory=list)
    url: str = ""


@contextlib.contextmanager
def web() -> Iterator[Web]:
    """Run the server."""
    server = Web()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def _answer(self, *, with_body: bool) -> None:
            server.asked.append(f"{self.command} {self.path}")
            content = server.files.get(self.path.partition("?")[0].lstrip("/"))
            refused = bool(server.login) and self.headers.get("Authorization") != server.login
            status = 401 if refused else 404 if content is None else 200
            body = (content or b"") if status == 200 else b"no"
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if status == 200 and server.has_etags:
                self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()[:12]}"')
            self.end_headers()
            if with_body:
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with serving(Handler) as port:
        server.url = f"http://127.0.0.1:{port}"
        yield server


@contextlib.contextmanager
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as listening:
        yield int(listening.getsockname()[1])
