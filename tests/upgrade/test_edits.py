"""Typical edits, each over several upgrades: the results as readable diffs.

`edits/base` is a generated project, `edits/<edit>/edit.diff` what its owner did to it, and `edits/upgrades`
what the generator would write next. `edits/<edit>/<upgrade>.diff` is what an update then does to the owner's
project; its first line counts the conflicts. SCAFFOLD_RECORD=1 records anew.

`base` has the old layout, and so have three of the upgrades. `new-layout` is what the templates of the
present layout write: there `<edit>/new-layout.diff` is what an update leaves of the edit in the new project.
"""

import ast
import os
from pathlib import Path

import pytest

from scaffold.upgrade._outcome import MergedTree
from scaffold.upgrade._trees import merge_trees
from tests.upgrade._lives import follow
from tests.upgrade._trees import Tree, diff, encoded, patched, read_tree

FOLDER = Path(__file__).parent / "edits"
EDITS = sorted(path.parent.name for path in FOLDER.glob("*/edit.diff"))
UPGRADES = sorted(path.stem for path in (FOLDER / "upgrades").iterdir())
NEW_LAYOUT = "new-layout"
IN_A_ROW = [edit for edit in EDITS if edit >= "33"]
"""Edits that are also followed over two upgrades in a row; `in-a-row-2.diff` is what the second one does."""


def merge(edit: str, upgrade: str) -> tuple[Tree, Tree, Tree, Tree, MergedTree]:
    """The pristine, the new, the owner's and the merged tree, and how it went."""
    base = read_tree(FOLDER / "base")
    new = patched(base, (FOLDER / "upgrades" / f"{upgrade}.diff").read_text())
    owner = patched(base, (FOLDER / edit / "edit.diff").read_text())
    added = {path: text for path, text in owner.items() if path not in {*base, *new}}
    held = {path: text for path, text in owner.items() if path not in added}
    merged = merge_trees(
        encoded(base), encoded(new), encoded(held), added_files=encoded(added), incoming="2.0.0"
    )
    files = {path: file.content for path, file in merged.files.items()}
    texts = {path: content.decode() for path, content in files.items() if isinstance(content, bytes)}
    return base, new, owner, {**added, **texts}, merged


@pytest.mark.parametrize("upgrade", UPGRADES)
@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_is_left_after_an_upgrade_as_recorded(edit: str, upgrade: str) -> None:
    base, new, owner, merged, outcome = merge(edit, upgrade)
    recorded = FOLDER / edit / f"{upgrade}.diff"
    told = "".join(f"{path}: {detail}\n" for path, detail in outcome.conflicts.items())
    told += "".join(f"note: {note}\n" for note in outcome.notes)
    before = new if upgrade == NEW_LAYOUT else owner
    text = f"{len(outcome.conflicts)} conflicts\n{told}{diff(before, merged)}"
    if os.environ.get("SCAFFOLD_RECORD"):
        recorded.write_text(text)
    assert recorded.read_text() == text
    for path, content in merged.items():
        if path.endswith(".py") and path not in outcome.conflicts:
            ast.parse(content)
    deleted = set(base) - set(owner)
    assert not deleted & set(merged)


@pytest.mark.parametrize("edit", IN_A_ROW)
def test_an_edit_goes_over_two_upgrades_in_a_row(edit: str) -> None:
    base = read_tree(FOLDER / "base")
    owner = patched(base, (FOLDER / edit / "edit.diff").read_text())
    names = "new-column", "changed-types"
    generated = [patched(base, (FOLDER / "upgrades" / f"{name}.diff").read_text()) for name in names]
    recorded = [FOLDER / edit / f"in-a-row-{number}.diff" for number in (1, 2)]
    follow(base, owner, zip(generated, recorded, strict=True))
