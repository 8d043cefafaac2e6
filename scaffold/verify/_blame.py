"""The distributions of a lock that the model's answers can depend on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from scaffold._checked import LOCK

_SERVICE = "# The service around it."
"""In `requirements.in`: what the model needs stands above, what the generated code needs below."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def pins_of_model(root: Path, locked: Mapping[str, str]) -> dict[str, str]:
    """Return those of the `locked` versions that a difference of answers can be blamed on.

    That is what the model needs by `requirements.in`, then all that this requires by the `# via` lines of the
    lock; everything where the project has no `requirements.in`.
    """
    path = root / "requirements.in"
    if not path.is_file():
        return dict(locked)
    above = path.read_text(encoding="utf-8").partition(_SERVICE)[0]
    names = [match[0].lower() for line in above.splitlines() if (match := _NAME.match(line))]
    required_by = _required_by((root / LOCK).read_text(encoding="utf-8"))
    for name in names:  # grows while it is walked
        names += [other for other, users in required_by.items() if name in users and other not in names]
    return {name: locked[name] for name in names if name in locked}


def _required_by(lock: str) -> dict[str, set[str]]:
    """Return which distributions each one in the lock is there for."""
    users: dict[str, set[str]] = {}
    current = ""
    for line in lock.splitlines():
        if match := _NAME.match(line):
            current = match[0].lower()
            users[current] = set()
        elif current and line.strip().startswith("#"):
            users[current] |= set(_NAME.findall(line.partition("#")[2])) - {"via"}
    return users
