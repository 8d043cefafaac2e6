"""The run of a command, from its arguments to the exit status."""

from __future__ import annotations

import codecs
import contextlib
import gc
import io
import os
import sys
from collections.abc import Iterator, Sequence

from scaffold.cli._show import show_error
from scaffold.errors import ScaffoldError, UsageError, name_commands

_EXAMINING = ("new", "inspect", "update", "diff")
"""Commands that load a model."""
_IN_ASCII = "scaffold.ascii"
_SIGNS = str.maketrans({"✓": "+", "✗": "x", "…": "...", "→": "->", "↓": "v", "·": "-", "●": "*", "○": "o"})


@name_commands()
def run() -> None:
    """Run the command: exit 0 when it worked, 1 with a message when it did not.

    Raises:
        KeyboardInterrupt: A signal came; as `SystemExit` where typer had it first.
    """
    _prepare_streams()
    # A model's libraries create hundreds of thousands of permanent objects: collect garbage less often.
    gc.set_threshold(100_000, 50, 100)
    try:
        with _prestart_worker(sys.argv[1:]):
            from scaffold.cli._app import app  # imported while the worker starts

            app()
    except ScaffoldError as error:
        more = "" if isinstance(error, UsageError) else f"More: scaffold explain {type(error).__name__}"
        show_error(str(error), more)
        sys.exit(1)
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        show_error(f"{error.strerror or error}{where}")
        sys.exit(1)
    except Exception as error:
        if isinstance(error.__cause__, KeyboardInterrupt):  # Python 3.11 wraps what `__set_name__` raises
            raise error.__cause__ from None
        show_error(_internal_error(error))
        sys.exit(1)
    finally:
        gc.freeze()  # the exit is ten times as fast without another collection of those objects


def _prepare_streams() -> None:
    """Let text that a stream cannot encode be printed in ASCII; discard it where there is no stream."""
    codecs.register_error(_IN_ASCII, _in_ascii)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_IN_ASCII)


def _in_ascii(error: UnicodeError) -> tuple[str | bytes, int]:
    """Return a substitute for our own symbols, and an escape such as `\\u0416` for other characters."""
    assert isinstance(error, UnicodeEncodeError)
    text = error.object[error.start : error.end].translate(_SIGNS)
    return text.encode("ascii", "backslashreplace").decode(), error.end


@contextlib.contextmanager
def _prestart_worker(words: Sequence[str]) -> Iterator[None]:
    """Start the process that will load the model at once, so that it is ready when the command needs it."""
    examines_model = words[:1] and words[0] in _EXAMINING
    if not examines_model or any(word.partition("=")[0] in ("--help", "--environment") for word in words):
        yield
        return
    from scaffold.verbs.prestart import end_prestarted, prestart_worker

    prestart_worker()
    try:
        yield
    finally:
        end_prestarted()


def _internal_error(error: Exception) -> str:
    """Return the message for an internal error, with its traceback or the file that holds it."""
    import tempfile
    import traceback

    text = "".join(traceback.format_exception(error))
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", errors="backslashreplace", prefix="scaffold-", suffix=".log", delete=False
        ) as log:
            log.write(text)
        report = f"Please report it with {log.name}, which holds the traceback."
    except OSError:  # the disk is full, or there is no folder for temporary files
        report = f"Please report it with this traceback:\n{text.rstrip()}"
    return (
        f"scaffold itself failed: {type(error).__name__}: {error}\n"
        "That is a fault of the tool, not of what was typed.\n"
        f"{report}"
    )
