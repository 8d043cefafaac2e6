"""The known names nearest to one that does not exist, for messages. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches

_MOST = 5
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)


def nearest(wanted: str, known: Sequence[str]) -> list[str]:
    """Return up to five of the known names or numbers, those nearest to `wanted`.

    Somebody else may have written them: a name that would not be one line of text is left out.
    """
    known = [name for name in known if name.isprintable()]
    if all(map(_NUMBER.fullmatch, (wanted, *known))):
        numbers = sorted(map(int, known), key=lambda each: abs(each - int(wanted)))[:_MOST]
        return [str(each) for each in sorted(numbers)]
    return get_close_matches(wanted, known, n=_MOST, cutoff=0.3) or sorted(known)[:_MOST]
