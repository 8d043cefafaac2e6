"""A file of a project is not what this package writes there."""

from __future__ import annotations

from scaffold.errors.base import ScaffoldError


class ProjectError(ScaffoldError):
    """A file of a project is not what this package writes there, so it is not used."""


class UnsafePathError(ProjectError):
    """A path that a project names leads out of the project, or may."""

    def __init__(self, root: str, path: str, reason: str) -> None:
        super().__init__(root, path, reason)
        self.root, self.path, self.reason = root, path, reason

    def __str__(self) -> str:
        return (
            f"{self.root} names the path {self.path!r}, which {self.reason}.\n"
            "The files of a project are used inside its folder only, and no symbolic link is followed.\n"
            "Put a real file or folder in the place of a link, or restore what names the path:\n"
            f"  git -C {self.root} checkout -- .scaffold"
        )


class UnsafeLockError(ProjectError):
    """A line of a lock is more than a pinned distribution."""

    def __init__(self, lock: str, number: int, line: str) -> None:
        super().__init__(lock, number, line)
        self.lock, self.number, self.line = lock, number, line

    def __str__(self) -> str:
        return (
            f"{self.lock}, line {self.number}, is no pinned distribution with hashes:\n"
            f"  {self.line[:200]!r}\n"
            "Name what the service needs in requirements.in, and let the lock be made from that:\n"
            f"  scaffold update {self.lock.rpartition('/')[0] or '.'}"
        )
