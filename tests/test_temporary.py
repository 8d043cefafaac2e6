"""Temporary folders of killed processes are removed by a later one, and no others."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scaffold.base import temporary
from scaffold.base.temporary import TemporaryFolder, remove_folder, sweep
from scaffold.errors import NoTemporaryFolderError

HOLDING = """
import sys, time
from scaffold.base.temporary import TemporaryFolder
with TemporaryFolder("test") as name:
    open(name + "/held", "w").close()
    print(name, flush=True)
    time.sleep(600)
"""


def holding(parent: Path) -> tuple[subprocess.Popen[str], Path]:
    """A process that holds a temporary folder in `parent`, and that folder, an hour old."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDING],
        env={**os.environ, "TMPDIR": str(parent)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    folder = Path(process.stdout.readline().strip())
    age(folder)
    return process, folder


def age(folder: Path) -> None:
    hour_ago = time.time() - 3600
    os.utime(folder, (hour_ago, hour_ago))


def test_a_folder_of_a_killed_process_is_removed_and_that_of_a_live_one_is_not(tmp_path: Path) -> None:
    process, folder = holding(tmp_path)
    try:
        sweep(tmp_path)
        assert (folder / "held").exists()
    finally:
        process.kill()
        process.wait()
    assert folder.exists()
    sweep(tmp_path)
    assert not folder.exists()


def test_the_first_folder_of_a_process_removes_what_was_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process, left = holding(tmp_path)
    process.kill()
    process.wait()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    temporary._sweep_once.cache_clear()
    with TemporaryFolder("test") as name:
        assert not left.exists()
        assert Path(name).parent == tmp_path
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["young", "other name", "link", "file"])
def test_folders_that_may_belong_to_others_are_kept(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / ("scaffold-model-x" if kind == "other name" else "scaffold-test-x.run")
    target = tmp_path / "target"
    for place in (target, folder):
        place.mkdir()
        (place / "file").write_text("x")
    if kind in ("link", "file"):
        (folder / "file").unlink()
        folder.rmdir()
        folder.symlink_to(target) if kind == "link" else folder.write_text("x")
        age(target)
    if kind not in ("young", "link"):
        age(folder)
    sweep(tmp_path)
    assert folder.exists()
    assert (target / "file").exists()


def test_a_folder_of_another_user_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "scaffold-test-x.run"
    folder.mkdir()
    age(folder)
    own = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: own + 1)
    sweep(tmp_path)
    assert folder.exists()
    monkeypatch.undo()
    sweep(tmp_path)
    assert not folder.exists()


def test_no_folder_that_can_be_written_is_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(NoTemporaryFolderError) as caught:
        TemporaryFolder("test")
    assert str(caught.value) == (
        f"No temporary folder can be made: No such file or directory: {tmp_path / 'gone'}.\n"
        "Set TMPDIR to a folder that can be written."
    )
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [str(tmp_path / "gone")])
    with pytest.raises(NoTemporaryFolderError, match="No usable temporary directory found in"):
        TemporaryFolder("test")


@pytest.mark.parametrize(
    "remove", [lambda folder: folder.cleanup(), lambda folder: remove_folder(Path(folder.name))]
)
def test_an_interrupt_during_the_removal_waits_for_it(
    monkeypatch: pytest.MonkeyPatch, remove: Callable[[TemporaryFolder], None]
) -> None:
    folder = TemporaryFolder("test")
    for name in ("one", "other"):
        Path(folder.name, name).write_bytes(b"")
    unlink, interrupts = os.unlink, iter([KeyboardInterrupt])

    def interrupted(*arguments: Any, **options: Any) -> None:
        unlink(*arguments, **options)
        for interrupt in interrupts:
            raise interrupt

    monkeypatch.setattr(os, "unlink", interrupted)
    with pytest.raises(KeyboardInterrupt):
        remove(folder)
    assert not Path(folder.name).exists()
