"""Merge requirement files by distribution: a pinned requirement and its hashes stay together."""

from __future__ import annotations

import re

from scaffold.upgrade._conflicts import Conflicts, Disagreement, choose
from scaffold.upgrade._lines import merge_lines

_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?=[\[<>=!~ ;@]|$)")


def is_lock(path: str, text: str) -> bool:
    """Whether this is a requirements file with hashes."""
    return path.endswith(".txt") and "--hash=" in text


def merge_lock(base: str, ours: str, theirs: str, conflicts: Conflicts) -> str:
    """The lock with both sides' distributions, each whole, in the order of their names."""
    (head, before), (my_head, mine), (new_head, new) = (cut_lock(text) for text in (base, ours, theirs))
    pieces = [merge_lines(head, my_head, new_head, conflicts)]
    for name in sorted({*mine, *new}):
        texts = before.get(name, ""), mine.get(name, ""), new.get(name, "")
        try:
            pieces.append(_merge_pin(*texts))
        except Disagreement:
            pieces.append(conflicts.resolve(texts[1], texts[2]))
    return "".join(pieces)


def _merge_pin(base: str, ours: str, theirs: str) -> str:
    """One distribution; who asked for it is a comment, and the newer comment does where pins agree."""
    pin = choose(*(_without_comments(text) for text in (base, ours, theirs)))
    return theirs if pin == _without_comments(theirs) else ours


def cut_lock(text: str) -> tuple[str, dict[str, str]]:
    """What stands before the first distribution, and the text of each by its normalised name."""
    head: list[str] = []
    pins: dict[str, list[str]] = {}
    current = head
    for line in text.splitlines(keepends=True):
        pin = _PIN.match(line)
        if pin:
            current = pins.setdefault(re.sub(r"[-_.]+", "-", pin[1]).lower(), [])
        current.append(line)
    return "".join(head), {name: "".join(lines) for name, lines in pins.items()}


def _without_comments(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not line.lstrip().startswith("#"))
