"""Messages between the worker process and its parent: one JSON object a line, over two pipes."""

from __future__ import annotations

import json
import os
import select
import time
from typing import Any

_BLOCK_BYTES = 1 << 16
LOOKUP_FILE = "doing"
"""The file in the worker's folder with the name that is being looked up."""
LOOKUP_BYTES = 512
LARGEST_MESSAGE_BYTES = 1 << 30
"""A longer message is refused: a hostile worker must not fill the parent's memory."""


class ChannelClosedError(Exception):
    """The other process closed the pipe."""


class SilenceError(Exception):
    """No message arrived before the timeout."""


class Channel:
    """One end of a pair of pipes."""

    def __init__(self, reader: int, writer: int) -> None:
        """Take over the file descriptors of the pipe to read from and of the pipe to write to."""
        self._reader, self._writer = reader, writer
        self._pending = bytearray()

    def send(self, message: dict[str, Any]) -> None:
        """Write a message.

        Raises:
            ChannelClosedError: The other process closed the pipe.
        """
        content = memoryview(json.dumps(message).encode() + b"\n")
        try:
            while content:
                content = content[os.write(self._writer, content) :]
        except BrokenPipeError as error:
            raise ChannelClosedError from error

    def receive(self, timeout_s: float | None = None) -> dict[str, Any]:
        """Return the next message.

        Args:
            timeout_s: Seconds after which to give up; `None` waits forever.

        Raises:
            ChannelClosedError: The other side closed the pipe, or sent an invalid message.
            SilenceError: No message arrived in time.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        start = 0
        while (end := self._pending.find(b"\n", start)) < 0:
            start = len(self._pending)
            remaining_s = None if deadline is None else max(deadline - time.monotonic(), 0.0)
            if not select.select([self._reader], [], [], remaining_s)[0]:
                raise SilenceError
            block = os.read(self._reader, _BLOCK_BYTES)
            if not block or start > LARGEST_MESSAGE_BYTES:
                raise ChannelClosedError
            self._pending += block
        line = bytes(self._pending[:end])
        del self._pending[: end + 1]
        try:
            message = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ChannelClosedError from error
        if not isinstance(message, dict):
            raise ChannelClosedError
        return message

    def close(self) -> None:
        """Close both pipes."""
        for descriptor in (self._reader, self._writer):
            os.close(descriptor)
