"""Signals at random moments end `new` and `update` without a process, a file or half a project left."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from pathlib import Path

import cloudpickle
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from tests.cli._kill import KILLS, SIGNALS, kill, needs_namespaces, require_end

LONGEST_S = {"new": 7.0, "update": 8.0}
"""About how long a whole run takes; some of the kills come when it is over."""

pytestmark = [pytest.mark.slow, needs_namespaces]


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


def tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", SIGNALS)
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


@pytest.mark.parametrize("name", SIGNALS)
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
