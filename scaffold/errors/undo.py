"""An update cannot be taken back."""

from __future__ import annotations

from collections.abc import Sequence

from scaffold.errors.branches import UpgradeError


class UndoError(UpgradeError):
    """An update cannot be taken back."""


class NothingToUndoError(UndoError):
    """A project has no update to take back."""

    project: str

    def __str__(self) -> str:
        return (
            f"{self.project} has no update to take back.\nOlder states are in version control, if you use it."
        )


class ChangedSinceError(UndoError):
    """Files of an update were changed after it.

    Args:
        project: The project's folder.
        files: The files, by their path in it.
        kept: The folder with what they held before the update.
        journal: The name of the file that says which is which.
    """

    project: str
    files: Sequence[str]
    kept: str
    journal: str

    def __str__(self) -> str:
        files = "\n".join(f"  {path}" for path in self.files)
        return (
            f"The last update of {self.project} cannot be taken back, for these files were changed since:\n"
            f"{files}\n"
            f"What they held before the update lies in {self.kept}, by their place in {self.journal}."
        )


class DamagedBackupError(UndoError):
    """What files held before an update is damaged or gone.

    Args:
        project: The project's folder.
        files: The files, by their path in it.
        kept: The folder with what they held.
    """

    project: str
    files: Sequence[str]
    kept: str

    def __str__(self) -> str:
        files = "\n".join(f"  {path}" for path in self.files)
        return (
            f"The last update of {self.project} cannot be taken back: {self.kept} does not hold"
            f" what these files were before it:\n{files}"
        )
