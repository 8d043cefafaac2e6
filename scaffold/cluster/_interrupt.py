"""Interrupts while a failed deploy is taken back: the first one waits for that, a second one ends it."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


class Interrupts:
    """The interrupts of this process during a block."""

    def __init__(self) -> None:
        self._is_pending = False
        self._is_deferred = True

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
        """Let a first interrupt wait until the end of the block, and forget it then."""
        former = {}
        if threading.current_thread() is threading.main_thread():
            for name in _SIGNALS:
                number = getattr(signal, name, None)  # Windows has no SIGHUP
                if number is not None and callable(signal.getsignal(number)):
                    former[number] = signal.signal(number, self._receive)
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)

    @contextlib.contextmanager
    def allowed(self) -> Iterator[None]:
        """Let interrupts end the block, also one that has waited.

        Raises:
            KeyboardInterrupt: There is one.
        """
        if self._is_pending:
            raise KeyboardInterrupt
        self._is_deferred = False
        try:
            yield
        finally:
            self._is_deferred = True

    def _receive(self, *_: object) -> None:
        if self._is_pending or not self._is_deferred:
            raise KeyboardInterrupt
        self._is_pending = True
