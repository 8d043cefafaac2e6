"""Stores of MLflow without a server: mlflow runs in a process of its own, here a stand-in for it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from scaffold.base.process import Finished
from scaffold.errors import CommandError, ModelNotFetchedError
from scaffold.find._mlflow_child import ask_mlflow


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: True)


def test_the_last_line_is_the_answer(tmp_path: Path) -> None:
    commands: list[Sequence[str]] = []

    def run(command: Sequence[str], **_: object) -> Finished:
        commands.append(command)
        return Finished(stdout="a warning\n" + json.dumps({"version": "2"}) + "\n", stderr="")

    assert ask_mlflow("fetch", "models:/churn/2", tmp_path, run=run) == {"version": "2"}
    assert list(commands[0][-3:]) == ["fetch", "models:/churn/2", str(tmp_path)]


def test_what_mlflow_says_is_told_in_one_line(tmp_path: Path) -> None:
    def run(command: Sequence[str], **_: object) -> Finished:
        tail = "Traceback\nmlflow.exceptions.MlflowException: No churn at https://me:secret@host/x."
        raise CommandError(tuple(command), 1, tail)

    with pytest.raises(ModelNotFetchedError) as caught:
        ask_mlflow("fetch", "models:/churn/9", tmp_path, run=run)
    assert str(caught.value) == "models:/churn/9 cannot be fetched: No churn at https://host/x."
