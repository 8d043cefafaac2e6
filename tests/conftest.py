"""Fixtures of all tests."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scaffold.errors import name_commands

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
MYPY_CACHES = Path(__file__).parents[1] / ".mypy_cache"


def pytest_configure() -> None:
    """Let mypy read the libraries once in a process of tests, not once in each test that runs it."""
    cache = MYPY_CACHES / os.environ.get("PYTEST_XDIST_WORKER", "tests")
    os.environ["MYPY_CACHE_DIR"] = str(cache)


@pytest.fixture(autouse=True)
def state_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the notes on unfinished changes out of the user's own folder."""
    folder = tmp_path_factory.getbasetemp() / "state"
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """Handle signals after each test as before it; the command line ignores them when it has ended."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(autouse=True)
def commands_in_messages() -> Iterator[None]:
    """Read messages as they are on the command line; tests/errors/ reads them as a Python caller does."""
    with name_commands():
        yield


@pytest.fixture(autouse=True)
def forget_app() -> Iterator[Callable[[], None]]:
    """Return a function that forgets an imported `app`, the package name of every generated service."""

    def forget() -> None:
        for name in [name for name in list(sys.modules) if name.partition(".")[0] == "app"]:
            del sys.modules[name]

    forget()
    yield forget
    forget()
