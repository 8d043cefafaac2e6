"""Stories of owners, each over two upgrades in a row: the results as readable diffs.

`stories/base` is a generated project of the present layout, `stories/<story>/edit.diff` what its owner did to
it. `stories/upgrades` are two upgrades, the second one of the project that the first one wrote: a new model
with another column, then a newer template with another model and other answers. `<story>/<upgrade>.diff` is
what the update does to the owner's project; its first line counts the conflicts. What is in conflict after
the first upgrade is as the owner had it before the second. SCAFFOLD_RECORD=1 records anew.
"""

from pathlib import Path

import pytest

from scaffold.upgrade import Prefer
from tests.upgrade._lives import follow, merge
from tests.upgrade._trees import patched, read_text, read_tree

FOLDER = Path(__file__).parent / "stories"
STORIES = sorted(path.parent.name for path in FOLDER.glob("*/edit.diff"))
UPGRADES = sorted((FOLDER / "upgrades").iterdir())


@pytest.mark.parametrize("story", STORIES)
def test_a_story_goes_over_two_upgrades_as_recorded(story: str) -> None:
    base = read_tree(FOLDER / "base")
    owner = patched(base, read_text(FOLDER / story / "edit.diff"))
    first = patched(base, read_text(UPGRADES[0]))
    generated = first, patched(first, read_text(UPGRADES[1]))
    recorded = [FOLDER / story / upgrade.name for upgrade in UPGRADES]
    follow(base, owner, zip(generated, recorded, strict=True))


@pytest.mark.parametrize("story", STORIES)
def test_a_second_update_to_the_same_state_changes_nothing(story: str) -> None:
    base = read_tree(FOLDER / "base")
    owner = patched(base, read_text(FOLDER / story / "edit.diff"))
    new = patched(base, read_text(UPGRADES[0]))
    merged, _ = merge(base, new, owner, Prefer.OURS)
    again, outcome = merge(new, new, merged, Prefer.NEITHER)
    assert not outcome.conflicts
    assert again == merged
