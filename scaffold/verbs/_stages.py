"""Progress events that several verbs send."""

from __future__ import annotations

from collections.abc import Callable

from scaffold.events import Finished, OnEvent, Started
from scaffold.spec import Check


def check_reporter(on_event: OnEvent) -> Callable[[Check], None]:
    """Return a function that reports each check that passes."""

    def show(check: Check) -> None:
        on_event(Finished("verify", f"{check.name}: {check.detail}"))
        # Finished stops the live line of the display, but the stage goes on.
        on_event(Started("verify"))

    return show
