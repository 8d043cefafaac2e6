"""`test`: run the tests of a project against its service where it is deployed."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from scaffold.base.checked import path_below
from scaffold.base.client import Client, key_headers, wait_until_ready
from scaffold.base.layout import LIVE_REQUIREMENTS, LOCK, LOCUSTFILE, MAIN
from scaffold.base.package import find_package
from scaffold.base.temporary import TemporaryFolder
from scaffold.base.urls import url_without_credentials
from scaffold.errors import (
    InvalidOptionError,
    NoAddressError,
    NoLiveTestsError,
    NotAProjectError,
    ReportNotWrittenError,
    ServiceKeyError,
    ServiceUnreachableError,
    StressOptionError,
    TargetAndUrlError,
)
from scaffold.errors.wording import counted
from scaffold.events import Finished, OnEvent, Started, ignore
from scaffold.proof import LiveRun, Load
from scaffold.spec import LiveTests, Outcome, Suite
from scaffold.verbs.project import Project

if TYPE_CHECKING:
    from scaffold.cluster import ClusterAccess

USERS, DURATION = 64, "60s"
_LEAST_S = 5
_WAIT_S = 10.0
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?")


def test(
    project: str | Path,
    *,
    url: str | None = None,
    target: str | None = None,
    access: ClusterAccess | None = None,
    stress: bool = False,
    users: int | None = None,
    duration: str | None = None,
    headers: Mapping[str, str] | None = None,
    junit: str | Path | None = None,
    html: str | Path | None = None,
    on_event: OnEvent = ignore,
) -> LiveTests:
    """Run the tests in `tests/live` of a project, and on request its stress test; return what they found.

    Args:
        project: The project's folder.
        url: Where its service runs: `https://host/path`.
        target: The target at which it runs, a folder under `deploy/`, in place of `url`.
        access: For `target`, as for `deploy`.
        stress: Run the stress test too, in `tests/load`.
        users: How many callers send at the same time at last; 64 by default.
        duration: How long they send: `90s`, `1m30s`; 60 s by default.
        headers: Headers of every request, such as a token; they are written nowhere. The key in
            `SCAFFOLD_API_KEY` is sent in any case.
        junit: The file that gets the results as JUnit XML.
        html: The file that gets locust's report of the stress test.
        on_event: Called with each event.

    Raises:
        UsageError: An option cannot be used, or the folder is no project.
        LiveTestsError: The tests are not there, cannot be installed or broke off, or no service answers.
    """
    from scaffold.environments import install_tools

    if not stress:
        _refuse_options(users=users, duration=duration, html=html)
    size = _users(users), _seconds(duration)
    reports = {name: _writable(path) for name, path in (("junit", junit), ("html", html)) if path}
    root = _project_with_tests(project)
    with _reach(root, url, target, access) as address:
        headers = {**key_headers(), **(headers or {})}
        _await_service(root, address, headers)
        on_event(Started("environment"))
        python = install_tools(path_below(root, LIVE_REQUIREMENTS))
        run = LiveRun(root=root, python=python, url=address, headers=headers, on_event=on_event)
        return _run(run, Load(*size) if stress else None, reports)


def _run(run: LiveRun, load: Load | None, reports: Mapping[str, Path]) -> LiveTests:
    from scaffold.proof import join_suites, run_functional_test, run_stress_test

    with TemporaryFolder("test") as folder:
        parts = [("functional", Path(folder) / "functional.xml"), ("stress", Path(folder) / "stress.xml")]
        suites: list[Suite] = []
        try:
            run.on_event(Started("functional"))
            suites.append(_report_passed(run_functional_test(run, parts[0][1]), run.on_event))
            if load:
                run.on_event(Started("stress"))
                stress = run_stress_test(run, load, parts[1][1], reports.get("html"))
                suites.append(_report_passed(stress, run.on_event))
        finally:
            if suites and "junit" in reports:
                join_suites(parts[: len(suites)], reports["junit"])
    return LiveTests(url=run.url, suites=tuple(suites))


@contextlib.contextmanager
def _reach(root: Path, url: str | None, target: str | None, access: ClusterAccess | None) -> Iterator[str]:
    """Yield the URL of the service, which works until the block ends."""
    if url is not None and target is not None:
        raise TargetAndUrlError(target, url)
    if url is not None:
        yield _check_url(url)
        return
    if target is None:
        raise NoAddressError
    from scaffold.cluster import reach_target

    with reach_target(root, target=target, access=access) as reached_url:
        yield reached_url


def _refuse_options(**options: object) -> None:
    for name, value in options.items():
        if value is not None:
            raise StressOptionError(name)


def _users(users: int | None) -> int:
    if users is not None and users < 1:
        raise InvalidOptionError("users", str(users))
    return users or USERS


def _seconds(duration: str | None) -> int:
    text = (duration or DURATION).strip().lower()
    match = _DURATION.fullmatch(text)
    hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    total = hours * 3600 + minutes * 60 + seconds
    if total < _LEAST_S:
        raise InvalidOptionError("duration", duration or "")
    return total


def _writable(path: str | Path) -> Path:
    """Return where a report goes, if a file can be written there; no test has run by then."""
    path = Path(path).absolute()
    if path.is_dir() or not path.parent.is_dir():
        cause = "it is a folder" if path.is_dir() else "there is no such folder"
        raise ReportNotWrittenError(str(path), cause)
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise ReportNotWrittenError(str(path), "you may not write there")
    return path


def _project_with_tests(project: str | Path) -> Path:
    root = Project.open(project).root
    missing = [path for path in (LIVE_REQUIREMENTS, LOCUSTFILE) if not path_below(root, path).is_file()]
    if not missing:
        return root.absolute()
    if find_package(root):
        raise NoLiveTestsError(str(project), tuple(missing))
    raise NotAProjectError(str(project), (MAIN, LOCK), verb="test")


def _check_url(url: str) -> str:
    with contextlib.suppress(ValueError):  # an invalid port
        parts = urlsplit(url)
        is_plain = parts.username is None and not parts.query and url.isprintable()
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and is_plain:
            return url.rstrip("/")
    shown = url_without_credentials(url)
    raise InvalidOptionError("url", shown if shown == url else f"{shown} with a login, a query or a fragment")


def _await_service(root: Path, url: str, headers: Mapping[str, str]) -> None:
    """Wait until the service is ready, and has answered one recorded request with anything but 401."""
    record = Project(root=root).recording.requests[0]
    with contextlib.closing(Client(url, headers=headers)) as client:
        ready = wait_until_ready(client, timeout_s=_WAIT_S, poll_s=0.5, most_refusals=3)
        if not ready.is_ready:
            raise ServiceUnreachableError(url, ready.last, round(ready.waited_s))
        if client.score(record).status == 401:
            raise ServiceKeyError(url)


def _report_passed(suite: Suite, on_event: OnEvent) -> Suite:
    if suite.passed:
        text = f"{counted(suite.count(Outcome.PASSED), 'test')} passed in {suite.seconds:.0f} s"
        on_event(Finished(suite.name, text))
    return suite
