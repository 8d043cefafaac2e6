"""What a merge gives: for each file, and for the tree."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from scaffold.base.markers import marked_lines
from scaffold.upgrade._content import Content


class FileOutcome(enum.Enum):
    """The result of the merge for one file."""

    UNCHANGED = "unchanged"
    UPDATED = "updated"
    """Only the new state changed it."""
    MERGED = "merged"
    """Both changed it, in different places."""
    CONFLICT = "conflict"
    ADDED = "added"
    REMOVED = "removed"
    KEPT = "kept"
    """Only the owner changed it."""
    KEPT_DELETED = "kept deleted"
    MOVED = "moved"
    """It has another path now."""


@dataclass(frozen=True, slots=True)
class FileMerge:
    """One file after the merge; `content` is `None` if it is deleted."""

    outcome: FileOutcome
    content: Content | None
    detail: str = ""
    """For a conflict: where, and between what. For a file that moved: where to."""
    sides: tuple[Content | None, Content | None, Content | None] = (None, None, None)
    """For a conflict: base, ours and theirs."""

    @property
    def word(self) -> str:
        """The outcome for people."""
        return f"moved to {self.detail}" if self.outcome is FileOutcome.MOVED else self.outcome.value


@dataclass(frozen=True, slots=True)
class MergedTree:
    """The merged files at the paths of both pristine projects."""

    files: Mapping[str, FileMerge]
    notes: tuple[str, ...] = ()
    """Further notes for the owner."""

    @property
    def conflicts(self) -> dict[str, str]:
        """The detail of each conflict, by path."""
        return {
            path: file.detail for path, file in self.files.items() if file.outcome is FileOutcome.CONFLICT
        }

    @property
    def unmarked(self) -> tuple[str, ...]:
        """The files in conflict that hold no markers: they are as the owner has them."""
        contents = {path: self.files[path].content for path in self.conflicts}
        return tuple(
            path
            for path, content in contents.items()
            if not isinstance(content, bytes) or not marked_lines(content.decode("utf-8", "replace"))
        )

    @property
    def told(self) -> dict[str, str]:
        """The outcome of each file that changes, or that stays though the new state changed it, in a word."""
        quiet = {FileOutcome.UNCHANGED, FileOutcome.KEPT, FileOutcome.KEPT_DELETED}
        told = {path: file for path, file in self.files.items() if file.outcome not in quiet or file.detail}
        return {path: file.word for path, file in told.items()}

    @property
    def untouched(self) -> dict[str, str]:
        """The files that get nothing of the new state though it changed them, with the reason."""
        kept = {FileOutcome.KEPT, FileOutcome.KEPT_DELETED}
        return {
            path: file.detail for path, file in self.files.items() if file.outcome in kept and file.detail
        }

    @property
    def moved(self) -> dict[str, str]:
        """Where files of the old layout are now, by their old path."""
        return {path: file.detail for path, file in self.files.items() if file.outcome is FileOutcome.MOVED}

    def count(self, outcome: FileOutcome) -> int:
        """Return how many files have this outcome."""
        return sum(file.outcome is outcome for file in self.files.values())
