"""A folder appears whole or not at all."""

import os
from pathlib import Path

import pytest

from scaffold.base.files import require_empty, staged
from scaffold.errors import TargetNotEmptyError, UsageError


def test_the_folder_appears_in_one_rename_when_the_block_ends_well(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "service"
    with staged(target) as folder:
        (folder / "file").write_text("x")
        assert not target.exists()
    assert (target / "file").read_text() == "x"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_nothing_is_left_when_the_block_raises(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), staged(tmp_path / "deep" / "service") as folder:
        (folder / "file").write_text("x")
        raise error
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_is_used(tmp_path: Path) -> None:
    (tmp_path / "service").mkdir()
    with staged(tmp_path / "service") as folder:
        (folder / "file").write_text("x")
    assert [path.name for path in (tmp_path / "service").iterdir()] == ["file"]


def test_a_folder_that_holds_something_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "service").mkdir()
    for name in "abcd":
        (tmp_path / "service" / name).write_text(name)
    with pytest.raises(TargetNotEmptyError) as caught, staged(tmp_path / "service"):
        pytest.fail("the block must not run")
    assert str(caught.value) == (
        f"{tmp_path / 'service'} is not empty: it holds a, b, c and 1 more.\n"
        "Nothing was written. Name a folder that is empty or absent, or bring the project up to date:\n"
        f"  scaffold update {tmp_path / 'service'} --model ..."
    )
    assert sorted(path.name for path in (tmp_path / "service").iterdir()) == list("abcd")


def test_files_written_in_the_meantime_are_not_overwritten(tmp_path: Path) -> None:
    target = tmp_path / "service"
    with pytest.raises(TargetNotEmptyError), staged(target) as folder:
        (folder / "file").write_text("ours")
        target.mkdir()
        (target / "theirs").write_text("theirs")
    assert [path.name for path in target.iterdir()] == ["theirs"]


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "service").write_text("")
    with pytest.raises(TargetNotEmptyError, match="a file of that name"):
        require_empty(tmp_path / "service")


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be made"), staged(tmp_path / "file" / "service"):
        pytest.fail("the block must not run")


def test_leftovers_of_a_killed_process_are_removed_by_the_next(tmp_path: Path) -> None:
    dead = os.fork()
    if dead == 0:
        os._exit(0)
    os.waitpid(dead, 0)
    stale = tmp_path / f".service.partial-{dead}-abc"
    running = tmp_path / f".service.partial-{os.getpid()}-abc"
    stale.mkdir()
    running.mkdir()
    with staged(tmp_path / "service"):
        pass
    assert not stale.exists()
    assert running.exists()
