"""The display of a running verb when the error stream is not a terminal."""

import io
import json
from dataclasses import replace

import pytest

from scaffold.base.schema_words import schema_words
from scaffold.cli._display import Display
from scaffold.cli._show import show_json
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
from scaffold.spec import List, Numpy, PodState, Scalar, ScalarType, Schema, Tensor

LABEL = Tensor(shape=(), dtype="object", items=Scalar(type=ScalarType.STRING), container=Numpy())

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


@pytest.mark.parametrize(
    ("encoding", "text"), [("utf-8", '"Ö"'), ("UTF8", '"Ö"'), ("cp1252", '"\\u00d6"'), ("ascii", '"\\u00d6"')]
)
def test_json_is_ascii_unless_the_stream_is_utf_8(
    monkeypatch: pytest.MonkeyPatch, encoding: str, text: str
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding=encoding, write_through=True))
    show_json("Ö")
    assert raw.getvalue().decode(encoding) == f"{text}\n"


def test_json_holds_no_control_character_of_a_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    texts = ["\x1b[2J\x9b2J\u202e", "\U000e0001", "Ö 木", 'a "b"\n']
    show_json(texts)
    out = capfd.readouterr().out
    assert json.loads(out) == texts
    assert out.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (List(items=Scalar(type=ScalarType.NUMBER)), "a list of numbers"),
        (List(items=Scalar(type=ScalarType.ANY)), "a list of any value"),
        (List(items=List(items=Scalar(type=ScalarType.STRING))), "a list of a list of strings"),
        (replace(LABEL, dtype="object"), "one string"),
        (replace(LABEL, dtype="int64"), "one int64"),
    ],
)
def test_a_schema_is_described_by_its_items(schema: Schema, words: str) -> None:
    assert schema_words(schema) == words
