"""The command line: the only room that prints and exits."""

from __future__ import annotations

import signal
import sys

_INTERRUPTED = 130


def main() -> None:
    """Run the command line: exit 0 when it worked, 1 with a message when it did not, 130 when interrupted."""
    # First of all: the imports below take a fifth of a second, in which a signal may come.
    for name in ("SIGTERM", "SIGHUP"):  # handled like Ctrl-C, so that temporary files are removed
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.default_int_handler)
    try:
        from scaffold.cli._main import run

        return run()
    except KeyboardInterrupt:
        pass
    except SystemExit as ended:
        if ended.code != _INTERRUPTED:  # else typer has caught the interrupt, and says nothing
            raise
    from scaffold.cli._show import show_error

    show_error("Interrupted.")
    sys.exit(_INTERRUPTED)
