"""The command line: the only room that prints and exits."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from types import FrameType

_INTERRUPTED = 130
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
_Handler = signal.Handlers | Callable[[int, FrameType | None], object]


def main() -> None:
    """Run the command line: exit 0 when it worked, 1 with a message when it did not, 130 when interrupted."""
    # First of all: the imports below take a fifth of a second, in which a signal may come.
    _handle(_interrupt)
    try:
        from scaffold.cli._main import run

        run()
    except (KeyboardInterrupt, SystemExit) as ended:
        _handle(signal.SIG_IGN)  # all is done but for a sentence
        # Where typer had the interrupt first, it has said nothing.
        if isinstance(ended, SystemExit) and ended.code != _INTERRUPTED:
            raise
    else:
        return _handle(signal.SIG_IGN)
    from scaffold.cli._show import show_error

    show_error("Interrupted.")
    sys.exit(_INTERRUPTED)


def _handle(handler: _Handler) -> None:
    """Handle SIGTERM and SIGHUP like Ctrl-C, so that temporary files are removed; or ignore all three."""
    for name in _SIGNALS:
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number and signal.getsignal(number) != signal.SIG_IGN:  # `nohup` ignores one
            signal.signal(number, handler)


def _interrupt(*_: object) -> None:
    """Interrupt the command. During its cleanup, only another Ctrl-C interrupts."""
    for name in _SIGNALS[1:]:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    raise KeyboardInterrupt
