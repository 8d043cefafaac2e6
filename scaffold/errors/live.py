"""The tests of a deployed service cannot be run, files cannot be scored, or a report cannot be written."""

from __future__ import annotations

from collections.abc import Sequence

from scaffold.errors.branches import LiveTestsError, UsageError
from scaffold.errors.wording import invocation, option, with_variable


class NoLiveTestsError(LiveTestsError):
    """A project lacks the tests of a deployed service.

    Args:
        project: Its folder.
        missing: The files that it lacks.
    """

    project: str
    missing: Sequence[str]

    def __str__(self) -> str:
        return (
            f"{self.project} has no tests of a deployed service: {', '.join(self.missing)} is missing.\n"
            "A project of an older version gets them by an update:\n"
            f"  {invocation('update', self.project)}"
        )


class NoAddressError(UsageError):
    """Neither a URL nor a target says where a service runs."""

    def __str__(self) -> str:
        return (
            "Say where the service runs:\n"
            f"  {option('url', 'https://titanic.example.org')}\n"
            f"  {option('target', 'staging')}"
        )


class NoBatchError(UsageError):
    """A project has no code that scores files, or none for the engine.

    Args:
        project: Its folder.
        missing: The file that it lacks.
        engines: The answer that adds the file.
    """

    project: str
    missing: str
    engines: str

    def __str__(self) -> str:
        return (
            f"{self.project} has no {self.missing}, which scores files. Add it:\n"
            f"  {invocation('update', self.project, answer=f'batch={self.engines}')}"
        )


class StressOptionError(UsageError):
    """An option of the stress test is given without it."""

    name: str

    def __str__(self) -> str:
        return f"{option(self.name)} belongs to the stress test. Add:\n  {option('stress', True)}"


class ServiceUnreachableError(LiveTestsError):
    """No service is ready at a URL.

    Args:
        url: The URL.
        last: The status of the last answer to `GET /readyz`, or why there is none.
        waited_s: How long it was tried.
    """

    url: str
    last: str
    waited_s: int

    def __str__(self) -> str:
        return (
            f"No service is ready at {self.url}.\n"
            f"  GET {self.url}/readyz: {self.last}\n"
            f"  tried for {self.waited_s} s\n"
            "Does the URL have the prefix of the service, and may this machine reach it?"
        )


class ServiceKeyError(LiveTestsError):
    """A service refuses the recorded sample, since no valid API key was sent."""

    url: str

    def __str__(self) -> str:
        return (
            f"{self.url} requires an API key, and no valid one was sent.\n"
            f"  {with_variable('SCAFFOLD_API_KEY', '...', 'test')}\n"
            f"Another header: {option('header', ['Authorization: Bearer ...'])}"
        )


class SuiteBrokeOffError(LiveTestsError):
    """Tests ended before they had a result.

    Args:
        suite: `functional` or `stress`.
        status: The exit status.
        tail: The end of the output.
    """

    suite: str
    status: int
    tail: str

    def __str__(self) -> str:
        return f"The {self.suite} test broke off (exit status {self.status}):\n{self.tail}"


class ToolsNotInstalledError(LiveTestsError):
    """The requirements of the tests cannot be installed."""

    path: str
    tail: str

    def __str__(self) -> str:
        return f"{self.path} cannot be installed:\n{self.tail}"


class ReportNotWrittenError(UsageError):
    """The page of a report cannot be written."""

    path: str
    cause: str

    def __str__(self) -> str:
        return f"{self.path} cannot be written: {self.cause}. Name a file in a folder that exists."
