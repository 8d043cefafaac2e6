"""How a verb tells where it stands."""

from __future__ import annotations

from collections.abc import Callable

from scaffold.events import Finished, OnEvent, Started
from scaffold.spec import Check


def check_reporter(on_event: OnEvent) -> Callable[[Check], None]:
    """Return what shows each check of a proof as it passes."""

    def show(check: Check) -> None:
        on_event(Finished("verify", f"{check.name}: {check.detail}"))
        on_event(Started("verify"))

    return show
