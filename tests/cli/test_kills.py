"""Signals at random moments end `new` and `update` without a process, a file or half a project left."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

KILLED = Path(__file__).parent / "killed.py"
KILLS = int(os.environ.get("SCAFFOLD_TEST_KILLS", "1"))
"""For each verb and signal."""
LONGEST_S = {"new": 12.0, "update": 14.0}
"""About how long a whole run takes; some of the kills come when it is over."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        subprocess.run(["unshare", "--pid", "--fork", "true"], check=False).returncode != 0
        if shutil.which("unshare")
        else True,
        reason="no PID namespaces of one's own here",
    ),
]


def train(folder: Path, name: str, seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(200, 4))
    model = LogisticRegression().fit(rows, rows @ [1.0, -2.0, 0.5, seed] > 0)
    written = folder / f"{name}.pkl"
    for path, value in (
        (written, model),
        (folder / "input.pkl", rows[:20]),
        (folder / "output.pkl", model.predict(rows[:20])),
    ):
        path.write_bytes(cloudpickle.dumps(value))
    return ["--input", str(folder / "input.pkl"), "--output", str(folder / "output.pkl")]


def kill(folder: Path, name: str, delay_s: float, *words: str) -> dict[str, Any]:
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
    assert (result["left"], result["temporary"]) == ([], [])
    if result["status"] == 0:
        return False
    # In code that Python has made of text, an interrupt ends Python by SIGINT: a shell says 130 as well.
    assert result["status"] in (130, -signal.SIGINT), result["said"]
    assert result["said"].endswith("✗ Interrupted.\n"), result["said"]
    return True


def tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_killed_new_leaves_nothing_or_the_whole_project(tmp_path: Path, name: str) -> None:
    sample = train(tmp_path, "model", 1)
    for number in range(KILLS):
        folder = tmp_path / str(number)
        folder.mkdir()
        delay_s = random.Random(f"{name} {number}").uniform(0, LONGEST_S["new"])
        require_end(kill(folder, name, delay_s, "new", str(tmp_path / "model.pkl"), "service", *sample))
        if (folder / "service").exists():
            assert (folder / "service/.scaffold/record.json").is_file(), delay_s
            assert (folder / "service/tests/recorded.json").is_file(), delay_s
        assert {path.name for path in folder.iterdir()} <= {"service", "tmp"}


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_killed_update_leaves_the_project_as_before_or_as_after(tmp_path: Path, name: str) -> None:
    sample = train(tmp_path, "model", 1)
    made = ["new", str(tmp_path / "model.pkl"), str(tmp_path / "made"), *sample, "--no-verify"]
    subprocess.run([sys.executable, "-m", "scaffold", *made], check=True, capture_output=True)
    sample = train(tmp_path, "newer", 2)
    for number in range(KILLS):
        folder = tmp_path / str(number)
        folder.mkdir()
        shutil.copytree(tmp_path / "made", folder / "service")
        before = tree(folder / "service")
        delay_s = random.Random(f"{name} {number}").uniform(0, LONGEST_S["update"])
        words = ["update", "service", "--model", str(tmp_path / "newer.pkl"), *sample]
        require_end(kill(folder, name, delay_s, *words))
        after = tree(folder / "service")
        if after != before:
            has_new_model = after["model/model.pkl"] == (tmp_path / "newer.pkl").read_bytes()
            assert has_new_model, (delay_s, sorted(set(after) ^ set(before)))
        assert {path.name for path in folder.iterdir()} <= {"service", "tmp"}
