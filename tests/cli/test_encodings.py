"""Text that the terminal cannot encode never ends a command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def run(encoding: str, *words: str, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "scaffold", *words]
    env = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "NO_COLOR": "1", "COLUMNS": "100"}
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-16", "utf-8"])
def test_signs_and_names_are_printed_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    folder = tmp_path / "Größe Жук"
    folder.mkdir()
    (folder / "model.txt").write_text("no model")
    done = run(encoding, "inspect", str(folder / "model.txt"), cwd=tmp_path)
    said = done.stderr.decode(encoding)
    assert done.returncode == 1
    assert "scaffold itself failed" not in said
    if encoding in ("utf-8", "utf-16"):
        assert "✗ " in said
        assert "Größe Жук" in said
    else:
        assert "x " in said
        assert "\\u0416\\u0443\\u043a" in said


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_results_on_standard_output_are_printed_too(tmp_path: Path, encoding: str) -> None:
    helped = run(encoding, "--help", cwd=tmp_path)
    assert helped.returncode == 0
    assert b"audit" in helped.stdout
    printed = (
        "import sys; from scaffold.cli import _main; from scaffold.cli._show import console\n"
        "sys.argv = ['scaffold', '--version']\n"
        "try: _main.run()\n"
        "finally: console().print('[green]\u2713[/] \u0416\u0443\u043a \u2026')"
    )
    env = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "NO_COLOR": "1"}
    done = subprocess.run([sys.executable, "-c", printed], env=env, capture_output=True)
    last = done.stdout.decode(encoding).splitlines()[-1]
    assert last.replace("…", "...") == "+ \\u0416\\u0443\\u043a ..."
