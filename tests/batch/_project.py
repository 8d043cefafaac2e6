"""Generated projects with `batch/`, and their command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset

import scaffold


def make_project(root: Path, model: Any, sample: Any, **options: Any) -> Path:
    """Return a new project with `batch/`; further answers are `answers`."""
    answers = {"batch": "local", **options.pop("answers", {})}
    scaffold.new(model, sample, target=root, answers=answers, verify=False, **options)
    return root


def batch(root: Path, *arguments: object, status: int = 0) -> subprocess.CompletedProcess[str]:
    """Run `python -m batch`."""
    command = [sys.executable, "-m", "batch", *map(str, arguments)]
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True, env=environment())
    assert ended.returncode == status, (ended.returncode, ended.stdout, ended.stderr)
    return ended


def environment() -> dict[str, str]:
    """The environment without what pytest and coverage set."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}


def python(root: Path, code: str, *arguments: str) -> str:
    """Run code in a project; return what it prints."""
    command = [sys.executable, "-c", code, *arguments]
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True, env=environment())
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def answers(out: Path) -> list[dict[str, Any]]:
    """The rows of the answers, by file and row."""
    table = pa.dataset.dataset(out / "answers", format="parquet").to_table()
    return sorted(table.to_pylist(), key=lambda row: (row.get("file", ""), row["row"]))


def rejected(out: Path) -> list[dict[str, Any]]:
    """The rejected rows."""
    paths = sorted((out / "rejected").glob("*.jsonl"))
    return [json.loads(line) for path in paths for line in path.read_text().splitlines()]
