"""Why uv cannot make a lock, read from its output: uv has no structured errors."""

from __future__ import annotations

import re
from collections.abc import Sequence

from scaffold.base.lockfile import without_credentials
from scaffold.errors import ConflictError, LockFailedError, NoSuchVersionError
from scaffold.spec import Requirement


def cause_of(tail: str) -> str:
    """Return uv's reason in one line, without credentials."""
    match = re.search(r"cause: (.+)", tail, re.DOTALL)
    text = " ".join((match[1] if match else tail).partition("\n\n")[0].split())
    return without_credentials(text)


def explained_failure(tail: str, requirements: Sequence[Requirement]) -> LockFailedError:
    """Return the error for uv's message, with the distributions that it names."""
    cause = cause_of(tail)
    reasons = {requirement.distribution: requirement.reason for requirement in requirements}
    if match := re.search(r"no version of ([\w.-]+?)(?:\[[^]]*\])?\s*(==[\w.+!-]+)", cause):
        return NoSuchVersionError(cause, match[1], match[2], reasons.get(match[1], ""))
    if match := re.search(r"Because ([\w.-]+)\S* was not found in", cause):
        return NoSuchVersionError(cause, match[1], "", reasons.get(match[1], ""))
    if match := re.search(r"(?:Because|And because|and) ([\w.-]+)(\S*) depends on ([\w.-]+)(\S*)", cause):
        return ConflictError(cause, match[1], match[3], match[4].rstrip(","))
    return LockFailedError(cause)
