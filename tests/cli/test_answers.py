"""`answers` lists what a file of `--answers` may hold; `--answer` wins over the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

import scaffold
from scaffold.cli._answers import register
from scaffold.cli._new import parse_answers
from scaffold.errors import AnswersFileError

app = Typer()
register(app)


def test_an_answer_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "answers.yaml"
    file.write_text("# yaml-language-server: $schema=answers.schema.json\nreplicas: 3\ntls: false\n")
    assert parse_answers(["replicas=4"], file) == {"replicas": 4, "tls": False}
    assert parse_answers([], file) == {"replicas": 3, "tls": False}
    file.write_text("- replicas\n")
    with pytest.raises(AnswersFileError):
        parse_answers([], file)


def test_the_answers_are_a_table_or_a_schema() -> None:
    shown = CliRunner().invoke(app, [])
    assert "gitops" in shown.stdout
    assert "deploy/argocd.yaml" in shown.stdout
    assert json.loads(CliRunner().invoke(app, ["--schema"]).stdout) == scaffold.answers()
    assert json.loads(CliRunner().invoke(app, ["project", "--schema"]).stdout) == scaffold.answers("project")
