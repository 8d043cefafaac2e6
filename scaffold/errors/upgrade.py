"""A project cannot be brought up to date."""

from __future__ import annotations

from scaffold.errors.base import ScaffoldError


class UpgradeError(ScaffoldError):
    """A project cannot be brought up to date."""


class ForeignChangeError(UpgradeError):
    """A project holds a half finished change that this user did not begin on this machine."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.root = root

    def __str__(self) -> str:
        folder = f"{self.root}/.scaffold/update"
        return (
            f"{folder} holds an update that was not begun here: it came with the project, or was cut off on\n"
            "another machine or in another folder. It was not carried out, and nothing was changed.\n"
            f"What the files held before it is in {folder}/old. Remove it to go on:\n"
            f"  rm -r {folder}"
        )


class NoRecordError(UpgradeError):
    """A folder has no record of what it was made from."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.root = root

    def __str__(self) -> str:
        return (
            f"{self.root} has no .scaffold/record.json, and an update starts from what that says.\n"
            "Name the folder of a generated project, or restore the file from version control:\n"
            "  git checkout -- .scaffold"
        )


class DirtyTreeError(UpgradeError):
    """A project in git holds changes that are not committed."""

    def __init__(self, root: str, changed: tuple[str, ...]) -> None:
        super().__init__(root, changed)
        self.root, self.changed = root, changed

    def __str__(self) -> str:
        return (
            f"{self.root} holds changes that are not committed: {_names(self.changed, 5)}\n"
            "Commit them first, so that the update is a diff of its own; or go ahead:\n"
            f"  scaffold update {self.root} --dirty ..."
        )


class MergeConflictError(UpgradeError):
    """Both the owner and the new state changed the same thing; the files show where."""

    def __init__(self, root: str, conflicts: tuple[tuple[str, str], ...]) -> None:
        super().__init__(root, conflicts)
        self.root, self.conflicts = root, conflicts

    def __str__(self) -> str:
        files = "\n".join(f"  {path}: {detail}" for path, detail in self.conflicts)
        return (
            f"{len(self.conflicts)} files of {self.root} are in conflict:\n{files}\n"
            "Settle each one, and then prove the project; or take the update back:\n"
            f"  scaffold verify {self.root}\n  scaffold undo {self.root}"
        )


class BreakingChangeError(UpgradeError):
    """Those who call the service would have to change."""

    def __init__(self, root: str, changes: tuple[str, ...]) -> None:
        super().__init__(root, changes)
        self.root, self.changes = root, changes

    def __str__(self) -> str:
        lines = "\n".join(f"  {change}" for change in self.changes)
        return (
            f"The new state of {self.root} breaks those who call it:\n{lines}\n"
            "Nothing was written. To go ahead:\n"
            f"  scaffold update {self.root} --allow-breaking ..."
        )


class UndoError(UpgradeError):
    """An update cannot be taken back."""


def _names(names: tuple[str, ...], most: int = 12) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
