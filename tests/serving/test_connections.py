"""Limits for clients that only open connections."""

import contextlib
import socket
import time
from collections.abc import Callable

import pytest

from tests.serving._toy import Service

POST = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


def closed_by_now(connection: socket.socket) -> bool:
    """Whether the service has closed an idle connection."""
    connection.settimeout(0.05)
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionResetError:
        return True


def test_idle_connections_beyond_the_limit_are_closed_for_new_ones(
    serve: Callable[..., Service],
) -> None:
    service = serve(MAX_CONNECTIONS="20")
    with contextlib.ExitStack() as stack:
        asking = stack.enter_context(service.connect())
        body = b'{"value": 2, "act": "sleep"}'
        asking.sendall(POST % len(body) + body)
        idle = [stack.enter_context(service.connect()) for _ in range(29)]
        assert service.get("/healthz").status == 200
        end = time.monotonic() + 10
        while (closed := sum(map(closed_by_now, idle))) < 10 and time.monotonic() < end:
            pass
        assert 10 <= closed < 29
        assert asking.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_an_unfinished_head_times_out(serve: Callable[..., Service]) -> None:
    service = serve(BODY_TIMEOUT_S="0.3")
    with service.connect() as connection:
        connection.sendall(REQUEST + REQUEST[:20])
        answers = b""
        while part := connection.recv(4096):
            answers += part
    assert [line[:3] for line in answers.split(b"HTTP/1.1 ")[1:]] == [b"200", b"400"]
    assert service.get("/healthz").status == 200


BUNDLE = b"GET /docs/static/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n"


def unread(service: Service) -> socket.socket:
    """A connection that requests more than the socket buffers hold, and reads nothing."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(30)
    connection.connect(("127.0.0.1", service.port))
    connection.sendall(BUNDLE * 8)
    return connection


def test_a_client_that_does_not_read_is_disconnected(serve: Callable[..., Service]) -> None:
    service = serve(ANSWER_TIMEOUT_S="0.5")
    with unread(service) as connection:
        end = time.monotonic() + 20
        while service.metric("http_requests_in_flight") > 1 and time.monotonic() < end:
            time.sleep(0.1)
        with contextlib.suppress(ConnectionResetError):
            received = 0
            while part := connection.recv(1 << 20):
                received += len(part)
            assert received < 8_000_000


def test_a_client_that_reads_slowly_gets_all_of_its_answer(serve: Callable[..., Service]) -> None:
    service = serve(ANSWER_TIMEOUT_S="0.5")
    whole = service.get("/docs/static/swagger-ui-bundle.js").body
    received = 0
    with unread(service) as connection:
        began = time.monotonic()
        while received < 8 * len(whole):
            part = connection.recv(1 << 20)
            assert part, f"cut off after {received} bytes"
            received += len(part)
            # So slowly that the system's buffer takes longer than the time-out to have room again.
            if time.monotonic() - began < 3:
                time.sleep(0.02)


def test_clients_that_do_not_read_do_not_block_probes(serve: Callable[..., Service]) -> None:
    service = serve(MAX_CONNECTIONS="20", ANSWER_TIMEOUT_S="60")
    with contextlib.ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(unread(service))
        for _ in range(5):
            assert service.get("/healthz").status == 200
            assert service.get("/readyz").status == 200
            time.sleep(0.25)


def test_at_the_limit_the_longest_idle_connection_is_closed(serve: Callable[..., Service]) -> None:
    service = serve(MAX_CONNECTIONS="3")
    with contextlib.ExitStack() as stack:
        old, used, young = (stack.enter_context(service.connect()) for _ in range(3))
        time.sleep(0.1)
        for connection in (used, young):
            connection.sendall(REQUEST)
            assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
        new = stack.enter_context(service.connect())
        new.sendall(REQUEST)
        assert new.recv(4096).startswith(b"HTTP/1.1 200 ")
        time.sleep(0.6)
        assert [closed_by_now(one) for one in (old, used, young, new)] == [True, False, False, False]


@pytest.mark.parametrize("size", [66_000, 100_000, 200_000])
@pytest.mark.parametrize("cut", [0, 1, 60_000], ids=["one packet", "a byte before", "two packets"])
def test_a_head_beyond_the_bound_is_refused_in_however_few_packets(
    service: Service, size: int, cut: int
) -> None:
    fields = b"".join(b"x-%d: %b\r\n" % (number, b"a" * 1000) for number in range(size // 1000))
    head = POST[:-2] % 12 + fields + b"\r\n"
    with service.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if cut:
            connection.sendall(head[:cut])
            time.sleep(0.2)
        with contextlib.suppress(ConnectionError):
            connection.sendall(head[cut:] + b'{"value": 1}')
            assert connection.recv(4096).startswith(b"HTTP/1.1 400 ")
            assert connection.recv(4096) == b""
    assert service.get("/healthz").status == 200


def test_a_large_body_in_the_packet_of_a_small_head_is_read(service: Service) -> None:
    body = b'{"value": 1, "act": "%b"}' % (b"a" * 200_000)
    with service.connect() as connection:
        connection.sendall(POST % len(body) + body + REQUEST)
        answers = b""
        while answers.count(b"HTTP/1.1 ") < 2:
            answers += connection.recv(4096)
    assert [line[:3] for line in answers.split(b"HTTP/1.1 ")[1:]] == [b"200", b"200"]


def test_a_head_that_begins_in_the_packet_of_a_large_body_may_end_in_another(service: Service) -> None:
    body = b'{"value": 1, "act": "%b"}' % (b"a" * 200_000)
    with service.connect() as connection:
        connection.sendall(POST % len(body) + body + REQUEST[:20])
        answers = connection.recv(4096)
        connection.sendall(REQUEST[20:])
        while answers.count(b"HTTP/1.1 ") < 2:
            answers += connection.recv(4096)
    assert [line[:3] for line in answers.split(b"HTTP/1.1 ")[1:]] == [b"200", b"200"]


@pytest.mark.parametrize(
    "path", ["/healthz", "/readyz", "/metrics", "/docs", "/openapi.json", "/docs/static/favicon.png"]
)
def test_probes_and_pages_answer_head_as_get_without_the_body(service: Service, path: str) -> None:
    whole = service.get(path)
    head = service.request("HEAD", path)
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-type"] == whole.headers["content-type"]
    if path != "/metrics":  # whose numbers move
        assert head.headers["content-length"] == str(len(whole.body))


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/healthz", {"GET", "HEAD", "OPTIONS"}),
        ("/score", {"POST", "OPTIONS"}),
        ("/score/batch", {"POST", "OPTIONS"}),
    ],
)
def test_options_says_which_methods_there_are(service: Service, path: str, methods: set[str]) -> None:
    answer = service.request("OPTIONS", path)
    assert (answer.status, answer.body) == (204, b"")
    assert set(answer.headers["allow"].split(", ")) == methods
    refused = service.request("DELETE", path)
    assert refused.status == 405
    assert set(refused.headers["allow"].split(", ")) == methods
    assert service.request("HEAD", "/score").status == 405
    assert service.request("OPTIONS", "/nothing").status == 404
