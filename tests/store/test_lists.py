"""What was registered and deployed is listed as tables and as JSON, and aliases move."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import sqlalchemy
from typer.testing import CliRunner

import scaffold
from scaffold.cli._app import app
from scaffold.errors import ModelMovedError, UnknownMetricError, UnknownModelError, UnknownServiceError
from scaffold.find import find_model
from scaffold.store import Entry, open_store
from tests.store.test_store import RUNNING


@pytest.fixture(autouse=True)
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a store with three versions of one model and one of another."""
    url = f"sqlite:///{tmp_path}/store.db"
    monkeypatch.setenv("SCAFFOLD_STORE", url)
    monkeypatch.chdir(tmp_path)
    for auc, rmse, alias in ((0.7, 3.0, None), (0.9, 1.0, "staging"), (0.8, 2.0, None)):
        scaffold.register(abs, "churn", metrics={"auc": auc, "rmse": rmse}, params={"C": auc}, alias=alias)
    scaffold.register(len, "titanic", version="1.2.0")
    return url


def typed(*words: str) -> str:
    done = CliRunner().invoke(app, [*words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def columns(told: str, *numbers: int) -> list[list[str]]:
    """Some columns of a table, by number; its cells are parted by two spaces or more."""
    rows = [line.split("  ") for line in told.splitlines()]
    cells = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    return [[row[number] for number in numbers] for row in cells]


def test_models_are_listed_the_newest_first() -> None:
    told = typed("models", "churn")
    assert columns(told, 0, 1) == [["name", "version"], ["churn", "3"], ["churn", "2"], ["churn", "1"]]
    assert "auc=0.9, rmse=1" in told
    assert "staging" in told
    assert columns(typed("models"), 0, 1)[1:] == [["titanic", "1.2.0"], ["churn", "3"]]
    listed = json.loads(typed("models", "churn", "--json"))
    assert [each["version"] for each in listed] == ["3", "2", "1"]
    assert listed[0]["run"]["metrics"] == {"auc": 0.8, "rmse": 2.0}


def test_the_best_comes_first() -> None:
    best = json.loads(typed("models", "churn", "--best", "auc", "--json"))
    assert [each["version"] for each in best] == ["2", "3", "1"]
    best = json.loads(typed("models", "churn", "--best", "auc", "--lower", "--json"))
    assert [each["version"] for each in best] == ["1", "3", "2"]
    assert [run.params["C"] for run in scaffold.runs("churn", best="rmse", lower=True)] == [0.9, 0.8, 0.7]
    assert [each.name for each in scaffold.models(best="auc")] == ["churn"]
    with pytest.raises(UnknownMetricError, match="the metric 'acu'; nearest: auc"):
        scaffold.models("churn", best="acu")


def test_runs_are_listed() -> None:
    told = typed("runs", "churn")
    assert columns(told, 0) == [["run"], ["3"], ["2"], ["1"]]
    assert "C=0.8" in told
    assert json.loads(typed("runs", "churn", "--json"))[0]["params"] == {"C": 0.8}


def test_a_model_that_is_not_registered_is_named_with_the_nearest() -> None:
    for verb in (scaffold.models, scaffold.runs):
        with pytest.raises(UnknownModelError, match="no model 'chrun'; nearest: churn"):
            verb("chrun")


def test_an_alias_moves_to_a_version_and_to_what_another_alias_names() -> None:
    assert typed("alias", "churn/1", "staging") == "store:churn@staging  is  store:churn/1\n"
    assert find_model("store:churn@staging").origin.version == "1"
    typed("alias", "store:churn@staging", "production")
    typed("alias", "churn", "staging")
    assert find_model("store:churn@production").origin.version == "1"
    assert find_model("store:churn@staging").origin.version == "3"
    with pytest.raises(UnknownModelError, match=r"no model 'churn' 9; nearest: 1, 2, 3.\n  .*models.*churn"):
        scaffold.alias("churn/9", "staging")


def test_a_name_is_printed_as_it_is() -> None:
    """Rich takes `:a:` for an emoji."""
    scaffold.register(abs, "team:a:b")
    assert typed("alias", "team:a:b/1", "staging") == "store:team:a:b@staging  is  store:team:a:b/1\n"


def test_deployments_of_a_service_are_those_of_the_store() -> None:
    store = open_store()
    store.record_deployment(Entry(action="deploy", deployment=RUNNING))
    other = dataclasses.replace(RUNNING, name="churn", target="production", release=None)
    store.record_deployment(Entry(action="undeploy", deployment=other))
    assert columns(typed("deployments"), 0, 1, 2)[1:] == [
        ["churn", "production", "undeploy"],
        ["titanic", "staging", "deploy"],
    ]
    assert columns(typed("deployments", "titanic"), 0)[1:] == [["titanic"]]
    assert json.loads(typed("deployments", "titanic", "--json"))[0]["deployment"]["revision"] == 4
    assert scaffold.deployment_history("titanic", target="production") == ()
    with pytest.raises(UnknownServiceError, match=r"'titanik'.*; nearest: titanic"):
        typed("deployments", "titanik")


def test_text_of_a_database_moves_no_cursor_and_is_one_line(url: str) -> None:
    with sqlalchemy.create_engine(url).begin() as connection:
        hostile = "ada\x1b[2J\n[bold]eve"
        connection.execute(sqlalchemy.text('UPDATE models SET "by" = :by'), {"by": hostile})
        connection.execute(sqlalchemy.text("UPDATE runs SET metrics = :text"), {"text": '{"\\u001b[2J": 1}'})
        connection.execute(
            sqlalchemy.text("UPDATE runs SET params = 'no JSON', git_revision = :by"), {"by": hostile}
        )
    told = typed("models", "churn") + typed("runs", "churn")
    assert "\x1b" not in told
    assert r"ada\x1b[2J [bold]eve" in told
    with sqlalchemy.create_engine(url).begin() as connection:
        connection.exec_driver_sql(
            "UPDATE models SET version = '9\n  rm -rf /', location = 'gone' WHERE version = '1'"
        )
    with pytest.raises(UnknownModelError, match=r"nearest: 2, 3\.\n"):
        find_model("store:churn/8")
    with pytest.raises(ModelMovedError) as caught:
        find_model("store:churn/9\n  rm -rf /")
    assert "churn 9   rm -rf / is no longer" in str(caught.value)
    found = find_model("store:churn")
    assert "\x1b" not in repr(found.origin)
    assert "\n" not in found.origin.revision
    assert found.origin.params == ()
