"""Merge requirement files by distribution: a pinned requirement and its hashes stay together."""

from __future__ import annotations

from scaffold.base.lockfile import Lock
from scaffold.upgrade._conflicts import Conflicts, Disagreement, choose
from scaffold.upgrade._lines import merge_lines


def is_lock(path: str, text: str) -> bool:
    """Whether this is a requirements file with hashes."""
    return path.endswith(".txt") and "--hash=" in text


def merge_lock(base: str, ours: str, theirs: str, conflicts: Conflicts) -> str:
    """The lock with both sides' distributions, each whole, in the order of `make_lock`."""
    locks = [Lock.parse(text) for text in (base, ours, theirs)]
    before, mine, new = map(_texts, locks)
    pieces = [merge_lines(locks[0].head, locks[1].head, locks[2].head, conflicts)]
    for name, _ in sorted({**new, **mine}.items(), key=lambda item: item[1].lower()):
        texts = before.get(name, ""), mine.get(name, ""), new.get(name, "")
        try:
            pieces.append(_merge_pin(*texts))
        except Disagreement:
            pieces.append(conflicts.resolve(texts[1], texts[2]))
    return "".join(pieces)


def _texts(lock: Lock) -> dict[str, str]:
    """The lines of each distribution."""
    return {name: "".join(pin.text for pin in pins) for name, pins in lock.by_name().items()}


def _merge_pin(base: str, ours: str, theirs: str) -> str:
    """One distribution; who asked for it is a comment, and the newer comment does where pins agree."""
    pin = choose(*(_without_comments(text) for text in (base, ours, theirs)))
    return theirs if pin == _without_comments(theirs) else ours


def _without_comments(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not line.lstrip().startswith("#"))
