"""What a build tells while it works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a build stands: one line of a display, with a bar where `total` is known."""

    stage: str
    """`base`, `dependencies`, `code`, `model`, `build`, `push`, `write`, `check`, or a `note`."""
    detail: str = ""
    done: int = 0
    """Bytes; steps where `stage` is `build`."""
    total: int = 0


OnProgress: TypeAlias = Callable[[Progress], None]


def silent(_: Progress) -> None:
    """Tell nobody."""
