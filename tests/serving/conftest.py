"""Services to test, each ended with the test module that started it."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.serving._toy import Service, free_port, start, write_project


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("toy")
    write_project(root)
    return root


@pytest.fixture(scope="module")
def serve(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Service]]:
    """Start a service with settings by keyword; all end with the module."""
    started: list[subprocess.Popen[bytes]] = []

    def run(**settings: str) -> Service:
        port = int(settings.setdefault("PORT", str(free_port())))
        log = tmp_path_factory.mktemp("log") / "service.log"
        process = start(project, log, settings)
        started.append(process)
        service = Service(process, port, log)
        assert service.wait_until_ready(), log.read_text()
        return service

    yield run
    for process in started:
        if process.poll() is None:
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="module")
def service(serve: Callable[..., Service]) -> Service:
    """A service with the default settings."""
    return serve()
