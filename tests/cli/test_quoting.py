"""Lines to copy are quoted for a shell."""

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from scaffold.cli._changes import show_outcome
from scaffold.cli._new import _show_project
from scaffold.cluster._references import create_command
from scaffold.errors.wording import shell_line
from scaffold.upgrade import Report
from scaffold.verbs.project import Project
from scaffold.verbs.update_result import Update

FOLDER = "my model's dir"


def commands(text: str) -> list[list[str]]:
    """The words of each line that starts with a command."""
    return [shlex.split(line) for line in text.splitlines() if line.startswith(("  scaffold ", "  git "))]


def test_words_of_a_shell_line_are_quoted_where_they_need_it() -> None:
    assert shell_line("scaffold", "undo", Path("a/b")) == "scaffold undo a/b"
    assert shlex.split(shell_line("rm", "-r", FOLDER)) == ["rm", "-r", FOLDER]


def test_the_lines_after_an_update_name_the_folder_as_one_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Git is named in a repository only."""
    monkeypatch.chdir(tmp_path)
    report = Report(old_version="1.0.0", new_version="1.0.1")
    update = Update(
        root=Path(FOLDER), report=report, files={}, moved={}, untouched={}, conflicts={}, applied=True
    )
    show_outcome(update)
    assert commands(capsys.readouterr().out) == [["scaffold", "undo", FOLDER]]
    subprocess.run(["git", "init", "-q", "."], check=True)
    show_outcome(update)
    assert commands(capsys.readouterr().out) == [["git", "-C", FOLDER, "diff"], ["scaffold", "undo", FOLDER]]


def test_the_lines_after_new_name_the_folder_as_one_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = shutil.copytree("examples/titanic/service", tmp_path / FOLDER)
    _show_project(Project.open(root))
    told = commands(capsys.readouterr().out)
    assert ["scaffold", "serve", str(root)] in told
    assert ["scaffold", "build", str(root)] in told


def test_the_name_of_a_secret_is_one_word() -> None:
    pod = {"spec": {"containers": [{"name": "service"}]}}
    deployment = {"metadata": {"namespace": "a b", "name": "service"}, "spec": {"template": pod}}
    command = create_command(deployment, "secret", "the 'key'", exists=True)
    words = shlex.split(command)
    assert words[:7] == ["kubectl", "-n", "a b", "create", "secret", "generic", "the 'key'"]
