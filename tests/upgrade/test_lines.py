"""Three versions of a text become one."""

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scaffold.base.markers import marked_lines
from scaffold.upgrade._conflicts import Conflicts, Prefer
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


def test_the_markers_have_the_line_ends_of_the_owner() -> None:
    merged = merge_lines("a\nb\nc\n", "a\r\nx\r\nc\r\n", "a\ny\nc\n", Conflicts())
    assert merged == "a\r\n<<<<<<< yours\r\nx\r\n=======\r\ny\r\n>>>>>>> new\r\nc\r\n"


@pytest.mark.parametrize("separator", ["\u2028", "\x1c", "\f"])
def test_only_a_newline_ends_a_line(separator: str) -> None:
    base, mine, new = (f"a{separator}{letter}\n" for letter in "bxy")
    merged = merge_lines(base, mine, new, Conflicts())
    assert merged == f"<<<<<<< yours\n{mine}=======\n{new}>>>>>>> new\n"


@st.composite
def edited(draw: st.DrawFn, side: str) -> list[str]:
    """One side's version of eight lines: each kept, removed or replaced, and new lines after some."""
    lines = []
    for number in range(8):
        what = draw(st.sampled_from(["keep", "keep", "keep", "drop", "replace"]))
        lines += [] if what == "drop" else [f"{number}" if what == "keep" else f"{side}{number}"]
        lines += [f"{side} after {number}"] if draw(st.integers(0, 9)) == 0 else []
    return lines


@pytest.mark.skipif(not shutil.which("git"), reason="git merge-file is the reference, and git is not here")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ours=edited("o"), theirs=edited("t"))
def test_no_line_of_either_side_is_lost_and_what_git_merges_is_merged_alike(
    tmp_path: Path, ours: list[str], theirs: list[str]
) -> None:
    base = [str(number) for number in range(8)]
    texts = {"base": base, "ours": ours, "theirs": theirs}
    for name, lines in texts.items():
        (tmp_path / name).write_text("".join(f"{line}\n" for line in lines))
    conflicts = Conflicts()
    before, mine, other = ((tmp_path / name).read_text() for name in texts)
    merged = merge_lines(before, mine, other, conflicts)
    found = merged.splitlines()
    assert {line for line in (*ours, *theirs) if line not in base} <= set(found)
    assert {line for line in base if line in ours and line in theirs} <= set(found)
    command = ["git", "merge-file", "-p", "ours", "base", "theirs"]
    git = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    if git.returncode == 0:
        assert (merged, conflicts.count) == (git.stdout, 0)
