"""Write and count conflicts; `ours` and `theirs` mean the same as in git.

`ours` is the owner's side, `theirs` is the new state.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import TypeVar

from scaffold.base.markers import MIDDLE_MARK, OURS_MARK, THEIRS_MARK

T = TypeVar("T")
R = TypeVar("R")


class Prefer(enum.Enum):
    """Which side wins where both changed the same thing; `NEITHER` writes markers."""

    NEITHER = "neither"
    OURS = "ours"
    THEIRS = "theirs"


class Disagreement(Exception):  # noqa: N818 - a signal inside this room, never an error that leaves it
    """Both sides changed one small thing, differently."""


class Conflicts:
    """Resolves or marks the places where both sides changed the same thing, and counts them."""

    def __init__(self, prefer: Prefer = Prefer.NEITHER, incoming: str = "new") -> None:
        self.prefer = prefer
        self.incoming = incoming
        self.count = 0

    def resolve(self, ours: str, theirs: str) -> str:
        """Both texts between markers, or the preferred one."""
        if self.prefer is Prefer.OURS:
            return ours
        if self.prefer is Prefer.THEIRS:
            return theirs
        self.count += 1
        end = "\r\n" if "\r\n" in ours + theirs else "\n"
        return "".join(
            (
                f"{OURS_MARK} yours{end}",
                _end_line(ours, end),
                f"{MIDDLE_MARK}{end}",
                _end_line(theirs, end),
                f"{THEIRS_MARK} {self.incoming}{end}",
            )
        )


def choose(base: T, ours: T, theirs: T) -> T:
    """Return the side that changed.

    Raises:
        Disagreement: Both did, differently.
    """
    if ours == theirs or theirs == base:
        return ours
    if ours == base:
        return theirs
    raise Disagreement


def each(function: Callable[[T], R], base: T, ours: T, theirs: T) -> tuple[R, R, R]:
    """`function` of the three versions."""
    return function(base), function(ours), function(theirs)


def _end_line(text: str, end: str) -> str:
    return text if not text or text.endswith("\n") else text + end
