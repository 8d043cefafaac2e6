"""The known names nearest to one that does not exist, for messages. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches

_MOST = 5
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)


def nearest(target: str, candidates: Sequence[str]) -> list[str]:
    """Return up to five of the known names or numbers, those nearest to `target`.

    Somebody else may have written them: a name that would not be one line of text is left out.
    """
    candidates = [name for name in candidates if name.isprintable()]
    if all(map(_NUMBER.fullmatch, (target, *candidates))):
        numbers = sorted(map(int, candidates), key=lambda number: abs(number - int(target)))[:_MOST]
        return [str(number) for number in sorted(numbers)]
    return get_close_matches(target, candidates, n=_MOST, cutoff=0.3) or sorted(candidates)[:_MOST]
