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
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: True)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mlruns").mkdir()


def test_the_last_line_is_the_answer(tmp_path: Path) -> None:
    commands: list[Sequence[str]] = []

    def run(command: Sequence[str], **_: object) -> Finished:
        commands.append(command)
        return Finished(stdout="a warning\n" + json.dumps({"version": "2"}) + "\n", stderr="")

    assert ask_mlflow("fetch", "models:/churn/2", tmp_path, run=run) == {"version": "2"}
    assert list(commands[0][-3:]) == ["fetch", "models:/churn/2", str(tmp_path)]


def test_what_mlflow_says_is_told_in_one_line(tmp_path: Path) -> None:
    def run(command: Sequence[str], **_: object) -> Finished:
        tail = (
            "Traceback\nmlflow.exceptions.MlflowException: No churn at https://me:secret@host/x.\n1. Set it."
        )
        raise CommandError(tuple(command), 1, tail)

    with pytest.raises(ModelNotFetchedError) as caught:
        ask_mlflow("fetch", "models:/churn/9", tmp_path, run=run)
    assert str(caught.value) == "models:/churn/9 cannot be fetched: No churn at https://host/x."


@pytest.mark.parametrize(
    ("absent", "wanted", "known", "message"),
    [
        ("model", "chrun", ["churn", "a\x1b[1m"], "MLflow has no model 'chrun'; nearest: churn"),
        ("version", "9", ["1", "2"], "MLflow has no version '9'; nearest: 1, 2"),
        ("alias", "live", [], "MLflow has no alias 'live'; it has none"),
    ],
)
def test_what_is_not_there_is_named_with_the_nearest(
    tmp_path: Path, absent: str, wanted: str, known: list[str], message: str
) -> None:
    def run(*_: object, **__: object) -> Finished:
        return Finished(stdout=json.dumps({"absent": absent, "wanted": wanted, "known": known}), stderr="")

    with pytest.raises(ModelNotFetchedError) as caught:
        ask_mlflow("fetch", "models:/churn/9", tmp_path, run=run)
    assert str(caught.value) == f"models:/churn/9 cannot be fetched: {message}."


@pytest.mark.parametrize("uri", ["sqlite:////nowhere/mlflow.db", "sqlite:///mlflow.db", ""])
def test_no_database_is_made(tmp_path: Path, uri: str) -> None:
    (tmp_path / "mlruns").rmdir()
    with pytest.raises(ModelNotFetchedError, match=r"which does not exist|has no store of MLflow"):
        ask_mlflow("fetch", "models:/churn/9", tmp_path, uri)
    assert list(tmp_path.iterdir()) == []
