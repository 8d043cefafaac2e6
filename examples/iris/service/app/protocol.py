"""HTTP by uvicorn, with bounds on connections, heads and answers, and without work in vain."""

import asyncio
import heapq
import json
import sys
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app import metrics
from app.errors import BUSY
from app.main import batcher
from app.settings import settings

MAX_HEAD_BYTES = 1 << 16  # of a request, before its body
MOMENT_S = 0.2  # after which what came with a connection has been read
HEAD_TOO_LARGE = "The head of the request is too large."
IDLE_S = 75  # for a first request, and between two: more than load balancers' 60

_BODY = json.dumps({"detail": BUSY}).encode()
_BUSY_ANSWER = b"\r\n".join(
    [
        b"HTTP/1.1 503 Service Unavailable",
        b"content-type: application/json",
        b"retry-after: 1",
        b"content-length: %d" % len(_BODY),
        b"",
        _BODY,
    ]
)


class Protocol(HttpToolsProtocol):
    """Under overload a request gets its 503 once its head is read: sooner is cheaper for all."""

    _head_bytes: int | None = None
    _timer: asyncio.TimerHandle | None = None  # until a head is there
    _in_vain = False  # whether the request that is being read has its answer already
    _large_packet = False  # whether a head that is complete may still be too large
    _stalled: tuple[float, int] | None = (
        None  # since when an answer is not taken, and what of it is left
    )
    _watch: asyncio.TimerHandle | None = None  # while an answer is not taken

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._timer = self.loop.call_later(IDLE_S, transport.close)
        if len(self.connections) > settings.max_connections:
            if not _newcomers:
                # Not at once: what the others have sent may not have been read yet.
                self.loop.call_later(MOMENT_S, _make_room, self.connections)
            _newcomers.append(self)

    def still_since(self) -> float | None:
        """Since when nothing moves here, in the loop's time; None while an answer is due."""
        if self._stalled:
            return self._stalled[0]
        if self.transport.is_closing():
            return 0.0 if self.transport.get_write_buffer_size() else None
        if self._head_bytes is None and self.cycle and not self.cycle.response_complete:
            return None
        timer = self._timer or self.timeout_keep_alive_task
        return (
            timer.when() - (IDLE_S if self._head_bytes is None else settings.body_timeout_s)
            if timer
            else None
        )

    def cut_off(self) -> None:
        """Close the connection, without the rest of an answer that is not taken."""
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
        """Cut the connection off if nothing of the answer was taken since the last look."""
        left = self.transport.get_write_buffer_size() + _unsent_bytes(self.transport)
        if self._stalled and left >= self._stalled[1]:
            self.transport.abort()
        else:
            self._stalled = self.loop.time(), left
            self._watch = self.loop.call_later(settings.answer_timeout_s, self._check_taken)

    def _stop_watch(self) -> None:
        if self._watch:
            self._watch.cancel()
        self._watch = self._stalled = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._stop_watch()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self._head_bytes = 0
        self._stop_timer()
        super().on_message_begin()

    def data_received(self, data: bytes) -> None:
        self._large_packet = len(data) + (self._head_bytes or 0) > MAX_HEAD_BYTES
        super().data_received(data)
        if self._head_bytes is not None and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self.send_400_response(HEAD_TOO_LARGE)
            elif not self._timer:
                late = "The head of the request did not arrive in time."
                wait_s = settings.body_timeout_s
                self._timer = self.loop.call_later(wait_s, self.send_400_response, late)

    def on_headers_complete(self) -> None:
        self._head_bytes = None
        self._stop_timer()
        if self._large_packet and self._has_large_head():
            self._in_vain = True
            self.send_400_response(HEAD_TOO_LARGE)
            return
        in_turn = self.cycle is None or self.cycle.response_complete
        to_predict = in_turn and self.parser.get_method() == b"POST"
        self._in_vain = to_predict and batcher.room <= batcher.coming
        if self._in_vain:
            metrics.count_turned_away()
            self.transport.write(_BUSY_ANSWER)
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
        if not batcher.coming:
            self.loop.call_soon(_all_have_come)
        batcher.coming += 1

    def on_body(self, body: bytes) -> None:
        if not self._in_vain:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if not self._in_vain:
            super().on_message_complete()
        elif not self.parser.should_keep_alive():
            self.transport.close()

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None


def _unsent_bytes(transport: asyncio.Transport) -> int:
    """How much of an answer the system still holds, on Linux: a slow client takes it from there."""
    if sys.platform != "linux":
        return 0
    import fcntl
    import termios

    held = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, b"\0" * 4)
    return int.from_bytes(held, sys.byteorder)


def _all_have_come() -> None:
    batcher.coming = 0


_newcomers: list[Protocol] = []  # connections beyond the bound, until room is made for them


def _make_room(connections: set[Any]) -> None:
    """Close the connections that stood still longest; where too few do, the last that came."""
    newcomers = [*_newcomers]
    _newcomers.clear()
    excess = len(connections) - settings.max_connections
    if excess <= 0:
        return
    still = {one: since for one in connections if (since := one.still_since()) is not None}
    chosen = heapq.nsmallest(excess, still, key=still.__getitem__)
    chosen += newcomers[len(newcomers) - (excess - len(chosen)) :]
    for connection in chosen:
        connection.cut_off()
