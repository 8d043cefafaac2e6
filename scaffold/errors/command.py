"""A command failed."""

from __future__ import annotations

from scaffold.errors.base import ScaffoldError


class CommandError(ScaffoldError):
    """A command that we ran ended with an error.

    The message has its command line and the end of its output. Type the line yourself to see all of it.
    """

    command: tuple[str, ...]
    status: int
    tail: str

    def __str__(self) -> str:
        line = " ".join(self.command)
        return f"This command failed (exit status {self.status}):\n  {line}\n{self.tail}".rstrip()
