"""The service, started as in production, on a free port."""

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
START_S = 300


class Service:
    """A running service."""

    def __init__(self, port: int) -> None:
        self._port = port

    def request(
        self, method: str, path: str, body: bytes | None, media_type: str
    ) -> tuple[int, Any]:
        """The status and the JSON of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        with contextlib.closing(connection):
            connection.request(method, path, body, {"Content-Type": media_type})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def get(self, path: str) -> tuple[int, Any]:
        """Ask for `path`."""
        return self.request("GET", path, None, "")

    def post(self, path: str, body: Any) -> tuple[int, Any]:
        """Send `body` as JSON, or as it is where it is bytes."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.request("POST", path, raw, "application/json")


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    """One for all tests."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {**os.environ, "BIND_HOST": "127.0.0.1", "PORT": str(port)}
    process = subprocess.Popen([sys.executable, "-m", "app"], cwd=ROOT, env=settings)
    try:
        running = Service(port)
        end = time.monotonic() + START_S
        while time.monotonic() < end and process.poll() is None:
            with contextlib.suppress(OSError):
                if running.get("/readyz")[0] == 200:
                    break
            time.sleep(0.05)
        else:
            pytest.fail(f"the service did not start: {process.poll()}")
        yield running
    finally:
        process.terminate()
        process.wait(60)
