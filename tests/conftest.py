"""Fixtures of all tests."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scaffold.base.lockfile import Lock
from scaffold.errors import name_commands
from scaffold.proof import _proof, make_environment

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
MYPY_CACHES = Path(__file__).parents[1] / ".mypy_cache"
WRITES_BYTECODE = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def pytest_configure() -> None:
    """Let mypy read the libraries once in a process of tests, not once in each test that runs it."""
    cache = MYPY_CACHES / os.environ.get("PYTEST_XDIST_WORKER", "tests")
    os.environ["MYPY_CACHE_DIR"] = str(cache)


@pytest.fixture(scope="session", autouse=True)
def shared_environments(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Prove all projects of one lock in one environment.

    Two thirds of the time of a proof are spent on making its environment, and on compiling the libraries at
    the start of the service, which cannot write beside them.
    """
    folder = tmp_path_factory.mktemp("environments")

    def make(root: Path, _: Path, *, python: str, lock: Lock | None = None) -> Path:
        locks = (root / name for name in ("requirements.txt", "uv.lock"))
        content = lock.text.encode() if lock else next(path for path in locks if path.exists()).read_bytes()
        name = hashlib.sha256(content).hexdigest()
        is_new = not (folder / name).exists()
        made = make_environment(root, folder / name, python=python, lock=lock)
        if is_new:  # writes their bytecode
            code = "from app import main, score; score.load()"
            subprocess.run(
                [made, "-c", code], cwd=root, env=WRITES_BYTECODE, capture_output=True, check=False
            )
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_proof, "make_environment", make)
        yield


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
