"""A service starts, serves and stops confined as it does with `python -m app`."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from scaffold.base.confine import Confinement, Serve, confined_environment, launch_command
from scaffold.base.confine._system import machine

pytestmark = pytest.mark.skipif(machine() is None, reason="Linux on x86_64 and aarch64 can confine")
SERVICE = Path(__file__).parents[2] / "examples/titanic/service"
SHOW = """
import json, os, sys
def tried(function):
    try:
        function()
    except OSError as error:
        return error.errno
print(json.dumps({
    "name": __name__, "argv": sys.argv, "path": sys.path, "file": __file__, "spec": __spec__.name,
    "folder": os.getcwd(), "ours": "scaffold" in sys.modules, "own": tried(lambda: open("own.txt")),
    ATTACKS
}))
"""


def environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return kept | confined_environment(folder)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def test_a_module_runs_confined_as_with_dash_m(tmp_path: Path) -> None:
    project, writable = tmp_path / "project", tmp_path / "writable"
    (project / "shown").mkdir(parents=True)
    writable.mkdir()
    (project / "shown" / "__init__.py").touch()
    attacks = '"fork": tried(os.fork), "secret": tried(lambda: open("/etc/shadow")),'
    (project / "shown" / "__main__.py").write_text(SHOW.replace("ATTACKS", attacks))
    (project / "own.txt").touch()

    def run(command: list[str]) -> dict[str, Any]:
        done = subprocess.run(
            command,
            cwd=project,
            env=environment(writable),
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        result: dict[str, Any] = json.loads(done.stdout)
        return result

    python, arguments = Path(sys.executable), ["--flag", "value"]
    confinement = Confinement(readable=(project,), writable=(writable,), parent_pid=os.getpid())
    confined = run(launch_command(python, confinement, "shown", arguments))
    assert (confined.pop("fork"), confined.pop("secret")) == (1, 13)
    (project / "shown" / "__main__.py").write_text(SHOW.replace("ATTACKS", ""))
    assert confined == run([str(python), "-m", "shown", *arguments])
    assert confined["own"] is None


def test_a_service_starts_serves_and_stops_confined(tmp_path: Path) -> None:
    port = free_port()
    confinement = Confinement(
        readable=(SERVICE,), writable=(tmp_path,), network=Serve(port=port), parent_pid=os.getpid()
    )
    own = {"BIND_HOST": "127.0.0.1", "PORT": str(port)}
    log = tmp_path.parent / "service.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            launch_command(Path(sys.executable), confinement, "app"),
            cwd=SERVICE,
            env=environment(tmp_path) | own,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        recorded = json.loads((SERVICE / "tests/recorded.json").read_text())
        wait_for_service(process, port, log)
        for request, answer in zip(recorded["requests"][:5], recorded["answers"][:5], strict=True):
            assert post(port, request) == answer
        os.killpg(process.pid, signal.SIGTERM)
        assert process.wait(30) == 0, log.read_text()
        assert "Application shutdown complete" in log.read_text()
    finally:
        process.kill()
        process.wait()


def wait_for_service(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 120
    while True:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)


def post(port: int, body: object) -> object:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/score", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)
