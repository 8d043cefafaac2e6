"""A command failed."""

from __future__ import annotations

from scaffold.errors.base import ScaffoldError


class CommandError(ScaffoldError):
    """A command that we ran ended with an error."""

    def __init__(self, command: tuple[str, ...], status: int, tail: str) -> None:
        super().__init__(command, status, tail)
        self.command, self.status, self.tail = command, status, tail

    def __str__(self) -> str:
        line = " ".join(self.command)
        return f"This command failed (exit status {self.status}):\n  {line}\n{self.tail}".rstrip()
