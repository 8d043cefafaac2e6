"""The display of a running verb when the error stream is not a terminal."""

import pytest

from scaffold.cli._display import Display
from scaffold.events import (
    Advanced,
    ChangesPlanned,
    Event,
    Finished,
    Noted,
    PodsChanged,
    RollbackStarted,
    Started,
)
from scaffold.spec import PodState

EVENTS: list[Event] = [
    Started("read"),
    Finished("read", "a model [of some kind]"),
    Noted("a column has no values"),
    Started("build", "churn:1.0.0, by layers"),
    Advanced("base", "python", 5, 10),
    Advanced("base", "python", 10, 10),
    Finished("image", "churn@sha256:0"),
    ChangesPlanned("+ Deployment/churn (new)"),
    ChangesPlanned(""),
    PodsChanged((PodState(name="churn-1", ready=True, state="Running", restarts=0),)),
    RollbackStarted(),
]


def shown(capfd: pytest.CaptureFixture[str], *, quiet: bool) -> str:
    with Display(quiet=quiet) as display:
        for event in EVENTS:
            display(event)
    captured = capfd.readouterr()
    assert captured.out == ""
    return captured.err


def test_each_event_is_shown_in_its_order(capfd: pytest.CaptureFixture[str]) -> None:
    text = shown(capfd, quiet=False)
    places = [
        text.index(words)
        for words in (
            "✓ read        a model [of some kind]",
            "! note        a column has no values",
            "· build       churn:1.0.0, by layers",
            "base",
            "✓ image       churn@sha256:0",
            "+ Deployment/churn (new)",
            "Nothing changes but what is recorded.",
            "  churn-1: Running",
            "✗ undo        it failed; going back …",
        )
    ]
    assert places == sorted(places)


def test_a_quiet_display_shows_notes_only(capfd: pytest.CaptureFixture[str]) -> None:
    assert shown(capfd, quiet=True) == "! note        a column has no values\n"
