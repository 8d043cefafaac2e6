"""Limits that uvicorn does not have: size of a request head, time of clients, connections.

Only the methods of `Connection` touch uvicorn's protocol. Time is not measured at each request: a
task looks at all connections a few times a second.
"""

import asyncio
import heapq
import json
import sys
from collections.abc import Collection
from functools import partial
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.serving import metrics
from app.serving.batching import Batcher
from app.serving.errors import BUSY
from app.serving.settings import ServingSettings

MAX_HEAD_BYTES = 1 << 16  # of the request line and headers
IDLE_S = 75  # without a request: more than the 60 s of load balancers
LOOK_S = 0.2
HEAD_LATE = "The headers of the request did not arrive in time."


def _response(status: bytes, header: bytes, detail: str) -> bytes:
    body = json.dumps({"detail": detail}).encode()
    head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\n%b\r\n" % (status, header)
    return b"%bcontent-length: %d\r\n\r\n%b" % (head, len(body), body)


BODY_LATE = _response(
    b"408 Request Timeout", b"connection: close", "The body did not arrive in time."
)
BUSY_NOW = _response(b"503 Service Unavailable", b"retry-after: 1", BUSY)


class Connection(HttpToolsProtocol):
    """uvicorn's protocol. It knows what its client is to do, and since when.

    Under overload a request is answered 503 once its headers are read: a quarter of the later cost.
    """

    batcher: Batcher[Any, Any]

    reading = ""  # "head" or "body" of a request
    unread = 0  # bytes of a response that the client has not read
    head_bytes = 0
    refused = False  # whether the request that is being read was answered already

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.opened = self.since = self.loop.time()
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        in_head = self.reading == "head"
        super().data_received(data)
        self.head_bytes = self.head_bytes + len(data) if in_head and self.reading == "head" else 0
        if self.head_bytes > MAX_HEAD_BYTES:
            self.send_400_response("The headers of the request are too large.")

    def on_message_begin(self) -> None:
        self.reading, self.since = "head", self.loop.time()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        size = len(self.url) + sum([len(name) + len(value) + 4 for name, value in self.headers])
        if size > MAX_HEAD_BYTES:
            raise ValueError("too large")  # uvicorn answers 400 and closes the connection
        self.reading, self.since = "body", self.loop.time()
        in_turn = self.cycle is None or self.cycle.response_complete
        scores = in_turn and self.parser.get_method() == b"POST"
        is_full = scores and self.batcher.room <= (self.batcher.coming or 0)
        # A browser's page sees a 503 only with the headers of the CORS middleware.
        self.refused = is_full and not any(name == b"origin" for name, _ in self.headers)
        if self.refused:
            metrics.count_turned_away()
            self.transport.write(BUSY_NOW)
            return
        super().on_headers_complete()
        if scores:
            if not self.batcher.coming:
                self.loop.call_soon(setattr, self.batcher, "coming", 0)
            self.batcher.coming = (self.batcher.coming or 0) + 1

    def on_body(self, body: bytes) -> None:
        if not self.refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self.reading = ""
        if not self.refused:
            super().on_message_complete()
        elif not self.parser.should_keep_alive():
            self.transport.close()

    def waits_for_client(self, now: float, settings: ServingSettings) -> bool:
        """Whether the client is to do something. If it took too long, the connection is closed."""
        unread = unread_bytes(self.transport)
        in_progress = self.cycle is not None and not self.cycle.response_complete
        is_busy = in_progress and not unread and self.reading != "body"
        if is_busy or unread != self.unread:
            self.since, self.unread = now, unread
        waited_s = now - self.since
        if unread and waited_s > settings.answer_timeout_s:
            self.transport.abort()
        elif self.transport.is_closing():
            pass
        elif self.reading == "body" and waited_s > settings.body_timeout_s:
            if in_progress and not self.cycle.response_started and not self.refused:
                self.transport.write(BODY_LATE)
            self.transport.close()
        elif self.reading == "head" and waited_s > settings.body_timeout_s:
            self.send_400_response(HEAD_LATE)
        elif waited_s > IDLE_S:
            self.transport.close()
        return not is_busy


def unread_bytes(transport: asyncio.Transport) -> int:
    """Bytes of a response that the client has not read: those that Linux holds, too."""
    buffered = transport.get_write_buffer_size()
    if not buffered or sys.platform != "linux":
        return buffered
    import fcntl
    import termios

    try:
        descriptor = transport.get_extra_info("socket").fileno()
        held = fcntl.ioctl(descriptor, termios.TIOCOUTQ, b"\0" * 4)
    except (OSError, ValueError):  # it was closed
        return buffered
    return buffered + int.from_bytes(held, sys.byteorder)


async def watch(connections: Collection[Connection], settings: ServingSettings) -> None:
    """Close connections whose clients take too long, and those above the limit."""
    while True:
        await asyncio.sleep(LOOK_S)
        now = asyncio.get_running_loop().time()
        waiting = {one for one in [*connections] if one.waits_for_client(now, settings)}
        if (excess := len(connections) - settings.max_connections) > 0:
            # The bytes of a connection that is younger than this may not have been read yet.
            settled = [one for one in connections if now - one.opened > LOOK_S]
            for connection in heapq.nsmallest(excess, settled, partial(_rank, waiting)):
                connection.transport.abort()


def _rank(waiting: Collection[Connection], one: Connection) -> tuple[bool, float]:
    """Those that were idle longest come first, then the newest of the others."""
    return (False, one.since) if one in waiting else (True, -one.opened)
