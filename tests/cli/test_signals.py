"""Signals end the command with one sentence, from its first import on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

if not hasattr(signal, "SIGHUP"):
    pytest.skip("signals of Unix", allow_module_level=True)

# The process sends itself a signal when it first imports a module.
KILLED_AT_IMPORT = """
import os, sys
class Killer:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), int(sys.argv[2]))
sys.meta_path.insert(0, Killer())
from scaffold.cli import main
main()
"""


@pytest.mark.parametrize("module", ["scaffold.errors", "scaffold.cli._app", "typer"])
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_signal_during_the_imports_is_told(module: str, name: str) -> None:
    number = getattr(signal, name)
    command = [sys.executable, "-c", KILLED_AT_IMPORT, module, str(int(number))]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env=os.environ | {"NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"},
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # `nohup` ignores SIGHUP
    )
    assert (done.returncode, done.stderr) == (130, "✗ Interrupted.\n")
