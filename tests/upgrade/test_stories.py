"""Stories of owners, each over two upgrades in a row: the results as readable diffs.

`stories/base` is a generated project of the present layout, `stories/<story>/edit.diff` what its owner did to
it. `stories/upgrades` are two upgrades, the second one of the project that the first one wrote: a new model
with another column, then a newer template with another model and other answers. `<story>/<upgrade>.diff` is
what the update does to the owner's project; its first line counts the conflicts. What is in conflict after
the first upgrade is as the owner had it before the second. SCAFFOLD_RECORD=1 records anew.
"""

import ast
import os
from pathlib import Path

import pytest

from scaffold.upgrade import Prefer
from scaffold.upgrade._outcome import MergedTree
from scaffold.upgrade._trees import merge_trees
from tests.upgrade._trees import Tree, diff, encoded, patched, read_text, read_tree

FOLDER = Path(__file__).parent / "stories"
STORIES = sorted(path.parent.name for path in FOLDER.glob("*/edit.diff"))
UPGRADES = sorted((FOLDER / "upgrades").iterdir())


def merge(base: Tree, new: Tree, owner: Tree, prefer: Prefer) -> tuple[Tree, MergedTree]:
    """The owner's project after an update from `base` to `new`, and how it went."""
    added = {path: text for path, text in owner.items() if path not in {*base, *new}}
    held = {path: text for path, text in owner.items() if path not in added}
    outcome = merge_trees(
        encoded(base), encoded(new), encoded(held), others=encoded(added), incoming="2.0.0", prefer=prefer
    )
    merged = {path: text for path, text in owner.items() if path not in outcome.files}
    for path, file in outcome.files.items():
        if isinstance(file.content, bytes):
            merged[path] = file.content.decode()
    return merged, outcome


@pytest.mark.parametrize("story", STORIES)
def test_a_story_goes_over_two_upgrades_as_recorded(story: str) -> None:
    base = read_tree(FOLDER / "base")
    owner = patched(base, read_text(FOLDER / story / "edit.diff"))
    for upgrade in UPGRADES:
        new = patched(base, read_text(upgrade))
        merged, outcome = merge(base, new, owner, Prefer.NEITHER)
        told = "".join(f"{path}: {detail}\n" for path, detail in outcome.conflicts.items())
        told += "".join(f"left: {path}: {reason}\n" for path, reason in outcome.untouched.items())
        told += "".join(f"note: {note}\n" for note in outcome.notes)
        text = f"{len(outcome.conflicts)} conflicts\n{told}{diff(owner, merged)}"
        recorded = FOLDER / story / upgrade.name
        if os.environ.get("SCAFFOLD_RECORD"):
            recorded.write_bytes(text.encode())
        assert read_text(recorded) == text
        for path, content in merged.items():
            if path.endswith(".py") and path not in outcome.conflicts:
                ast.parse(content)
        base, owner = new, merge(base, new, owner, Prefer.OURS)[0] if outcome.conflicts else merged


@pytest.mark.parametrize("story", STORIES)
def test_a_second_update_to_the_same_state_changes_nothing(story: str) -> None:
    base = read_tree(FOLDER / "base")
    owner = patched(base, read_text(FOLDER / story / "edit.diff"))
    new = patched(base, read_text(UPGRADES[0]))
    merged, _ = merge(base, new, owner, Prefer.OURS)
    again, outcome = merge(new, new, merged, Prefer.NEITHER)
    assert not outcome.conflicts
    assert again == merged
