"""The table of the libraries that were tried, at the end of the run."""

from __future__ import annotations

import pytest

from tests.libraries.page import table
from tests.libraries.running import Result

_RESULTS = pytest.StashKey[list[Result]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_RESULTS] = []


@pytest.fixture
def library_results(request: pytest.FixtureRequest) -> list[Result]:
    """Where a test leaves the row of its library."""
    return request.config.stash[_RESULTS]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    results = config.stash.get(_RESULTS, [])
    if results:
        terminalreporter.section("model libraries")
        terminalreporter.write_line(table(results))
