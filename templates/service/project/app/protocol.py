"""HTTP by uvicorn, with bounds on connections and heads, and without work in vain."""

import asyncio
import json

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app import metrics
from app.errors import BUSY
from app.main import batcher
from app.settings import settings

MAX_HEAD_BYTES = 1 << 16  # of a request, before its body
MOMENT_S = 0.2  # after which what came with a connection has been read
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

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._timer = self.loop.call_later(IDLE_S, transport.close)
        if len(self.connections) > settings.max_connections:
            # Not at once: what the others have sent may not have been read yet.
            self.loop.call_later(MOMENT_S, self._make_room)

    def _make_room(self) -> None:
        """Close a connection that has nothing under way; if there is none, this one."""
        if len(self.connections) > settings.max_connections:
            next(filter(_is_idle, self.connections), self).transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self._head_bytes = 0
        self._stop_timer()
        super().on_message_begin()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._head_bytes is not None and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self.send_400_response("The head of the request is too large.")
            elif not self._timer:
                late = "The head of the request did not arrive in time."
                wait_s = settings.body_timeout_s
                self._timer = self.loop.call_later(wait_s, self.send_400_response, late)

    def on_headers_complete(self) -> None:
        self._head_bytes = None
        self._stop_timer()
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


def _all_have_come() -> None:
    batcher.coming = 0


def _is_idle(connection: object) -> bool:
    return (
        isinstance(connection, Protocol)
        and (connection.cycle is None or connection.cycle.response_complete)
        and connection._head_bytes is None
        and not connection.transport.is_closing()
    )
