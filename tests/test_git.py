"""Git in a project of somebody else: the programs that its `.git` names are not run."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from scaffold.base.git import revision, run_git
from scaffold.base.layout import PRISTINE
from scaffold.base.process import run_command
from scaffold.upgrade._git import uncommitted
from scaffold.upgrade._pristine import pristine_in_git

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with one commit, and programs of its own that leave a marker."""
    root = tmp_path / "project"
    (root / PRISTINE).parent.mkdir(parents=True)
    (root / PRISTINE).write_text("x")
    (root / "file").write_text("x")
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x")
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho x >> {tmp_path}/marker\ncat\n")
    program.chmod(0o755)
    shutil.copy(program, root / ".git/hooks/post-index-change")
    (root / ".git/info/attributes").write_text("* filter=planted\n")
    for key in ("core.fsmonitor", "filter.planted.clean", "filter.planted.smudge", "gpg.program"):
        git(root, "config", key, str(program))
    git(root, "config", "log.showSignature", "true")
    return root


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True)


@pytest.mark.parametrize("required", [False, True])
def test_no_program_of_a_repository_runs(project: Path, required: bool) -> None:
    (project / "file").touch()
    git(project, "config", "filter.planted.required", str(required).lower())
    assert uncommitted(project) == ()
    (project / "file").write_text("y")
    assert uncommitted(project) == ("file",)
    assert revision(project).endswith("-dirty")
    pristine_in_git(project, {}, run_command)
    assert not (project.parent / "marker").exists()


def test_a_filter_of_git_lfs_stays(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lfs = tmp_path / "bin/git-lfs"
    lfs.parent.mkdir()
    lfs.write_text(f"#!/bin/sh\ntouch {tmp_path}/lfs\ncat\n")
    lfs.chmod(0o755)
    monkeypatch.setenv("PATH", str(lfs.parent), prepend=":")
    git(project, "config", "filter.planted.clean", "git-lfs clean -- %f")
    (project / "file").write_text("z")
    run_git(project, "status", "--porcelain")
    assert (tmp_path / "lfs").exists()
