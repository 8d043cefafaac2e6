"""The markers of git around what both sides of a merge changed. Standard library only."""

from __future__ import annotations

OURS_MARK, MIDDLE_MARK, THEIRS_MARK = "<<<<<<<", "=======", ">>>>>>>"


def marked_lines(text: str) -> list[int]:
    """Return the numbers of the lines, from 1, at which a conflict begins."""
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines, 1) if line.startswith(f"{OURS_MARK} ")]
    return starts if any(line.startswith(f"{THEIRS_MARK} ") for line in lines) else []
