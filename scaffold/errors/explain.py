"""Errors of `explain`."""

from __future__ import annotations

from collections.abc import Sequence

from scaffold.errors.branches import UsageError


class UnknownErrorNameError(UsageError):
    """`scaffold explain` is asked for an error that does not exist."""

    name: str
    known: Sequence[str]

    def __str__(self) -> str:
        from difflib import get_close_matches

        near = get_close_matches(self.name, self.known, n=1)
        meant = f" Did you mean {near[0]}?" if near else ""
        return f"There is no error {self.name!r}.{meant}\nList all of them:\n  scaffold explain"
