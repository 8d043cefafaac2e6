"""Start the worker process, exchange messages with it, and report how it ended."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from subprocess import TimeoutExpired
from types import TracebackType
from typing import Any

from scaffold.base.confine import Action, Confinement, confined_environment, explain_exit
from scaffold.base.process import end_process, start_peer
from scaffold.base.temporary import TemporaryFolder
from scaffold.errors import WorkerDiedError, WorkerEndedError, WorkerError, WorkerLimitError
from scaffold.worker._channel import LOOKUP_BYTES, LOOKUP_FILE, Channel, ChannelClosedError, SilenceError
from scaffold.worker._errors import decode_error, printable

_PACKAGES = Path(__file__).parents[2]
_START = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); sys.path += sys.argv[2:]; del sys.argv[2:];"
    "from scaffold.worker._child import main; main()"
)
_LOG_BYTES = 20_000
_ENDING_S = 10.0
REHEARSAL = "scaffold.worker._rehearse"


class WorkerFaultError(RuntimeError):
    """An unexpected exception in the worker; its message ends with the worker's traceback."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """The interpreter, environment and rights of workers."""

    python: Path = field(default_factory=lambda: Path(sys.executable))
    path: Sequence[str] = field(default_factory=lambda: [entry for entry in sys.path if entry])
    """The `sys.path` of the model's environment."""
    environ: Mapping[str, str] = field(default_factory=dict)
    """The environment variables of the worker, without those for its folders."""
    overlay: Sequence[str] = ()
    """The folders with this package and with its requirements that the environment lacks."""
    confinement: Confinement = field(default_factory=Confinement)
    """The rights of the worker besides reading its libraries and writing below its own folder."""
    time_s: float = 600.0
    """Timeout of one message of the worker."""

    @property
    def runs_in(self) -> tuple[Path, Sequence[str], Mapping[str, str]]:
        """The settings that are fixed at the start: the interpreter, the overlay and the variables."""
        return self.python, self.overlay, self.environ


class Worker:
    """A process that loads the model; a context manager that ends the process on exit."""

    def __init__(self, program: str, settings: WorkerSettings) -> None:
        """Start the process, which imports its program and waits for a job.

        Args:
            program: The module whose `run(channel, job, witness)` the process calls.
            settings: The interpreter and environment; the rights are applied by `begin`.
        """
        self.program, self.runs_in, self._settings = program, settings.runs_in, settings
        self._temporary = TemporaryFolder("worker")
        own = Path(self._temporary.name).resolve()
        # The service cannot write into its current folder either.
        self.folder, self._current = own / "own", own / "current"
        (self.folder / "tmp").mkdir(parents=True)
        self._current.mkdir()
        # Keep the files open: the worker may replace them by links.
        self._log = (self.folder / "log.txt").open("w+b")
        self._lookup_file = (self.folder / LOOKUP_FILE).open("w+b")
        package, *needed = settings.overlay or [os.fspath(_PACKAGES)]
        command = [os.fspath(settings.python), "-c", _START, package, program, *needed]
        # The confinement needs the real home folder; the model gets another one.
        environ = {**settings.environ, **{n: v for n, v in os.environ.items() if n == "HOME"}}
        self._process = start_peer(command, cwd=self._current, env=environ, log=self._log)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._channel = Channel(self._process.stdout.fileno(), self._process.stdin.fileno())

    def begin(self, job: Mapping[str, Any], settings: WorkerSettings) -> None:
        """Send a job and apply the rights of `settings`.

        Args:
            job: JSON values for the program's `run`. `local`, `named`, `hidden` and `installed` are for the
                worker's `Finder` and `Witness`.
            settings: The rights; `runs_in` must equal that of the settings at the start.
        """
        self._settings = settings
        self.send(
            {
                "local": [],
                "named": [],
                "hidden": {},
                "installed": [],
                **job,
                "path": list(settings.path),
                "environ": {**settings.environ, **self._own_variables()},
                "folder": str(self.folder),
                "confinement": self._confinement().as_json(),
            }
        )

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process, and remove its folder."""
        self.end()
        self._temporary.cleanup()

    def end(self) -> None:
        """End the process and its child processes; the folder stays until `close`."""
        if self._process.poll() is None:
            end_process(self._process)
        for stream in (self._process.stdin, self._process.stdout, self._log, self._lookup_file):
            with contextlib.suppress(OSError):
                stream.close()  # type: ignore[union-attr]

    def send(self, message: Mapping[str, Any]) -> None:
        """Send a message; if the worker has ended, `receive` raises."""
        with contextlib.suppress(ChannelClosedError):
            self._channel.send(dict(message))

    def receive(self) -> dict[str, Any]:
        """Return the worker's next message.

        Raises:
            ScaffoldError: The error that the worker reports.
            WorkerDiedError: The process was ended by a signal.
            WorkerLimitError: It exceeded a limit.
            WorkerError: It exited for another reason.
            WorkerFaultError: The worker reports an unexpected exception.
        """
        try:
            message = self._channel.receive(self._settings.time_s)
        except SilenceError as error:
            doing = self._name_being_loaded()
            self.close()
            raise WorkerLimitError("time", f"{self._settings.time_s:.0f} s", doing) from error
        except ChannelClosedError as error:
            raise self._exit_error() from error
        if "error" in message:
            raise decode_error(message)
        if "fault" in message:
            raise WorkerFaultError(printable(str(message["fault"])))
        return message

    def _own_variables(self) -> dict[str, str]:
        return confined_environment(self.folder / "tmp")

    def _confinement(self) -> Confinement:
        confinement = self._settings.confinement
        folders = (*confinement.readable_whole, self.folder, self._current)
        return replace(confinement, readable_whole=folders, writable=(*confinement.writable, self.folder))

    def _exit_error(self) -> WorkerError:
        """Return the error for a process that closed the channel."""
        try:
            status = self._process.wait(_ENDING_S)
        except TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        log, doing = self._log_tail(), self._name_being_loaded()
        refused = explain_exit(status)
        if refused is not None:
            if refused.action is Action.CPU:
                return WorkerLimitError("CPU time", refused.target, doing)
            return WorkerLimitError("written bytes", refused.target, doing)
        if status < 0:
            return WorkerDiedError(_signal_name(-status), doing, log)
        return WorkerEndedError(status, doing, log)

    def _name_being_loaded(self) -> str:
        """Return the name that the worker was loading; empty if it loaded none."""
        with contextlib.suppress(OSError, ValueError):
            self._lookup_file.seek(0)
            words = self._lookup_file.read(LOOKUP_BYTES).rstrip(b"\0").decode("utf-8", "replace").split()
            return printable(words[0]) if words else ""
        return ""

    def _log_tail(self) -> str:
        with contextlib.suppress(OSError, ValueError):
            size_bytes = self._log.seek(0, os.SEEK_END)
            self._log.seek(max(0, size_bytes - _LOG_BYTES))
            return printable(self._log.read(_LOG_BYTES).decode("utf-8", "replace"))
        return ""


def _signal_name(number: int) -> str:
    """Return the name of a signal, or its number for real-time signals without a name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"Signal {number}"
