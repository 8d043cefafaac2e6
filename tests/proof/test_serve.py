"""`scaffold serve` runs the service until the command ends."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scaffold.proof import serve_project

SERVICE = """
import os, pathlib, time

pathlib.Path("pid").write_text(str(os.getpid()))
time.sleep(60)
"""
SERVE = """
import signal
import sys
from pathlib import Path
from scaffold.proof import serve_project

signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests may ignore it
sys.exit(serve_project(Path(sys.argv[1]), Path(sys.executable), host="127.0.0.1", port=1))
"""


def written(path: Path) -> str:
    """Return the text of a file that another process will write."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with contextlib.suppress(FileNotFoundError):
            if text := path.read_text():
                return text
        time.sleep(0.02)
    raise AssertionError(f"{path} was not written")


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_the_service_ends_with_the_command_that_serves_it(tmp_path: Path, signum: signal.Signals) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app/__main__.py").write_text(SERVICE)
    process = subprocess.Popen([sys.executable, "-c", SERVE, str(tmp_path)])
    service = int(written(tmp_path / "pid"))
    process.send_signal(signum)
    assert process.wait(30) == 0
    with pytest.raises(ProcessLookupError):
        os.kill(service, 0)


ENVIRONMENT = """
import os, pathlib

pathlib.Path("seen").write_text(" ".join(f"{n}={os.environ.get(n)}" for n in ("TZ", "LANG", "LC_ALL")))
"""


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"])
def test_the_service_runs_in_the_zone_of_its_image_whatever_this_shell_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    (tmp_path / "app").mkdir()
    (tmp_path / "app/__main__.py").write_text(ENVIRONMENT)
    settings = {} if zone == "UTC" else {"TZ": zone}
    assert serve_project(tmp_path, Path(sys.executable), host="127.0.0.1", port=1, settings=settings) == 0
    assert (tmp_path / "seen").read_text() == f"TZ={zone} LANG=C.UTF-8 LC_ALL=None"
