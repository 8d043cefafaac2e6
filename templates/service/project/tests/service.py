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

ROOT = Path(__file__).parents[1]
RECORDED = ROOT / "tests" / "recorded.json"
OPENAPI = ROOT / "openapi.json"
START_S = 300
# Headers of every request, such as {"Authorization": "Bearer ..."}.
HEADERS = json.loads(os.environ.get("SERVICE_HEADERS", "{}"))


class Service:
    """A running service."""

    def __init__(self, port: int) -> None:
        self._port = port

    def request(
        self, method: str, path: str, body: bytes | None, media_type: str
    ) -> tuple[int, Any]:
        """Return the status and the JSON of a response."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        with contextlib.closing(connection):
            connection.request(method, path, body, {"Content-Type": media_type, **HEADERS})
            response = connection.getresponse()
            return response.status, json.loads(response.read())

    def get(self, path: str) -> tuple[int, Any]:
        """Send a GET request."""
        return self.request("GET", path, None, "")

    def post(self, path: str, body: Any) -> tuple[int, Any]:
        """Send `body` as JSON, or as it is where it is bytes."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.request("POST", path, raw, "application/json")


@contextlib.contextmanager
def running_service() -> Iterator[Service]:
    """Run the service until the block ends.

    Raises:
        RuntimeError: It ended, or was not ready in time. Its log is on standard error.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {**os.environ, "BIND_HOST": "127.0.0.1", "PORT": str(port)}
    process = subprocess.Popen([sys.executable, "-m", "app"], cwd=ROOT, env=settings)
    try:
        service = Service(port)
        end = time.monotonic() + START_S
        while time.monotonic() < end and process.poll() is None:
            with contextlib.suppress(OSError):
                if service.get("/readyz")[0] == 200:
                    break
            time.sleep(0.05)
        else:
            raise RuntimeError(f"The service did not start; its exit status: {process.poll()}")
        yield service
    finally:
        process.terminate()
        process.wait(60)
