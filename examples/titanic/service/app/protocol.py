"""HTTP by uvicorn, without heads that have no end and without work in vain."""

import json

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app import metrics
from app.errors import BUSY
from app.main import batcher

MAX_HEAD_BYTES = 1 << 16  # of a request, before its body

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
    _in_vain = False  # whether the request that is being read has its answer already

    def on_message_begin(self) -> None:
        self._head_bytes = 0
        super().on_message_begin()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._head_bytes is not None:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
                self.send_400_response("The head of the request is too large.")

    def on_headers_complete(self) -> None:
        self._head_bytes = None
        in_turn = self.cycle is None or self.cycle.response_complete
        self._in_vain = in_turn and batcher.full and self.parser.get_method() == b"POST"
        if self._in_vain:
            metrics.count_turned_away()
            self.transport.write(_BUSY_ANSWER)
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if not self._in_vain:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if not self._in_vain:
            super().on_message_complete()
        elif not self.parser.should_keep_alive():
            self.transport.close()
