"""HTTP connections: uvicorn's protocol with limits on their number, headers, bodies and pace."""

import asyncio
import heapq
import json
import sys
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.serving import metrics
from app.serving.batching import Batcher
from app.serving.errors import BUSY
from app.serving.settings import ServingSettings

MAX_HEAD_BYTES = 1 << 16  # of the request line and headers
MOMENT_S = 0.2  # in which the bytes of a new connection have been read
IDLE_S = 75  # without a request: more than the 60 s of load balancers
HEAD_TOO_LARGE = "The headers of the request are too large."
HEAD_LATE = "The headers of the request did not arrive in time."
BODY_LATE = "The body did not arrive in time."


def _response(status: str, detail: str, *headers: bytes) -> bytes:
    body = json.dumps({"detail": detail}).encode()
    lines = [
        f"HTTP/1.1 {status}".encode(),
        b"content-type: application/json",
        *headers,
        b"content-length: %d" % len(body),
        b"",
        body,
    ]
    return b"\r\n".join(lines)


_BUSY = _response("503 Service Unavailable", BUSY, b"retry-after: 1")
_LATE = _response("408 Request Timeout", BODY_LATE, b"connection: close")


def limited_protocol(
    batcher: Batcher[Any, Any], settings: ServingSettings
) -> type[HttpToolsProtocol]:
    """Return the protocol for uvicorn."""
    Connection.batcher, Connection.settings = batcher, settings
    return Connection


class Connection(HttpToolsProtocol):
    """Under overload a request is answered 503 once its headers are read: earlier is cheaper."""

    batcher: Batcher[Any, Any]
    settings: ServingSettings

    _head_bytes: int | None = None
    _timer: asyncio.TimerHandle | None = None  # until the headers have arrived
    _body_timer: asyncio.TimerHandle | None = None  # until the body has arrived
    _is_reading_body = False
    _refused = False  # whether the request that is being read was answered already
    _large_packet = False  # whether complete headers may still be too large
    # While a response is not read by the client: since when, and how much of it is left.
    _stalled: tuple[float, int] | None = None
    _watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._timer = self.loop.call_later(IDLE_S, transport.close)
        if len(self.connections) > self.settings.max_connections:
            if not _newcomers:
                # Not at once: bytes of the others may not have been read yet.
                self.loop.call_later(MOMENT_S, _make_room, self.connections)
            _newcomers.append(self)

    def still_since(self) -> float | None:
        """Since when no byte moved, in the time of the loop; None while a response is due."""
        if self._stalled:
            return self._stalled[0]
        if self.transport.is_closing():
            return 0.0 if self.transport.get_write_buffer_size() else None
        if self._head_bytes is None and self.cycle and not self.cycle.response_complete:
            return None
        timer = self._timer or self.timeout_keep_alive_task
        return (
            timer.when() - (IDLE_S if self._head_bytes is None else self.settings.body_timeout_s)
            if timer
            else None
        )

    def cut_off(self) -> None:
        """Close the connection, without the rest of a response that is not read."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.transport.close()

    def timeout_keep_alive_handler(self) -> None:
        self.cut_off()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._check_taken()

    def resume_writing(self) -> None:
        self._stop_watch()
        super().resume_writing()

    def _check_taken(self) -> None:
        """Close the connection if nothing of the response was read since the last look."""
        left = self.transport.get_write_buffer_size() + _unsent_bytes(self.transport)
        if self._stalled and left >= self._stalled[1]:
            self.transport.abort()
        else:
            self._stalled = self.loop.time(), left
            self._watch = self.loop.call_later(self.settings.answer_timeout_s, self._check_taken)

    def _stop_watch(self) -> None:
        if self._watch:
            self._watch.cancel()
        self._watch = self._stalled = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._stop_body_timer()
        self._stop_watch()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self._head_bytes = 0
        self._stop_timer()
        super().on_message_begin()

    def data_received(self, data: bytes) -> None:
        self._large_packet = len(data) + (self._head_bytes or 0) > MAX_HEAD_BYTES
        super().data_received(data)
        if self._is_reading_body and not self._body_timer:
            self._body_timer = self.loop.call_later(self.settings.body_timeout_s, self._body_late)
        if self._head_bytes is not None and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self.send_400_response(HEAD_TOO_LARGE)
            elif not self._timer:
                wait_s = self.settings.body_timeout_s
                self._timer = self.loop.call_later(wait_s, self.send_400_response, HEAD_LATE)

    def on_headers_complete(self) -> None:
        self._head_bytes = None
        self._is_reading_body = True
        self._stop_timer()
        if self._large_packet and self._has_large_head():
            self._refused = True
            self.send_400_response(HEAD_TOO_LARGE)
            return
        in_turn = self.cycle is None or self.cycle.response_complete
        to_predict = in_turn and self.parser.get_method() == b"POST"
        self._refused = to_predict and self.batcher.room <= self.batcher.coming
        if self._refused:
            metrics.count_turned_away()
            self.transport.write(_BUSY)
        else:
            super().on_headers_complete()
            if to_predict:
                self._let_in()

    def _has_large_head(self) -> bool:
        return (
            len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            > MAX_HEAD_BYTES
        )

    def _let_in(self) -> None:
        if not self.batcher.coming:
            self.loop.call_soon(setattr, self.batcher, "coming", 0)
        self.batcher.coming += 1

    def on_body(self, body: bytes) -> None:
        if not self._refused:
            super().on_body(body)

    def _body_late(self) -> None:
        """Answer 408, unless the response has begun. The app sees a client that is gone."""
        if self.cycle and not self.cycle.response_started and not self._refused:
            self.transport.write(_LATE)
        self.transport.close()

    def on_message_complete(self) -> None:
        self._stop_body_timer()
        if not self._refused:
            super().on_message_complete()
        elif not self.parser.should_keep_alive():
            self.transport.close()

    def _stop_body_timer(self) -> None:
        self._is_reading_body = False
        if self._body_timer:
            self._body_timer.cancel()
            self._body_timer = None

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None


def _unsent_bytes(transport: asyncio.Transport) -> int:
    """Bytes of a response that Linux still holds: a slow client reads them from there."""
    if sys.platform != "linux":
        return 0
    import fcntl
    import termios

    held = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, b"\0" * 4)
    return int.from_bytes(held, sys.byteorder)


_newcomers: list[Connection] = []  # above the limit, until others are closed


def _make_room(connections: set[Any]) -> None:
    """Close the connections that were idle longest; where too few are, the newest."""
    newcomers = [*_newcomers]
    _newcomers.clear()
    excess = len(connections) - Connection.settings.max_connections
    if excess <= 0:
        return
    still = {one: since for one in connections if (since := one.still_since()) is not None}
    chosen = heapq.nsmallest(excess, still, key=still.__getitem__)
    chosen += newcomers[len(newcomers) - (excess - len(chosen)) :]
    for connection in chosen:
        connection.cut_off()
