"""Run the tests of a deployed service: `tests/live` by pytest, `tests/load` by locust."""

from __future__ import annotations

import collections
import json
import os
import re
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scaffold.base.layout import LIVE_TESTS, LOCUSTFILE
from scaffold.base.process import TAIL_LINES, end_process, start_command
from scaffold.errors import SuiteBrokeOffError
from scaffold.events import Advanced, OnEvent, ignore
from scaffold.proof._junit import read_suite
from scaffold.proof._report import add_result
from scaffold.proof._service import STOP_S
from scaffold.spec import Suite

_DONE = (0, 1)
"""The exit statuses with which both tools end when they have a result."""
_PERCENT = re.compile(r"::(?P<test>\S+).*\[ *(?P<percent>\d+)%\]$")
"""A line of `pytest -v`."""
_NOT_FOR_TESTS = re.compile(r"PYTHON|VIRTUAL_ENV|CONDA|SCAFFOLD_|SERVICE_|LOCUST_|KUBECONFIG$")
"""Variables of this process that the tests do not get: its own Python, and logins that they do not need."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRun:
    """The parameters of a test run."""

    root: Path
    """The project."""
    python: Path
    """The interpreter of an environment with the distributions that the tests import."""
    url: str
    """The URL of the service."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Headers of every request; they are written nowhere."""
    on_event: OnEvent = ignore


@dataclass(frozen=True, slots=True)
class Load:
    """The load of a stress test."""

    users: int
    seconds: int


def run_functional_test(run: LiveRun, junit: Path) -> Suite:
    """Run `tests/live` against a service; return the results, which the file `junit` gets as well.

    Raises:
        SuiteBrokeOffError: It ended without a result.
    """

    def show(line: str) -> None:
        if match := _PERCENT.search(line):
            percent = int(match["percent"])
            run.on_event(Advanced("functional", match["test"].partition("[")[0], done=percent, total=100))

    command = ["-m", "pytest", LIVE_TESTS, "--verbose", "-p", "no:cacheprovider", "--junit-xml", str(junit)]
    return _run("functional", run, command, junit, show)


def run_stress_test(run: LiveRun, load: Load, junit: Path, html: Path | None = None) -> Suite:
    """Run the locustfile of the project against a service; return which limits it kept.

    Args:
        run: The parameters of the run.
        load: The number of users and seconds.
        junit: The file that gets the limits.
        html: The file that gets locust's report, if any, with the limits on top.

    Raises:
        SuiteBrokeOffError: It ended without a result.
    """
    line_times: list[float] = []

    def show(line: str) -> None:
        if " users, " in line:  # a progress line of the locustfile
            line_times.append(time.monotonic())
            done = min(int(line_times[-1] - line_times[0]), load.seconds)
            run.on_event(Advanced("stress", line, done=done, total=load.seconds))

    command = ["-m", "locust", "-f", LOCUSTFILE, "--headless", "--only-summary", "--loglevel", "ERROR"]
    command += ["--host", run.url, "--users", str(load.users), "--run-time", f"{load.seconds}s"]
    command += ["--junit", str(junit), *(("--html", str(html)) if html else ())]
    suite = _run("stress", run, command, junit, show)
    if html:
        add_result(html, suite)
    return suite


def _run(
    name: str, run: LiveRun, arguments: Sequence[str], junit: Path, show: Callable[[str], None]
) -> Suite:
    tail: collections.deque[str] = collections.deque(maxlen=TAIL_LINES)
    process = start_command([str(run.python), *arguments], cwd=run.root, env=_environment(run))
    try:
        assert process.stdout is not None
        for raw in process.stdout:
            tail.append(raw.decode("utf-8", "replace").rstrip("\n"))
            show(tail[-1])
        status = process.wait()
    finally:
        end_process(process, patience_s=STOP_S)  # an interrupted test sends no more requests
    try:
        suite = read_suite(junit, name)
    except (OSError, ValueError) as error:
        raise SuiteBrokeOffError(name, status, "\n".join(tail)) from error
    if status not in _DONE or not suite.checks:
        raise SuiteBrokeOffError(name, status, "\n".join(tail))
    return suite


def _environment(run: LiveRun) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not _NOT_FOR_TESTS.match(name)}
    return {
        **inherited,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "HYPOTHESIS_STORAGE_DIRECTORY": tempfile.gettempdir(),
        "SERVICE_URL": run.url,
        "SERVICE_HEADERS": json.dumps(dict(run.headers)),
    }
