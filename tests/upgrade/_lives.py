"""Owners' projects over several upgrades in a row, each compared with a recorded diff."""

import ast
import os
from collections.abc import Iterable
from pathlib import Path

from scaffold.upgrade import Prefer
from scaffold.upgrade._outcome import MergedTree
from scaffold.upgrade._trees import merge_trees
from tests.upgrade._trees import Tree, diff, encoded, read_text


def merge(base: Tree, new: Tree, owner: Tree, prefer: Prefer) -> tuple[Tree, MergedTree]:
    """The owner's project after an update from `base` to `new`, and how it went."""
    added = {path: text for path, text in owner.items() if path not in {*base, *new}}
    held = {path: text for path, text in owner.items() if path not in added}
    outcome = merge_trees(
        encoded(base),
        encoded(new),
        encoded(held),
        added_files=encoded(added),
        incoming="2.0.0",
        prefer=prefer,
    )
    merged = {path: text for path, text in owner.items() if path not in outcome.files}
    for path, file in outcome.files.items():
        if isinstance(file.content, bytes):
            merged[path] = file.content.decode()
    return merged, outcome


def follow(base: Tree, owner: Tree, upgrades: Iterable[tuple[Tree, Path]]) -> None:
    """Check the project of an owner after each upgrade. What is in conflict is as the owner had it then.

    Args:
        base: The generated project.
        owner: What its owner made of it.
        upgrades: What each upgrade generates, and the file with the recorded diff of what it does.
    """
    for new, recorded in upgrades:
        merged, outcome = merge(base, new, owner, Prefer.NEITHER)
        told = "".join(f"{path}: {detail}\n" for path, detail in outcome.conflicts.items())
        told += "".join(f"left: {path}: {reason}\n" for path, reason in outcome.untouched.items())
        told += "".join(f"note: {note}\n" for note in outcome.notes)
        text = f"{len(outcome.conflicts)} conflicts\n{told}{diff(owner, merged)}"
        if os.environ.get("SCAFFOLD_RECORD"):
            recorded.write_bytes(text.encode())
        assert read_text(recorded) == text
        for path, content in merged.items():
            if path.endswith(".py") and path not in outcome.conflicts:
                ast.parse(content)
        base, owner = new, merge(base, new, owner, Prefer.OURS)[0] if outcome.conflicts else merged
