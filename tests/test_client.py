"""The HTTP client for services, and the loop that waits for them."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from scaffold.base.client import Answer, Client, Retries, free_port, wait_until_ready
from scaffold.base.routes import possible_prefixes
from scaffold.errors import NoReadinessError, ServiceFailedError


class Scripted(ThreadingHTTPServer):
    """A server that answers each request with the next of its statuses, and then always with the last one."""

    statuses: list[int]
    seen: list[tuple[str, str, str]]


class Handler(BaseHTTPRequestHandler):
    server: Scripted

    def do_GET(self) -> None:
        self.server.seen.append((self.command, self.path, self.headers["X-API-Key"] or ""))
        status = self.server.statuses.pop(0) if len(self.server.statuses) > 1 else self.server.statuses[0]
        if not status:  # the connection breaks off
            self.connection.close()
            return
        body = b"plain text" if status == 200 else b'{"detail": 1}'
        self.send_response(status)
        self.send_header("Retry-After", "0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextlib.contextmanager
def answering(*statuses: int) -> Iterator[tuple[str, Scripted]]:
    server = Scripted(("127.0.0.1", 0), Handler)
    server.statuses, server.seen = list(statuses), []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_connection_that_the_server_closed_between_two_requests_is_opened_anew() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1"
    with socket.create_server(("127.0.0.1", 0)) as server, contextlib.ExitStack() as stack:
        server.settimeout(10)
        client = stack.enter_context(
            contextlib.closing(Client(f"http://127.0.0.1:{server.getsockname()[1]}"))
        )
        with ThreadPoolExecutor(1) as pool:
            for _ in range(2):
                sent = pool.submit(client.score, {"x": 1})
                connection, _ = server.accept()
                with connection:
                    connection.recv(1 << 16)
                    connection.sendall(answer)
                    assert sent.result(10).body == 1


def test_a_response_that_is_not_json_is_its_text() -> None:
    with answering(200) as (url, _), contextlib.closing(Client(url)) as client:
        answer = client.get("/docs")
        assert (answer.status, answer.body, answer.is_json) == (200, "plain text", False)


def test_a_path_and_headers_of_the_client_go_with_each_request() -> None:
    with (
        answering(404) as (url, server),
        contextlib.closing(Client(f"{url}/models/", headers={"X-API-Key": "key"})) as client,
    ):
        assert client.post("/score", {"data": 1}).body == {"detail": 1}
        client.another().post("/score", {"data": 1})
        assert client.probe() == "404"
        assert server.seen == [
            ("POST", "/models/score", "key"),
            ("POST", "/models/score", "key"),
            ("GET", "/models/readyz", "key"),
        ]


@pytest.mark.parametrize(("statuses", "asked"), [((0, 503, 404), 3), ((503, 503, 503, 404), 3), ((404,), 1)])
def test_requests_to_a_busy_service_are_repeated_as_often_as_set(
    statuses: tuple[int, ...], asked: int
) -> None:
    with answering(*statuses) as (url, server):
        with contextlib.closing(Client(url, retries=Retries(attempts=3, pause_s=0.01))) as client:
            answer: Answer = client.post("/score", 1)
        assert len(server.seen) == asked
        assert answer.status == (503 if len(statuses) == 4 else 404)


def test_a_service_that_ended_is_named_with_the_request() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(ServiceFailedError, match=f"The service broke off at POST {url}/score: "):
        Client(url).post("/score", 1)
    ready = wait_until_ready(Client(url), timeout_s=0.05, poll_s=0.01)
    assert not ready.is_ready
    assert "refused" in ready.last
    assert ready.waited_s > 0.05


def test_the_wait_ends_when_the_service_is_ready_or_over() -> None:
    with answering(503, 503, 200) as (url, server):
        assert wait_until_ready(Client(url), timeout_s=10, poll_s=0.01).is_ready
        assert len(server.seen) == 3
    over = iter((False, True))
    with answering(503) as (url, server):
        ended = wait_until_ready(Client(url), timeout_s=10, poll_s=0.01, is_over=lambda: next(over))
        assert (ended.is_ready, ended.last, len(server.seen)) == (False, "503", 1)


@pytest.mark.parametrize("status", [301, 307, 400, 401, 403, 404, 405])
def test_the_wait_ends_after_some_refusals_in_a_row(status: int) -> None:
    with answering(status) as (url, server):
        ready = wait_until_ready(Client(url), timeout_s=10, poll_s=0.01, most_refusals=3)
        assert (ready.is_ready, ready.last, len(server.seen)) == (False, str(status), 3)
    with answering(status, status, 503, status, status, 200) as (url, server):
        assert wait_until_ready(Client(url), timeout_s=10, poll_s=0.01, most_refusals=3).is_ready


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_service_is_waited_for(status: int) -> None:
    with answering(*[status] * 6, 200) as (url, _):
        assert wait_until_ready(Client(url), timeout_s=10, poll_s=0.01, most_refusals=3).is_ready


@pytest.mark.parametrize(
    ("status", "advice"),
    [("404", "Keep that route"), ("401", "--header"), ("403", "--header"), ("307", "HTTPS")],
)
def test_a_refused_readiness_route_is_named_with_its_status(status: str, advice: str) -> None:
    message = str(NoReadinessError("/readyz", status))
    assert f"answers {status} to GET /readyz" in message
    assert advice in message


def test_a_prefix_is_found_at_any_depth_of_the_package(tmp_path: Path) -> None:
    for name in ("app/main.py", "app/api/mount.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text('PREFIX = "/svc"\n' if "mount" in name else "")
    assert possible_prefixes(tmp_path) == ["/svc"]
