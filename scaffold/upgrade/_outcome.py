"""The result of a merge, for each file and for the tree."""

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
    """The file has a new path."""


@dataclass(frozen=True, slots=True)
class FileMerge:
    """One file after the merge; `content` is `None` if it is deleted."""

    outcome: FileOutcome
    content: Content | None
    detail: str = ""
    """Of a conflict, the place and the cause; of a moved file, the new path."""
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
        """Return the files in conflict without markers: they keep the owner's content."""
        contents = {path: self.files[path].content for path in self.conflicts}
        return tuple(
            path
            for path, content in contents.items()
            if not isinstance(content, bytes) or not marked_lines(content.decode("utf-8", "replace"))
        )

    @property
    def changed_files(self) -> dict[str, str]:
        """Return the outcome of each file that changes, or that ignores a change of the new state."""
        quiet = {FileOutcome.UNCHANGED, FileOutcome.KEPT, FileOutcome.KEPT_DELETED}
        changed = {
            path: file for path, file in self.files.items() if file.outcome not in quiet or file.detail
        }
        return {path: file.word for path, file in changed.items()}

    @property
    def untouched(self) -> dict[str, str]:
        """Return the files that ignore a change of the new state, with the reason."""
        kept_outcomes = {FileOutcome.KEPT, FileOutcome.KEPT_DELETED}
        return {
            path: file.detail
            for path, file in self.files.items()
            if file.outcome in kept_outcomes and file.detail
        }

    @property
    def moved(self) -> dict[str, str]:
        """Where files of the old layout are now, by their old path."""
        return {path: file.detail for path, file in self.files.items() if file.outcome is FileOutcome.MOVED}

    def count(self, outcome: FileOutcome) -> int:
        """Return how many files have this outcome."""
        return sum(file.outcome is outcome for file in self.files.values())
