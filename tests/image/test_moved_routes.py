"""The check of an image whose owner has moved its routes, or wants a token of their own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from scaffold.errors import ImageCheckError
from scaffold.image._running import ServiceAccess, await_service, check_answers
from scaffold.spec import Recording
from tests.http_server import serving

RECORDING = Recording(requests=({"data": 1},), answers=({"prediction": 0.25},))
TOKEN = {"Authorization": "Bearer s3cret"}


class Moved(BaseHTTPRequestHandler):
    """A service below `/models/churn`, which wants a token for its predictions."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.answer(200 if self.path == "/models/churn/readyz" else 404, b"{}")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        one = b'{"prediction": 0.25}'
        if self.headers["Authorization"] != TOKEN["Authorization"]:
            self.answer(401, b"{}")
        elif self.path == "/models/churn/score":
            self.answer(200, one)
        else:
            self.answer(200, b"[%s]" % b", ".join([one] * body.count(b"data")))

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    with serving(Moved) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "app").mkdir()
    (tmp_path / "app/main.py").write_text('router = APIRouter(prefix="/models/churn")\n')
    return tmp_path


def check(url: str, asking: ServiceAccess) -> None:
    client = await_service(url, "churn:1.0.0", asking, lambda: False, lambda: "its log")
    with contextlib.closing(client):
        check_answers(client, "churn:1.0.0", RECORDING, lambda _: None)


def test_the_prefix_of_the_code_and_the_headers_are_used(url: str, root: Path) -> None:
    check(url, ServiceAccess(root=root, headers=TOKEN))


def test_a_token_that_is_wanted_is_told_with_the_option_for_it(url: str, root: Path) -> None:
    with pytest.raises(ImageCheckError, match="status 401") as caught:
        check(url, ServiceAccess(root=root))
    assert "--header 'Authorization: Bearer ...'" in str(caught.value)


def test_an_image_without_readyz_is_told_at_once(url: str, tmp_path: Path) -> None:
    with pytest.raises(ImageCheckError, match="The service answers 404 to GET /readyz") as caught:
        check(url, ServiceAccess(root=tmp_path))
    assert "its log" in str(caught.value)
