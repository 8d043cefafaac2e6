"""What this package uses on a machine: uv, an index, an engine, a registry, a cluster, ..."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class State(enum.Enum):
    """Whether something can be used."""

    OK = "ok"
    MISSING = "missing"
    UNREACHABLE = "not reachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prerequisite:
    """A prerequisite of a verb, and its state on this machine."""

    name: str
    state: State
    found: str
    """In one line: a version, an address, or why it cannot be used."""
    fix: str = ""
    """The line to type if it cannot be used."""
    needed: bool = False
    """Whether `new` needs it; other verbs need the rest."""
