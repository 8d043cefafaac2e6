"""Merge three versions of a text line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from scaffold.upgrade._conflicts import Conflicts


@dataclass(frozen=True, slots=True)
class _Hunk:
    """`base[start:stop]` became `side[first:last]`."""

    start: int
    stop: int
    first: int
    last: int


def merge_lines(base: str, ours: str, theirs: str, conflicts: Conflicts) -> str:
    """Return the text with the changes of both sides.

    Changes to different lines are both taken, even where the lines are neighbours; changes to the same
    lines, and two insertions at one place, are a conflict unless they are equal. Line ends are the owner's.
    """
    if "\r\n" in ours and "\r\n" not in base:
        base, theirs = _with_crlf(base), _with_crlf(theirs)
    if ours == theirs or theirs == base:
        return ours
    if ours == base:
        return theirs
    before, mine, new = map(_split_lines, (base, ours, theirs))
    merged: list[str] = []
    position = 0
    for start, stop, left, right in _regions(_hunks(before, mine), _hunks(before, new)):
        merged += before[position:start]
        merged += _merge_region(before[start:stop], _side(mine, left), _side(new, right), conflicts)
        position = stop
    return "".join(merged + before[position:])


def _split_lines(text: str) -> list[str]:
    """Return the lines as git has them; `splitlines` also cuts at a form feed and at U+2028."""
    return [line for line in re.split(r"(?<=\n)", text) if line]


def _merge_region(
    base: list[str], ours: list[str] | None, theirs: list[str] | None, conflicts: Conflicts
) -> list[str]:
    if ours is None or theirs is None:
        return (ours if theirs is None else theirs) or []
    if ours == theirs or theirs == base:
        return ours
    if ours == base:
        return theirs
    head = _common(ours, theirs)
    tail = _common(ours[head:][::-1], theirs[head:][::-1])
    inner = conflicts.resolve(
        "".join(ours[head : len(ours) - tail]), "".join(theirs[head : len(theirs) - tail])
    )
    return [*ours[:head], inner, *ours[len(ours) - tail :]]


def _hunks(base: Sequence[str], side: Sequence[str]) -> list[_Hunk]:
    head = _common(base, side)
    tail = _common(base[head:][::-1], side[head:][::-1])
    matcher = SequenceMatcher(
        None, base[head : len(base) - tail], side[head : len(side) - tail], autojunk=False
    )
    return [
        _Hunk(head + start, head + stop, head + first, head + last)
        for tag, start, stop, first, last in matcher.get_opcodes()
        if tag != "equal"
    ]


def _regions(
    ours: list[_Hunk], theirs: list[_Hunk]
) -> Iterator[tuple[int, int, tuple[int, int] | None, tuple[int, int] | None]]:
    """Yield each changed region of the base, with the lines of either side that replace it."""
    left, right = list(ours), list(theirs)
    while left or right:
        heads = [queue[0] for queue in (left, right) if queue]
        start, stop = min((hunk.start, hunk.stop) for hunk in heads)
        groups: tuple[list[_Hunk], list[_Hunk]] = ([], [])
        grew = True
        while grew:
            grew = False
            for queue, group in zip((left, right), groups, strict=True):
                hunks = [*groups[0], *groups[1]]
                while queue and (_same_range(queue[0], start, stop) or _touch(queue[0], start, stop, hunks)):
                    hunk = queue.pop(0)
                    group.append(hunk)
                    start, stop, grew = min(start, hunk.start), max(stop, hunk.stop), True
        yield start, stop, _side_range(groups[0], start, stop), _side_range(groups[1], start, stop)


def _same_range(hunk: _Hunk, start: int, stop: int) -> bool:
    return (hunk.start, hunk.stop) == (start, stop)


def _touch(hunk: _Hunk, start: int, stop: int, hunks: list[_Hunk]) -> bool:
    """Whether a hunk belongs to the region `base[start:stop]`.

    It does if they share a line, or if one is an insertion at the edge of the other. An insertion next to
    lines that were replaced one for one does not: it is clear whether the new lines stand before or after
    them.
    """
    if hunk.start == hunk.stop:
        inside = start < hunk.start < stop
        return inside or (start <= hunk.start <= stop and not all(map(_is_line_by_line, hunks)))
    if start == stop:
        inside = hunk.start < start < hunk.stop
        return inside or (hunk.start <= start <= hunk.stop and not _is_line_by_line(hunk))
    return max(hunk.start, start) < min(hunk.stop, stop)


def _is_line_by_line(hunk: _Hunk) -> bool:
    return hunk.stop - hunk.start == hunk.last - hunk.first > 0


def _side_range(group: list[_Hunk], start: int, stop: int) -> tuple[int, int] | None:
    """Return the lines of a side that replace `base[start:stop]`, as (first, last)."""
    if not group:
        return None
    return group[0].first - (group[0].start - start), group[-1].last + (stop - group[-1].stop)


def _side(lines: list[str], bounds: tuple[int, int] | None) -> list[str] | None:
    return None if bounds is None else lines[bounds[0] : bounds[1]]


def _common(left: Sequence[str], right: Sequence[str]) -> int:
    """Return the length of the common prefix."""
    count = 0
    for left_item, right_item in zip(left, right, strict=False):
        if left_item != right_item:
            break
        count += 1
    return count


def _with_crlf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\n", "\r\n")
