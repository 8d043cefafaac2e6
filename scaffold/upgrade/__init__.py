"""A new state of a project is merged into the owner's: no edit is lost, each change is told."""

from scaffold.upgrade._conflicts import Prefer
from scaffold.upgrade._trees import FileMerge, FileOutcome, MergedTree, merge_trees

__all__ = ["FileMerge", "FileOutcome", "MergedTree", "Prefer", "merge_trees"]
