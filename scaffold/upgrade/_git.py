"""The state of a project in git; empty without git."""

from __future__ import annotations

from pathlib import Path

from scaffold.base.git import run_git
from scaffold.base.process import Runner, run_command
from scaffold.errors import CommandError


def uncommitted(root: Path, run: Runner = run_command) -> tuple[str, ...]:
    """The tracked files below `root` that differ from the last commit; none outside git."""
    try:
        status = run_git(root, "status", "--porcelain", "--untracked-files=no", "--", ".", run=run)
    except CommandError:
        return ()
    return tuple(line[3:] for line in status.splitlines())
