"""A project cannot be brought up to date."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Literal

from scaffold.errors.branches import UpgradeError
from scaffold.errors.wording import counted, invocation, listed, shell_line


class ModelGoneError(UpgradeError):
    """A project does not hold the model that it was made from."""

    project: str
    sha256: str

    def __str__(self) -> str:
        return (
            f"{self.project} does not hold the model that it was made from (sha256 {self.sha256[:12]}).\n"
            "Give the one that it is to serve:\n"
            f"  {invocation('update', self.project, model='model.pkl', input='sample.pkl')}"
        )


class RecordError(UpgradeError):
    """The record of a project cannot be used."""


class DamagedRecordError(RecordError):
    """The record of a project cannot be read."""

    project: str
    record: str
    cause: str

    def __str__(self) -> str:
        restore = shell_line("git", "-C", self.project, "checkout", "--", ".scaffold")
        return f"{self.record} cannot be read: {self.cause}\nRestore it from version control:\n  {restore}"


class MarkedRecordError(RecordError):
    """A merge of two branches left conflict markers in the record of a project."""

    project: str
    record: str

    def __str__(self) -> str:
        return (
            f"{self.record} has the markers of a merge in git: both branches updated the project.\n"
            "Keep the side that belongs to the pristine files, and then update to the model that you want:\n"
            f"  {shell_line('scaffold', 'update', self.project, '--merge-record')}"
        )


class NoMarkersError(RecordError):
    """The record of a project has no conflict markers to settle."""

    record: str

    def __str__(self) -> str:
        return f"{self.record} has no conflict markers, and belongs to the pristine files: nothing to merge."


class RecordSidesError(RecordError):
    """The pristine files of a project belong to no known version of its record."""

    project: str

    def __str__(self) -> str:
        return (
            f"{self.project}/.scaffold/pristine.tar.xz belongs to neither side of record.json, and to no"
            " record in git.\n"
            "Take both from one branch:\n"
            f"  {shell_line('git', '-C', self.project, 'checkout', '--ours', '--', '.scaffold')}"
        )


class NewerRecordError(RecordError):
    """Another version of this package wrote the record of a project."""

    record: str
    generator: str

    def __str__(self) -> str:
        return (
            f"{self.record} was written by another version of model-scaffold ({self.generator}).\n"
            "Update this one:  pip install --upgrade model-scaffold"
        )


class UnknownOptionsError(RecordError):
    """The record of a project holds options that this package does not have."""

    record: str
    cause: str

    def __str__(self) -> str:
        return f"{self.record} holds options that are none: {self.cause}"


class ChangeFailedError(UpgradeError):
    """The files of a project cannot be changed; they are as they were before.

    Args:
        project: The project's folder.
        cause: Why.
        step: `write`: nothing was changed yet. `change`: what was changed is taken back.
            `resume`: an update that was cut off earlier is taken back.
    """

    project: str
    cause: str
    step: Literal["write", "change", "resume"]

    def __str__(self) -> str:
        match self.step:
            case "write":
                return f"{self.project} cannot be written: {self.cause}. It is as it was before."
            case "change":
                return f"{self.project} cannot be changed: {self.cause}. It is as it was before."
            case "resume":
                return (
                    f"An update of {self.project} that was cut off is taken back: {self.cause}.\n"
                    "Run the command again."
                )


class ChangedMeanwhileError(UpgradeError):
    """A file of a project was changed while an update ran."""

    path: str

    def __str__(self) -> str:
        return f"{self.path} was changed while the update ran. Nothing was written; run it again."


class DamagedJournalError(UpgradeError):
    """The folder of an unfinished change has no valid journal."""

    journal: str

    def __str__(self) -> str:
        return (
            f"{self.journal} is no journal of a change, so nothing was done with it.\n"
            f"Remove it to go on:\n  {shell_line('rm', '-r', self.journal.rpartition('/')[0] or '.')}"
        )


class UnknownContentError(UpgradeError):
    """Only the hash of a file of the new state is known."""

    path: str

    def __str__(self) -> str:
        return f"{self.path} cannot be written: only the hash of its new content is known."


class ForeignChangeError(UpgradeError):
    """A project has an unfinished change that this user did not begin on this machine."""

    root: str

    def __str__(self) -> str:
        folder = f"{self.root}/.scaffold/update"
        return (
            f"{folder} holds an update that was not begun here: it came with the project, or was cut off on\n"
            "another machine or in another folder. It was not carried out, and nothing was changed.\n"
            f"What the files held before it is in {folder}/old. Remove it to go on:\n"
            f"  {shell_line('rm', '-r', folder)}"
        )


class NoRecordError(UpgradeError):
    """A folder has no record of what it was made from."""

    root: str

    def __str__(self) -> str:
        return (
            f"{self.root} has no .scaffold/record.json, and an update starts from what that says.\n"
            "Name the folder of a generated project, or restore the file from version control:\n"
            f"  {shell_line('git', '-C', self.root, 'checkout', '--', '.scaffold')}"
        )


class DirtyTreeError(UpgradeError):
    """A project in git holds changes that are not committed."""

    root: str
    changed: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"{self.root} holds changes that are not committed: {listed(self.changed, 5)}\n"
            "Commit them first, so that the update is a diff of its own; or go ahead:\n"
            f"  {invocation('update', self.root, ..., dirty=True)}"
        )


class MergeConflictError(UpgradeError):
    """Both the owner and the new state changed the same thing; the files show where."""

    root: str
    conflicts: tuple[tuple[str, str], ...]
    unmarked: tuple[str, ...] = ()
    """The files in conflict that are as the owner has them; their new text is in the record."""

    def __str__(self) -> str:
        files = "\n".join(f"  {path}: {detail}" for path, detail in self.conflicts)
        show = shell_line("tar", "-xOf", f"{self.root}/.scaffold/pristine.tar.xz", *self.unmarked)
        by_hand = f"The new text of the files without markers:\n  {show}\n" if self.unmarked else ""
        return (
            f"Conflicts in {counted(len(self.conflicts), 'file')} of {self.root}:\n{files}\n{by_hand}"
            "Settle each one, and then prove the project; or take the update back:\n"
            f"  {invocation('verify', self.root)}\n  {invocation('undo', self.root)}"
        )


class PathTakenError(UpgradeError):
    """Generated files would move to where files of the owner are, or hide a module of theirs."""

    taken: tuple[tuple[str, str], ...]
    """The owner's file, and what would come in its place."""

    def __str__(self) -> str:
        files = "\n".join(f"  {own}: {new} comes there" for own, new in self.taken)
        own, _ = self.taken[0]
        name = PurePosixPath(own)
        elsewhere = name.with_name(f"own_{name.name}").as_posix()
        return (
            f"Files of yours are where the new layout of the project has others:\n{files}\n"
            "Nothing was written. Give yours other names, in the project, and update again:\n"
            f"  {shell_line('mv', own, elsewhere)}"
        )


class BreakingChangeError(UpgradeError):
    """Those who call the service would have to change."""

    root: str
    changes: tuple[str, ...]

    def __str__(self) -> str:
        lines = "\n".join(f"  {change}" for change in self.changes)
        return (
            f"The new state of {self.root} breaks those who call it:\n{lines}\n"
            "Nothing was written. To go ahead:\n"
            f"  {invocation('update', self.root, ..., allow_breaking=True)}"
        )
