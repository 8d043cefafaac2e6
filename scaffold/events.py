"""The progress events of all verbs: one union."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from scaffold.spec import PodState


@dataclass(frozen=True, slots=True)
class Started:
    """A stage began: `read`, `resolve`, `render`, `verify`, `build`, ..."""

    stage: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Finished:
    """A stage ended, or a part of it did, with this result."""

    stage: str
    detail: str


@dataclass(frozen=True, slots=True)
class Advanced:
    """A stage of a build or of a test is so far: `base`, `code`, `model`, `push`, `functional`, ..."""

    stage: str
    detail: str = ""
    done: int = 0
    """Bytes; steps where `stage` is `build`, percent or seconds where it is a test."""
    total: int = 0
    """0 where it is not known."""


@dataclass(frozen=True, slots=True)
class Noted:
    """Something that a person should know, and that stops nothing."""

    text: str


@dataclass(frozen=True, slots=True)
class ChangesPlanned:
    """What a deploy changes in the cluster, as a unified diff."""

    diff: str


@dataclass(frozen=True, slots=True)
class PodsChanged:
    """The pods that a deploy waits for."""

    pods: tuple[PodState, ...]


@dataclass(frozen=True, slots=True)
class RollbackStarted:
    """A deploy failed, and is taken back."""


Event: TypeAlias = Started | Finished | Advanced | Noted | ChangesPlanned | PodsChanged | RollbackStarted
OnEvent: TypeAlias = Callable[[Event], None]


def ignore(_event: Event) -> None:
    """Show nothing."""
