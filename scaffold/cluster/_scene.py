"""The state of a rollout at one moment, and the reason why it is stuck."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from scaffold.cluster._client import Cluster, Manifest
from scaffold.spec import Measurements


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The reason why a rollout is stuck."""

    problem: str
    found: tuple[str, ...] = ()
    fix: str = ""
    patience_s: float = 0
    """Seconds to wait before it is reported: some failures are temporary."""
    no_room: bool = False
    """Whether nodes or quota lack the resources for the pods."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The state of a rollout at one moment."""

    cluster: Cluster
    target: str
    """The target's name: `staging`."""
    deployment: Manifest
    pods: Sequence[Manifest]
    """The pods of the new revision."""
    events: Sequence[Manifest]
    measured: Measurements | None = None
    """The measurements of the project's proof."""
    file: str = "deployment.yaml"
    """The manifest of the pods, which is to be mended."""


def events_of(scene: Scene, name: str, reasons: Iterable[str]) -> list[str]:
    """Return the messages of an object's events, the newest first."""
    reason_set = set(reasons)
    events = [
        event
        for event in scene.events
        if event.get("reason") in reason_set and (event.get("involvedObject") or {}).get("name") == name
    ]
    events.sort(
        key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime") or ""), reverse=True
    )
    return [str(event.get("message", "")) for event in events]


def sentence(message: Any) -> str:
    """Return a message in one line."""
    return re.sub(r"\s+", " ", str(message)).strip()[:600]
