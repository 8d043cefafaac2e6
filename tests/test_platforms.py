"""Systems that lack what Linux has: no signal, flag, lock or user id that only POSIX has is needed.

Nothing runs on Windows here: the names are taken away.
"""

import getpass
import os
import signal
import subprocess
import sys
from pathlib import Path, PureWindowsPath
from typing import Any

import pytest

from scaffold.base.checked import checked_path
from scaffold.base.files import copy_below
from scaffold.base.who import user_and_host
from scaffold.cluster._references import create_command
from scaffold.errors import OtherLockError, UnsafePathError, wording
from scaffold.errors.wording import name_commands, shell_line
from scaffold.upgrade import _finish

WINDOWS_FOLDER = PureWindowsPath(r"C:\Users\ada\my model's dir")


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wording, "_IS_WINDOWS", True)


def test_a_change_is_finished_where_there_is_no_sighup(tmp_path: Path) -> None:
    code = (
        "import runpy, signal, sys\n"
        "del signal.SIGHUP\n"
        f"sys.argv[1:] = [{str(tmp_path)!r}]\n"
        "runpy.run_module('scaffold.upgrade._finish', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "AttributeError" not in done.stderr
    assert done.returncode in (0, 1, _finish.NOT_TOUCHED), done.stderr
    assert hasattr(signal, "SIGHUP")


def test_a_project_is_changed_where_folders_cannot_be_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: Any) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with _finish.project_lock(tmp_path):
        assert (tmp_path / ".scaffold").is_dir()


def test_a_file_is_copied_without_descriptors_of_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "supports_dir_fd", set())
    for name in ("O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK"):
        monkeypatch.delattr(os, name)
    (tmp_path / "a").mkdir()
    (tmp_path / "a/file").write_text("content")
    (tmp_path / "link").symlink_to("a")
    copy_below(tmp_path, Path("a/file"), tmp_path / "copy")
    assert (tmp_path / "copy").read_text() == "content"
    for relative, message in (("link/file", "symbolic link"), ("a", "no regular file")):
        with pytest.raises(OSError, match=message):
            copy_below(tmp_path, Path(relative), tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_a_user_without_a_name_is_recorded_where_users_have_no_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unknown() -> str:
        raise ImportError("No module named 'pwd'")

    monkeypatch.setattr(getpass, "getuser", unknown)
    assert user_and_host().startswith(f"{os.getuid()}@")
    monkeypatch.delattr(os, "getuid")
    assert user_and_host().startswith("unknown@")


@pytest.mark.usefixtures("windows")
@pytest.mark.parametrize(
    ("word", "shown"),
    [
        (str(WINDOWS_FOLDER), r"'C:\Users\ada\my model''s dir'"),
        (r"C:\models\model.pkl", r"C:\models\model.pkl"),
        ("scikit-learn==1.9.1", "scikit-learn==1.9.1"),
        ("$HOME; rm", "'$HOME; rm'"),
        ("it\u2019s", "'it\u2019\u2019s'"),
        ("a,b", "'a,b'"),
        ("@file", "'@file'"),
        ("", "''"),
    ],
)
def test_words_are_quoted_for_powershell_on_windows(word: str, shown: str) -> None:
    assert shell_line("scaffold", word) == f"scaffold {shown}"


@pytest.mark.usefixtures("windows")
def test_messages_on_windows_name_commands_for_powershell() -> None:
    with name_commands():
        assert wording.invocation("update", WINDOWS_FOLDER) == f"scaffold update {shell_line(WINDOWS_FOLDER)}"
        assert wording.with_variable("UV_INDEX", "https://a/b", "new") == (
            "$env:UV_INDEX = 'https://a/b'; scaffold new ..."
        )
    message = str(OtherLockError(str(WINDOWS_FOLDER), "poetry.lock", "poetry export"))
    assert message.endswith("\n  cd 'C:\\Users\\ada\\my model''s dir'\n  poetry export")
    pod = {"spec": {"containers": [{"name": "service"}]}}
    deployment = {"metadata": {"namespace": "a", "name": "service"}, "spec": {"template": pod}}
    assert "generic 'the ''key'''" in create_command(deployment, "secret", "the 'key'", exists=False)


def test_a_record_holds_paths_as_posix_writes_them() -> None:
    path = PureWindowsPath(r"app\serving\settings.py")
    assert checked_path(Path(), path.as_posix()) == "app/serving/settings.py"
    for text in (str(path), r"C:\model.pkl", "C:model.pkl", r"\\server\share\model.pkl"):
        with pytest.raises(UnsafePathError):
            checked_path(Path(), text)
