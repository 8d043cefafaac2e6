"""A layer of more than 4 GiB is uploaded in little memory, and resumed beyond 4 GiB."""

from __future__ import annotations

import json
import subprocess
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.http_server import serving

SIZE_BYTES = (4 << 30) + (64 << 20)
BROKEN_AT = (4 << 30) + (1 << 20)
MOST_GROWTH_MIB = 32
DIGEST = "sha256:" + "0" * 64
UPLOAD = """
import json, resource, sys
from pathlib import Path
from scaffold.image._tar import Blob
from scaffold.image.registry._reference import parse_reference
from scaffold.image.registry._repository import Repository
address, path, digest, size_bytes = sys.argv[1:]
blob = Blob(digest=digest, size_bytes=int(size_bytes), media_type="x", path=Path(path))
memory = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = memory()
Repository(parse_reference(f"{address}/team/churn:1"), None).push_blob(blob, lambda _: None)
print(json.dumps((memory() - before) / 1024))
"""


class Sink(BaseHTTPRequestHandler):
    """A registry that counts the bytes of one upload, and loses the connection once."""

    received = 0
    patched: list[str | None]
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self._answer(202)

    def do_HEAD(self) -> None:
        self._answer(404)

    def do_GET(self) -> None:
        self._answer(204)

    def do_PUT(self) -> None:
        self._answer(201 if Sink.received == SIZE_BYTES else 400)

    def do_PATCH(self) -> None:
        Sink.patched.append(self.headers.get("Content-Range"))
        left = int(self.headers["Content-Length"])
        while left:
            count = len(self.rfile.read(min(left, 1 << 20)))
            left -= count
            Sink.received += count
            if Sink.received == BROKEN_AT and len(Sink.patched) == 1:
                self.close_connection = True
                self.connection.close()
                return
        self._answer(202)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Location", "/v2/team/churn/blobs/uploads/1")
        self.send_header("Range", f"0-{Sink.received - 1}")
        if status != 204:
            self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.mark.slow
def test_a_layer_of_more_than_4_gib_is_resumed_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "layer"
    with path.open("wb") as file:
        file.truncate(SIZE_BYTES)  # a hole, which takes no room
    Sink.received, Sink.patched = 0, []
    with serving(Sink) as port:
        command = [sys.executable, "-c", UPLOAD, f"127.0.0.1:{port}", str(path), DIGEST, str(SIZE_BYTES)]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    assert Sink.patched == [None, f"{BROKEN_AT}-{SIZE_BYTES - 1}"]
    assert Sink.received == SIZE_BYTES
    assert json.loads(done.stdout) < MOST_GROWTH_MIB
