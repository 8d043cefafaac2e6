"""Kill a command at a moment that a test chooses, and look at what is left."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

KILLED = Path(__file__).parent / "killed.py"
KILLS = int(os.environ.get("SCAFFOLD_TEST_KILLS", "1"))
"""For each verb and signal."""
SIGNALS = ("SIGTERM", "SIGHUP", "SIGINT")
needs_namespaces = pytest.mark.skipif(
    subprocess.run(["unshare", "--pid", "--fork", "true"], check=False).returncode != 0
    if shutil.which("unshare")
    else True,
    reason="no PID namespaces of one's own here",
)


def kill(folder: Path, name: str, delay_s: float, *words: str) -> dict[str, Any]:
    """Run `scaffold` in a PID namespace with `folder/tmp` for temporary files, and kill it after a while.

    Returns:
        `status` and `said` (standard error) of the command, and what it left: processes (`left`) and
        temporary files (`temporary`).
    """
    temporary = folder / "tmp"
    temporary.mkdir()
    command = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, str(KILLED), name, f"{delay_s}"]
    done = subprocess.run(
        [*command, sys.executable, "-m", "scaffold", *words],
        cwd=folder,
        env=os.environ | {"TMPDIR": str(temporary), "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    result["temporary"] = [str(path.relative_to(temporary)) for path in temporary.rglob("*")]
    return result


def require_end(result: dict[str, Any]) -> bool:
    """Whether the command was interrupted; its end must be clean in both cases."""
    assert (result["left"], result["temporary"]) == ([], []), result
    if result["status"] == 0:
        return False
    # In code that Python has made of text, an interrupt ends Python by SIGINT: a shell says 130 as well.
    assert result["status"] in (130, -signal.SIGINT), result["said"]
    assert result["said"].endswith("✗ Interrupted.\n"), result["said"]
    return True
