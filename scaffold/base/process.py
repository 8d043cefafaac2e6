"""Run a command, or start one. The only import of subprocess."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from scaffold.errors import CommandError

TAIL_LINES = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A command that ended with status 0."""

    stdout: str
    stderr: str


class Runner(Protocol):
    """The seam for tests: `run_command`, or a fake of the same shape."""

    def __call__(
        self,
        command: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        input: str | None = None,
        timeout_s: float | None = None,
    ) -> Finished:
        """Run `command` as `run_command` does."""


def run_command(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    input: str | None = None,
    timeout_s: float | None = None,
) -> Finished:
    """Run `command` and return its output.

    Args:
        command: The program and its arguments; no shell.
        cwd: Where it runs.
        env: Its whole environment; ours when absent.
        input: Text for its standard input.
        timeout_s: Seconds after which it is killed.

    Raises:
        CommandError: It could not be started, ended with another status than 0, or took too long.
    """
    try:
        process = subprocess.Popen(
            list(command),
            cwd=cwd,
            env=dict(env) if env is not None else None,
            stdin=subprocess.PIPE if input is not None else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=os.name == "posix",
        )
    except FileNotFoundError as error:
        raise CommandError(tuple(command), 127, f"not found: {error.filename}") from error
    with process:
        try:
            stdout, stderr = process.communicate(input, timeout=timeout_s)
        except subprocess.TimeoutExpired as error:
            end_process(process)
            raise CommandError(tuple(command), 124, f"no end after {timeout_s} s") from error
        except BaseException:  # signals too: end the command and its children
            end_process(process)
            raise
    if process.returncode:
        raise CommandError(tuple(command), process.returncode, _tail(stderr or stdout))
    return Finished(stdout=stdout, stderr=stderr)


def end_process(process: subprocess.Popen[Any], *, patience_s: float = 0.0) -> None:
    """End a process group that this module started, and wait for it.

    Args:
        process: The first of its process group.
        patience_s: Seconds from SIGTERM to SIGKILL; without it, it is killed at once.
    """
    if patience_s:
        _signal_group(process, "SIGTERM")
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience_s)
    _signal_group(process, "SIGKILL")  # remaining children, too
    process.wait()


def _signal_group(process: subprocess.Popen[Any], name: str) -> None:
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, getattr(signal, name))
    else:
        process.kill()


def start_command(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    output: IO[bytes] | int | None = subprocess.PIPE,
) -> subprocess.Popen[bytes]:
    """Start `command` in a process group of its own, its two output streams joined.

    Args:
        command: The program and its arguments; no shell.
        cwd: Where it runs.
        env: Its whole environment; ours when absent.
        output: Where what it prints goes: a pipe (`.stdout`), a file, or our own output (`None`).

    Raises:
        CommandError: It could not be started.
    """
    try:
        return subprocess.Popen(
            list(command),
            cwd=cwd,
            env=dict(env) if env is not None else None,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=None if output is None else subprocess.STDOUT,
            start_new_session=os.name == "posix",
        )
    except FileNotFoundError as error:
        raise CommandError(tuple(command), 127, f"not found: {error.filename}") from error


def start_peer(
    command: Sequence[str], *, cwd: Path, env: Mapping[str, str], log: IO[bytes]
) -> subprocess.Popen[bytes]:
    """Start `command` in a process group of its own, to talk to through its standard input and output.

    Args:
        command: The program and its arguments; no shell.
        cwd: Where it runs.
        env: Its whole environment.
        log: Where its standard error goes.
    """
    return subprocess.Popen(
        list(command),
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        bufsize=0,
        start_new_session=os.name == "posix",
    )


def _tail(text: str) -> str:
    return "\n".join(text.rstrip().splitlines()[-TAIL_LINES:])
