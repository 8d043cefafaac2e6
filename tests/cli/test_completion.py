"""Completion in a real bash: commands, choices and targets; paths are left to the shell."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TITANIC = Path(__file__).parents[2] / "examples/titanic/service"
SCRIPT = """
eval "$(scaffold --show-completion)"
complete -p scaffold | grep --quiet -- '-o default' || exit 3  # file names where nothing is offered
while read -r -a COMP_WORDS; do
    [ "${COMP_WORDS[-1]}" = _ ] && COMP_WORDS[-1]=
    COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
    _scaffold_completion scaffold
    echo "${COMPREPLY[@]}"
done
"""
OFFERED = {
    "scaffold de": "deploy deployments",
    "scaffold build --builder _": "docker layers",
    "scaffold new --profile p": "plain",
    f"scaffold deploy {TITANIC} --target s": "staging",
    "scaffold new model.pkl titanic --input _": "",
}


@pytest.mark.slow
def test_bash_offers_what_can_follow(tmp_path: Path) -> None:
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    command = ["bash", "-c", SCRIPT]
    asked = "".join(f"{line}\n" for line in OFFERED)
    done = subprocess.run(
        command, cwd=tmp_path, env=env, input=asked, capture_output=True, text=True, check=True
    )
    assert dict(zip(OFFERED, done.stdout.splitlines(), strict=True)) == OFFERED
