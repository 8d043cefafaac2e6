"""A change of many files happens whole or not at all."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from scaffold.errors import UndoError, UpgradeError
from scaffold.upgrade._content import Content, Opaque, read_tree
from scaffold.upgrade._swap import apply_changes, finish_interrupted, undo_change


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "service"
    for path, text in (("app/main.py", "old\n"), ("app/gone.py", "gone\n"), ("mine.txt", "mine\n")):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


def snapshot(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and ".scaffold" not in path.parts
    }


def change(root: Path, changes: dict[str, Content | None]) -> None:
    apply_changes(root, read_tree(root, changes), changes)


CHANGES: dict[str, Content | None] = {
    "app/main.py": b"new\n",
    "app/gone.py": None,
    "deploy/new.yaml": b"kind: X\n",
}


def test_files_are_written_removed_and_added_and_undo_brings_back_every_byte(project: Path) -> None:
    before = snapshot(project)
    (project / "app/main.py").chmod(0o755)
    change(project, CHANGES)
    assert snapshot(project) == {
        "app/main.py": b"new\n",
        "deploy/new.yaml": b"kind: X\n",
        "mine.txt": b"mine\n",
    }
    assert (project / "app/main.py").stat().st_mode & 0o777 == 0o755
    assert undo_change(project) == ["app/gone.py", "app/main.py", "deploy/new.yaml"]
    assert snapshot(project) == before
    assert not (project / "deploy").exists()


def test_undone_twice_the_change_is_there_again(project: Path) -> None:
    change(project, CHANGES)
    after = snapshot(project)
    undo_change(project)
    undo_change(project)
    assert snapshot(project) == after


def test_undo_refuses_where_a_file_was_changed_since(project: Path) -> None:
    change(project, CHANGES)
    (project / "app/main.py").write_text("worked on\n")
    with pytest.raises(UndoError, match=r"app/main\.py"):
        undo_change(project)
    assert (project / "app/main.py").read_text() == "worked on\n"
    assert not (project / "app/gone.py").exists()


def test_undo_without_an_update_says_so(project: Path) -> None:
    with pytest.raises(UndoError, match="no update to take back"):
        undo_change(project)


def test_a_file_that_was_changed_since_the_plan_stops_the_change(project: Path) -> None:
    before = read_tree(project, CHANGES)
    (project / "app/main.py").write_text("in the meantime\n")
    with pytest.raises(UpgradeError, match="changed while the update ran"):
        apply_changes(project, before, CHANGES)
    assert snapshot(project)["app/main.py"] == b"in the meantime\n"
    assert not (project / ".scaffold/update").exists()


def test_a_failure_while_staging_changes_nothing(project: Path) -> None:
    before = snapshot(project)
    with pytest.raises(FileNotFoundError):
        change(project, {**CHANGES, "model.pkl": Opaque("0" * 64, project / "no such file")})
    assert snapshot(project) == before
    assert not (project / ".scaffold/update").exists()


KILLED = """
import os, sys
from pathlib import Path
from scaffold.upgrade._content import read_tree
from scaffold.upgrade._swap import apply_changes

root, steps = Path(sys.argv[1]), int(sys.argv[2])
changes = {"app/main.py": b"new\\n", "app/gone.py": None, "deploy/new.yaml": b"kind: X\\n"}
watched = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "open", "os.link", "shutil.rmtree"}

def die(event, arguments):
    global steps
    if event in watched and arguments and ".scaffold" in " ".join(map(str, arguments)):
        steps -= 1
        if steps == 0:
            os.kill(os.getpid(), 9)

before = read_tree(root, changes)
sys.addaudithook(die)
apply_changes(root, before, changes)
"""


def test_killed_at_any_step_the_tree_is_as_before_or_as_after_once_the_next_command_looked(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    outcomes = set()
    for step in range(1, 60):
        root = tmp_path / str(step)
        for path, text in (("app/main.py", "old\n"), ("app/gone.py", "gone\n"), ("mine.txt", "mine\n")):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        before = snapshot(root)
        after = {"app/main.py": b"new\n", "deploy/new.yaml": b"kind: X\n", "mine.txt": b"mine\n"}
        done = subprocess.run([sys.executable, "-c", KILLED, str(root), str(step)], check=False)
        finish_interrupted(root)
        assert snapshot(root) in (before, after), step
        assert not (root / ".scaffold/update").exists()
        outcomes.add(snapshot(root) == after)
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
    else:
        pytest.fail("the change never came to its end")
    assert outcomes == {False, True}


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(500):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail("it never came to that")


def test_two_updates_at_once_do_not_mix(project: Path) -> None:
    folder = project / ".scaffold/update"
    folder.mkdir(parents=True)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as other:
        try:
            (folder / "pid").write_text(str(other.pid))
            with pytest.raises(UpgradeError, match="Another update"):
                change(project, CHANGES)
        finally:
            other.kill()
    wait_until(lambda: not _alive(other.pid))
    change(project, CHANGES)
    assert (project / "app/main.py").read_text() == "new\n"


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
