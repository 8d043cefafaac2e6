"""What is known of a rollout at one moment, and why it does not go on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from scaffold.cluster._client import Cluster, Manifest
from scaffold.spec import Measurements


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a rollout does not go on."""

    problem: str
    found: tuple[str, ...] = ()
    fix: str = ""
    patience_s: float = 0
    """Seconds to wait before it is reported: some failures are temporary."""
    no_room: bool = False
    """Whether nodes or quota lack the resources for the pods."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """All that is known of a rollout at one moment."""

    cluster: Cluster
    target: str
    """The target's name: `staging`."""
    deployment: Manifest
    pods: Sequence[Manifest]
    """Those of the new revision."""
    events: Sequence[Manifest]
    measured: Measurements | None = None
    """What the proof of the project measured."""


def events_of(scene: Scene, name: str, reasons: Iterable[str]) -> list[str]:
    """Return the messages of an object's events, the newest first."""
    wanted = set(reasons)
    found = [
        event
        for event in scene.events
        if event.get("reason") in wanted and (event.get("involvedObject") or {}).get("name") == name
    ]
    found.sort(
        key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime") or ""), reverse=True
    )
    return [str(event.get("message", "")) for event in found]


def sentence(message: Any) -> str:
    """Return a message in one line."""
    return re.sub(r"\s+", " ", str(message)).strip()[:600]
