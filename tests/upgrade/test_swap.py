"""A change of many files happens whole or not at all."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scaffold.base.layout import UPDATE
from scaffold.errors import UndoError, UpgradeError
from scaffold.upgrade._content import Content, Opaque, read_tree
from scaffold.upgrade._finish import read_journal
from scaffold.upgrade._swap import _commit, apply_changes, finish_interrupted, undo_change

KILLS = int(os.environ.get("SCAFFOLD_KILLS", "8"))


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
    with pytest.raises(UpgradeError, match=r"No such file or directory\. It is as it was before"):
        change(project, {**CHANGES, "model.pkl": Opaque("0" * 64, project / "no such file")})
    assert snapshot(project) == before
    assert not (project / ".scaffold/update").exists()


CHANGED = """
import sys
from pathlib import Path
from scaffold.upgrade._content import read_tree
from scaffold.upgrade._swap import apply_changes

root = Path(sys.argv[1])
changes = {f"app/{n}.py": (None, b"new %d" % n, b"x" * 200_000)[n % 3] for n in range(60)}
before = read_tree(root, changes)
print("ready", flush=True)
sys.stdin.readline()
apply_changes(root, before, changes)
"""


def files_of_sixty(root: Path) -> Path:
    """Sixty files of which a change removes, writes or adds each third."""
    (root / "app").mkdir(parents=True)
    for number in range(60):
        if number % 3 < 2:
            (root / f"app/{number}.py").write_text(f"old {number}")
    return root


def those_at_work(root: Path) -> list[int]:
    """Return the processes with the project's folder among their arguments."""
    found = []
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if process.name.isdigit() and os.fsencode(root) in (process / "cmdline").read_bytes().split(
                b"\0"
            ):
                found.append(int(process.name))
    return found


def begun(root: Path) -> "subprocess.Popen[str]":
    """Start a process that waits for a line before it changes the project."""
    command = [sys.executable, "-c", CHANGED, str(root)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, start_new_session=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def let_go(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="processes are found in /proc")
@pytest.mark.slow
def test_a_kill_leaves_the_tree_as_before_or_as_after(
    tmp_path: Path,
) -> None:
    whole = files_of_sixty(tmp_path / "whole")
    before = snapshot(whole)
    process = begun(whole)
    began = time.monotonic()
    let_go(process)
    assert process.wait() == 0
    took_s = time.monotonic() - began
    after = snapshot(whole)
    outcomes = set()
    for kill in range(KILLS):
        root = files_of_sixty(tmp_path / str(kill))
        process = begun(root)
        let_go(process)
        time.sleep(took_s * kill / KILLS)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        while those_at_work(root):
            time.sleep(0.005)
        assert snapshot(root) in (before, after), kill
        outcomes.add(snapshot(root) == after)
        finish_interrupted(root)
        assert snapshot(root) in (before, after), kill
        assert not (root / ".scaffold/update").exists()
        shutil.rmtree(root)
    assert outcomes == {True, False}


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="processes are found in /proc")
@pytest.mark.slow
def test_after_a_kill_of_all_processes_the_next_command_completes_the_tree(tmp_path: Path) -> None:
    before = snapshot(files_of_sixty(tmp_path / "whole"))
    root = files_of_sixty(tmp_path / "killed")
    for _ in range(KILLS):
        process = begun(root)
        let_go(process)
        while process.poll() is None and not (root / ".scaffold/update/journal.json").exists():
            pass
        for pid in those_at_work(root):
            os.kill(pid, signal.SIGKILL)
        process.wait()
        finish_interrupted(root)
        assert not (root / ".scaffold/update").exists()
        if snapshot(root) != before:
            undo_change(root)
        assert snapshot(root) == before


def test_two_changes_at_once_do_not_mix(tmp_path: Path) -> None:
    root = files_of_sixty(tmp_path / "service")
    both = [begun(root) for _ in range(2)]
    for process in both:
        let_go(process)
    assert sorted(process.wait() for process in both) == [0, 1]
    assert len(snapshot(root)) == 40
    undo_change(root)
    assert snapshot(root) == snapshot(files_of_sixty(tmp_path / "as it was"))


def test_a_file_that_its_owner_touched_after_a_power_cut_is_theirs_and_the_rest_as_before(
    project: Path,
) -> None:
    (project / ".scaffold").mkdir()
    cut_off(project, moved=["deploy/new.yaml"])
    (project / "app/main.py").write_text("worked on\n")
    with pytest.raises(UpgradeError, match=r"cut off is taken back: app/main.py was changed meanwhile"):
        finish_interrupted(project)
    assert snapshot(project) == {
        "app/main.py": b"worked on\n",
        "app/gone.py": b"gone\n",
        "mine.txt": b"mine\n",
    }
    finish_interrupted(project)


def test_a_change_that_cannot_be_carried_out_is_taken_back_whole(project: Path) -> None:
    before = snapshot(project)
    (project / "deploy").write_text("no folder\n")
    with pytest.raises(UpgradeError, match="It is as it was before"):
        change(project, CHANGES)
    (project / "deploy").unlink()
    assert snapshot(project) == before
    assert not (project / ".scaffold/update").exists()


def test_a_full_disk_leaves_the_project_as_before_and_says_so(tmp_path: Path) -> None:
    root = files_of_sixty(tmp_path / "service")
    before = snapshot(root)
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n" + CHANGED
    done = subprocess.run(
        [sys.executable, "-c", limited, str(root)], input="\n", capture_output=True, text=True, check=False
    )
    assert (
        f"ChangeFailedError: {root} cannot be written: File too large. It is as it was before." in done.stderr
    )
    assert snapshot(root) == before
    assert not (root / ".scaffold/update").exists()


def cut_off(root: Path, moved: list[str]) -> None:
    """The project as a power cut leaves it after the files `moved` arrived."""
    _commit(root, root / UPDATE, read_tree(root, CHANGES), CHANGES)
    for number, entry in enumerate(read_journal(root / UPDATE)):
        if entry.path in moved:
            (root / entry.path).parent.mkdir(exist_ok=True)
            (root / UPDATE / "new" / str(number)).replace(root / entry.path)


def test_after_a_power_cut_the_next_command_finishes(project: Path) -> None:
    (project / ".scaffold").mkdir()
    cut_off(project, moved=["app/main.py"])
    finish_interrupted(project)
    assert snapshot(project)["deploy/new.yaml"] == b"kind: X\n"
    assert not (project / "app/gone.py").exists()
