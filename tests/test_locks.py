"""The lock of a project, whichever tool keeps it."""

from pathlib import Path
from typing import Any

import pytest

from scaffold.base.code import code_sha256
from scaffold.base.locks import lock_file, open_lock
from scaffold.base.process import Finished
from scaffold.errors import (
    CommandError,
    NotAProjectError,
    OtherLockError,
    UnreadableLockError,
    UnsafeLockError,
    UnsafePathError,
)
from scaffold.verbs.project import Project

EXPORTED = """\
click==8.5.1 ; (python_full_version < '3.12' and sys_platform == 'win32') or sys_platform == 'darwin' \\
    --hash=sha256:8bb5
    # via uvicorn
uvicorn==0.54.0 \\
    --hash=sha256:505b \\
    --hash=sha256:a2e3
    # via titanic
"""


class FakeUv:
    """Exports a text, or fails."""

    def __init__(self, text: str = EXPORTED, error: str = "") -> None:
        self.text, self.error, self.commands = text, error, [("",)]

    def __call__(self, command: Any, **_options: Any) -> Finished:
        self.commands.append(tuple(command))
        if self.error:
            raise CommandError(tuple(command), 2, self.error)
        return Finished(stdout=self.text, stderr="")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with the lock of uv."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app/main.py").touch()
    for name in ("uv.lock", "pyproject.toml"):
        (tmp_path / name).write_text("version = 1\n")
    return tmp_path


def test_the_lock_of_uv_is_exported_as_it_stands(root: Path) -> None:
    uv = FakeUv()
    lock = open_lock(root, uv)
    assert [(pin.name, pin.version, len(pin.hashes)) for pin in lock.pins] == [
        ("click", "8.5.1", 1),
        ("uvicorn", "0.54.0", 2),
    ]
    assert lock.pins[0].marker.endswith("or sys_platform == 'darwin'")
    assert lock_file(root) == "uv.lock"
    assert "--frozen" in uv.commands[-1]
    assert not (root / "requirements.txt").exists()


def test_requirements_txt_comes_before_the_lock_of_a_tool(root: Path) -> None:
    (root / "requirements.txt").write_text("one==1 --hash=sha256:aa\n")
    assert lock_file(root) == "requirements.txt"
    assert open_lock(root, FakeUv(error="not asked")).names == ("one",)


@pytest.mark.parametrize("line", ["-e ./other", "./other", "--index-url https://ada:key@example.com"])
def test_an_exported_line_that_is_no_pin_is_refused(root: Path, line: str) -> None:
    with pytest.raises(UnsafeLockError, match=r"uv\.lock"):
        open_lock(root, FakeUv(f"{EXPORTED}{line}\n"))


def test_a_lock_that_uv_cannot_read_is_named_with_what_uv_says(root: Path) -> None:
    with pytest.raises(UnreadableLockError, match=r"uv\.lock cannot be read: error: Failed to parse"):
        open_lock(root, FakeUv(error="error: Failed to parse `uv.lock`\n"))


@pytest.mark.parametrize("name", ["uv.lock", "pyproject.toml"])
def test_a_lock_in_another_place_is_refused(root: Path, tmp_path_factory: Any, name: str) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / name
    (root / name).rename(elsewhere)
    (root / name).symlink_to(elsewhere)
    with pytest.raises(UnsafePathError):
        open_lock(root, FakeUv())


@pytest.mark.parametrize("lock", ["poetry.lock", "pdm.lock"])
def test_another_tool_has_to_export_its_lock(root: Path, lock: str) -> None:
    (root / "uv.lock").rename(root / lock)
    assert lock_file(root) == ""
    with pytest.raises(OtherLockError, match=rf"{lock[:-5]} export .*-o requirements\.txt"):
        Project.open_service(root)
    (root / lock).unlink()
    with pytest.raises(NotAProjectError):
        Project.open_service(root)


def test_the_lock_that_is_installed_belongs_to_the_code_of_a_proof(root: Path) -> None:
    before = code_sha256(root)
    (root / "uv.lock").write_text("version = 2\n")
    changed = code_sha256(root)
    assert changed != before
    (root / "requirements.txt").write_text("one==1 --hash=sha256:aa\n")
    both = code_sha256(root)
    (root / "uv.lock").write_text("version = 3\n")
    assert code_sha256(root) == both != changed
