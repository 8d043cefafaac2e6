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
