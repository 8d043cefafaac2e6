"""The tutorials, typed as they stand there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import scaffold

ROOT = Path(__file__).parents[2]
ENVIRON = {
    **os.environ,
    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    "PYTHONPATH": str(Path(scaffold.__file__).parents[1]),
}


def blocks(page: str, language: str = "") -> list[str]:
    text = (ROOT / "docs/start" / page).read_text()
    found = re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [block for named, block in found if named == language]


def run(*command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, env=ENVIRON, capture_output=True, text=True)


@pytest.mark.slow
def test_the_tutorial_from_a_file(tmp_path: Path) -> None:
    folder = tmp_path / "examples/titanic"
    shutil.copytree(ROOT / "examples/titanic", folder, ignore=shutil.ignore_patterns("service", "*.pkl"))
    install, *typed = blocks("file.md", "bash")
    typed.insert(0, install.splitlines()[-1])  # what is installed, the tests have
    typed = [block.replace("scaffold new", "scaffold new --no-verify") for block in typed]  # proven below
    for block in typed:
        done = run("bash", "-ec", block, folder=folder)
        assert done.returncode == 0, done.stderr

    score = folder / "titanic-service/app/score.py"
    line, rule = blocks("file.md", "python")[0].splitlines()
    assert line in score.read_text()
    score.write_text(score.read_text().replace(line, f"{line}\n{rule}"))
    *_, verify, message, accept = blocks("file.md")
    refused = run("bash", "-ec", verify, folder=folder)
    assert refused.returncode == 1
    assert message.strip() in refused.stderr
    accepted = run("bash", "-ec", accept, folder=folder)
    assert accepted.returncode == 0, accepted.stderr


@pytest.mark.slow
def test_the_tutorial_from_a_notebook(tmp_path: Path) -> None:
    train, write, guarded, inspect = blocks("notebook.md", "python")
    assert "scaffold.new" in guarded
    write = write.replace('wine-service")', 'wine-service", verify=False)')  # as the proof of any other model
    (tmp_path / "train.py").write_text(train + write + inspect)
    done = run(sys.executable, "train.py", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "class Ratio" in (tmp_path / "wine-service/model_code.py").read_text()
