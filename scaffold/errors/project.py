"""A file of a project is not what this package writes there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scaffold.errors.branches import ProjectError
from scaffold.errors.wording import invocation, shell_line


class FilesDisagreeError(ProjectError):
    """Files of a project do not belong together.

    Args:
        project: Its folder.
        problems: What does not, each with the line to type below it.
    """

    project: str
    problems: Sequence[str]

    def __str__(self) -> str:
        texts = ["  " + problem.replace("\n", "\n    ") for problem in self.problems]
        return "\n".join([f"The files of {self.project} do not belong together.", *texts])


class NotARegularFileError(ProjectError):
    """A folder, a device or a socket stands where a project has a file."""

    path: str

    def __str__(self) -> str:
        path = Path(self.path)
        restore = shell_line("git", "-C", path.parent, "checkout", "--", path.name)
        return f"{self.path} is no regular file.\nPut the file in its place:\n  {restore}"


class FileTooLargeError(ProjectError):
    """A file of a project is larger than this package writes it."""

    path: str
    size_bytes: int
    most_bytes: int

    def __str__(self) -> str:
        return (
            f"{self.path} has {self.size_bytes >> 20} MiB;"
            f" more than {self.most_bytes >> 20} MiB are not read.\n"
            "Restore it from version control."
        )


class UnreadableLockError(ProjectError):
    """The lock of a project cannot be read.

    Args:
        lock: The file.
        cause: Why; empty where it holds no text.
    """

    lock: str
    cause: str = ""

    def __str__(self) -> str:
        return (
            f"{self.lock} cannot be read: {self.cause}." if self.cause else f"{self.lock} is no UTF-8 text."
        )


class PythonVersionError(ProjectError):
    """`.python-version` of a project holds no version."""

    path: str
    found: str

    def __str__(self) -> str:
        return (
            f"{self.path} holds {self.found[:80]!r}, which is no version of Python.\n"
            f"Write the version that the lock is for:\n  echo 3.11 > {self.path}"
        )


class UnsafePathError(ProjectError):
    """A path that a project names leads out of the project, or may."""

    root: str
    path: str
    reason: str
    link: str = ""
    """The symbolic link through which the path leads, if that is the reason."""

    def __str__(self) -> str:
        problem = (
            f"{self.root} names the path {self.path!r}, which {self.reason}.\n"
            "The files of a project are used inside its folder only, and no symbolic link is followed.\n"
        )
        if self.link:
            return f"{problem}Put a real file or folder in the place of {self.link}."
        return (
            f"{problem}Restore what names the path:\n"
            f"  {shell_line('git', '-C', self.root, 'checkout', '--', '.scaffold')}"
        )


class UnsafeLockError(ProjectError):
    """A line of a lock is not a pinned distribution."""

    lock: str
    number: int
    line: str

    def __str__(self) -> str:
        return (
            f"{self.lock}, line {self.number}, is no pinned distribution with hashes:\n"
            f"  {self.line[:200]!r}\n"
            "Name what the service needs in requirements.in, and let the lock be made from that:\n"
            f"  {invocation('update', self.lock.rpartition('/')[0] or '.')}"
        )
