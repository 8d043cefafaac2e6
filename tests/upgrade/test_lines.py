"""Three versions of a text become one."""

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scaffold.upgrade._conflicts import Conflicts, Prefer, marked_lines
from scaffold.upgrade._lines import merge_lines

BASE = "one\ntwo\nthree\nfour\nfive\n"


def test_changes_to_different_lines_are_both_taken_even_where_they_are_neighbours() -> None:
    conflicts = Conflicts()
    merged = merge_lines(BASE, BASE.replace("two", "2"), BASE.replace("three", "3"), conflicts)
    assert merged == "one\n2\n3\nfour\nfive\n"
    assert conflicts.count == 0


def test_changes_to_the_same_line_are_marked_and_counted() -> None:
    conflicts = Conflicts(incoming="2.0.0")
    merged = merge_lines(BASE, BASE.replace("two", "2"), BASE.replace("two", "deux"), conflicts)
    assert merged == "one\n<<<<<<< yours\n2\n=======\ndeux\n>>>>>>> 2.0.0\nthree\nfour\nfive\n"
    assert conflicts.count == 1
    assert marked_lines(merged) == [2]


@pytest.mark.parametrize(("prefer", "line"), [(Prefer.OURS, "2"), (Prefer.THEIRS, "deux")])
def test_a_preferred_side_leaves_no_marker(prefer: Prefer, line: str) -> None:
    conflicts = Conflicts(prefer)
    merged = merge_lines(BASE, BASE.replace("two", "2"), BASE.replace("two", "deux"), conflicts)
    assert merged == BASE.replace("two", line)
    assert conflicts.count == 0


def test_two_insertions_at_one_place_are_a_conflict_unless_they_are_equal() -> None:
    conflicts = Conflicts()
    mine, new = (BASE.replace("two\n", f"two\n{word}\n") for word in ("mine", "new"))
    assert "<<<<<<< yours\nmine\n=======\nnew\n>>>>>>> new\n" in merge_lines(BASE, mine, new, conflicts)
    assert merge_lines(BASE, mine, mine, Conflicts()) == mine


def test_a_conflict_at_an_end_without_a_newline_keeps_its_markers_on_lines_of_their_own() -> None:
    merged = merge_lines("a\nb", "a\nmine", "a\nnew", Conflicts())
    assert merged == "a\n<<<<<<< yours\nmine\n=======\nnew\n>>>>>>> new\n"


def test_the_line_ends_are_those_of_the_owner() -> None:
    mine = BASE.replace("two", "2").replace("\n", "\r\n")
    merged = merge_lines(BASE, mine, BASE.replace("five", "5"), Conflicts())
    assert merged == "one\r\n2\r\nthree\r\nfour\r\n5\r\n"


LINES = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "d\n", "e\n"]), max_size=8).map("".join)


@pytest.mark.skipif(not shutil.which("git"), reason="git merge-file is the reference, and git is not here")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(base=LINES, ours=LINES, theirs=LINES)
def test_what_git_merges_without_a_conflict_loses_no_line_here_either(
    tmp_path: Path, base: str, ours: str, theirs: str
) -> None:
    for name, text in (("base", base), ("ours", ours), ("theirs", theirs)):
        (tmp_path / name).write_text(text)
    conflicts = Conflicts()
    merged = merge_lines(base, ours, theirs, conflicts)
    added = set(ours.split()) | set(theirs.split())
    kept = set(base.split()) & set(ours.split()) & set(theirs.split())
    assert kept <= set(merged.split())
    assert set(merged.split()) <= added | {"<<<<<<<", "yours", "=======", ">>>>>>>", "new"}
    command = ["git", "merge-file", "-p", "ours", "base", "theirs"]
    git = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    if git.returncode == 0 and not conflicts.count and len(set(base + ours + theirs)) > 30:
        assert merged == git.stdout
