"""The check of an image whose owner has moved its routes, or wants a token of their own."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import SimpleNamespace

import pytest

from scaffold.base.client import free_port
from scaffold.errors import ImageCheckError, ImageNotRunnableError
from scaffold.image._running import ServiceAccess, await_service, check_answers, run_container
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


class Container:
    """A container as docker-py describes it, which runs commands on this machine."""

    def __init__(self, status: str, ports: dict[str, list[dict[str, str]]], inside: str = "") -> None:
        self.status, self.ports, self.inside = status, ports, inside

    def reload(self) -> None:
        """Change nothing."""

    def remove(self, *, force: bool) -> None:
        self.status = f"removed, force={force}"

    def logs(self, tail: int) -> bytes:
        return b"exec format error"

    def exec_run(self, command: list[str]) -> SimpleNamespace:
        arguments = [self.inside if part == "8000" else part for part in command[1:]]
        ended = subprocess.run([sys.executable, *arguments], capture_output=True, check=False)
        return SimpleNamespace(exit_code=ended.returncode, output=ended.stdout)


def run(container: Container, root: Path) -> None:
    engine = SimpleNamespace(containers=SimpleNamespace(run=lambda *_, **__: container))
    access = ServiceAccess(root=root)
    with run_container(engine, "sha256:0", "churn:1.0.0", access, host_network=False):
        pass


def test_a_container_that_ended_before_it_had_a_port_is_shown_with_its_log(root: Path) -> None:
    container = Container("exited", {})
    with pytest.raises(ImageCheckError, match="exec format error"):
        run(container, root)
    assert container.status == "removed, force=True"


def test_moved_routes_on_another_machine_are_told_from_a_service_that_is_not_ready(
    url: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scaffold.image._running._READY_S", 1)
    inside = url.rpartition(":")[2]
    published = {"8000/tcp": [{"HostPort": str(free_port())}]}
    with pytest.raises(ImageNotRunnableError, match="it answers /models/churn/readyz in the container"):
        run(Container("running", published, inside), root)
    (root / "app/main.py").write_text("")
    with pytest.raises(ImageCheckError, match="It was not ready after 1 s"):
        run(Container("running", published, inside), root)


def test_an_image_without_readyz_is_told_at_once(url: str, tmp_path: Path) -> None:
    with pytest.raises(ImageCheckError, match="The service answers 404 to GET /readyz") as caught:
        check(url, ServiceAccess(root=tmp_path))
    assert "its log" in str(caught.value)
