"""What one who only opens connections can hold on to."""

import contextlib
import socket
import time
from collections.abc import Callable

from tests.serving._toy import Service

POST = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


def closed_by_now(connection: socket.socket) -> bool:
    """Whether the service has closed a connection on which it owes nothing."""
    connection.settimeout(0.05)
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionResetError:
        return True


def test_idle_connections_beyond_the_bound_make_room_for_those_that_ask(
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


def test_a_head_that_does_not_come_to_an_end_is_not_waited_for(serve: Callable[..., Service]) -> None:
    service = serve(BODY_TIMEOUT_S="0.3")
    with service.connect() as connection:
        connection.sendall(REQUEST + REQUEST[:20])
        answers = b""
        while part := connection.recv(4096):
            answers += part
    assert [line[:3] for line in answers.split(b"HTTP/1.1 ")[1:]] == [b"200", b"400"]
    assert service.get("/healthz").status == 200
