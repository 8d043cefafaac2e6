"""A server of MLflow is the store: its models are listed and used, their aliases move. It is a stand-in."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

import scaffold
from scaffold.cli._app import app
from scaffold.errors import (
    MlflowStoreError,
    ModelNotFetchedError,
    StoreError,
    StoreUnusableError,
    UnknownModelError,
    UnknownServiceError,
)
from scaffold.find import find_model, find_newer
from scaffold.spec import Deployment, Release
from scaffold.store import Entry, Reference, open_store
from tests.find._stand_in import StandIn, stand_in

DEPLOYED = Deployment(
    target="staging",
    namespace="churn-staging",
    name="churn",
    image="registry/churn@sha256:1",
    url="http://churn",
    revision=3,
    at="2026-01-01T00:00:00Z",
    live="passed",
    release=Release(model_sha256="a" * 64, proof="passed", by="ada"),
)
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with stand_in(pickle.dumps(abs)) as started:
        monkeypatch.setenv("SCAFFOLD_STORE", f"mlflow+{started.url}")
        yield started


def test_the_versions_of_a_model_are_listed_with_their_runs(server: StandIn) -> None:
    third, second, first = scaffold.models("churn")
    assert [each.version for each in (third, second, first)] == ["3", "2", "1"]
    assert second.aliases == ("champion",)
    run = second.run
    assert run is not None
    assert (run.id, run.git_revision, run.by) == (server.models[1][1], COMMIT, "root")
    assert run.metrics["auc"] == pytest.approx(0.82)
    assert scaffold.models() == (third,)
    assert run in scaffold.runs("churn")
    best = scaffold.runs("churn", best="auc")[0].metrics["auc"]
    assert best == max(each.metrics["auc"] for each in scaffold.runs("churn"))


def test_the_commands_print_what_the_server_has(server: StandIn) -> None:
    done = CliRunner().invoke(app, ["models", "churn"], catch_exceptions=False)
    assert "champion" in done.output
    done = CliRunner().invoke(app, ["runs", "churn", "--json"], catch_exceptions=False)
    assert server.models[0][1] in {each["id"] for each in json.loads(done.output)}


def test_a_model_is_used_under_the_name_that_was_typed_and_followed(server: StandIn) -> None:
    for written, version in (("store:churn", "3"), ("store:churn/1", "1"), ("store:churn@champion", "2")):
        origin = find_model(written).origin
        assert origin is not None
        assert (origin.uri, origin.version, origin.server) == (written, version, server.url)
        newer = find_newer(origin)
        assert (newer.origin.uri if newer else "") == ("store:churn/3" if version == "1" else "")
    assert find_model("models:/churn/1").origin.server == server.url


def test_an_alias_moves(server: StandIn) -> None:
    moved = scaffold.alias("churn/3", "champion")
    assert moved.aliases == ("champion",)
    [(path, body)] = server.posted
    assert path == "/api/2.0/mlflow/registered-models/alias"
    assert body == {"name": "churn", "alias": "champion", "version": "3"}


@pytest.mark.parametrize("name", ["chrun", "churn/9", "churn@campion", "churn/first"])
def test_what_is_not_there_is_named_with_the_nearest(server: StandIn, name: str) -> None:
    with pytest.raises(UnknownModelError, match=r"nearest: (churn|1, 2, 3|champion)\."):
        find_model(f"store:{name}")


def test_what_mlflow_does_not_do_says_what_to_do(server: StandIn) -> None:
    with pytest.raises(MlflowStoreError, match=f"needed for {server.url}.*\n  pip install mlflow"):
        scaffold.register(abs, "churn", input=[1.0])
    with pytest.raises(MlflowStoreError, match=r"needed for sqlite:///mlflow\.db"):
        scaffold.models(store="mlflow+sqlite:///mlflow.db")
    with pytest.raises(MlflowStoreError, match="numbers the versions itself"):
        scaffold.register(abs, "churn", version="1.2.0")
    with pytest.raises(MlflowStoreError, match=r"mlflow\.db is no server and no database of MLflow"):
        open_store("mlflow+mlflow.db")
    assert not server.posted


def test_a_database_of_mlflow_needs_more_than_its_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """mlflow-skinny brings the module `mlflow`, and no server."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "flask" else object())
    with pytest.raises(StoreError, match=r"pip install mlflow\Z"):
        open_store("mlflow+sqlite:///mlflow.db")
    open_store("mlflow+http://localhost:1").close()


def test_a_deployment_is_a_run_of_an_experiment(server: StandIn) -> None:
    with pytest.raises(UnknownServiceError):
        scaffold.deployment_history("churn")
    entry = Entry(action="deploy", deployment=DEPLOYED)
    server.replies["api/2.0/mlflow/experiments/create"] = {"experiment_id": "7"}
    server.replies["api/2.0/mlflow/runs/create"] = {"run": {"info": {"run_id": "a1"}}}
    open_store().record_deployment(entry)
    created, run, ended = (body for _, body in server.posted)
    assert created == {"name": "deployments"}
    assert (run["experiment_id"], run["run_name"]) == ("7", "deploy churn staging")
    assert (ended["run_id"], ended["status"]) == ("a1", "FINISHED")
    key = "api/2.0/mlflow/experiments/get-by-name?experiment_name=deployments"
    server.answers[key] = (200, {"experiment": {"experiment_id": "7"}})
    hostile = [{"data": 3}, {"data": {"tags": [{"key": "deployment.revision", "value": "x"}, 3]}}]
    server.replies["api/2.0/mlflow/runs/search"] = {"runs": [{"data": {"tags": run["tags"]}}, *hostile]}
    first, *others = scaffold.deployment_history("churn", target="o'clock")
    assert first == entry
    assert [each.deployment.name for each in others] == ["", ""]
    assert server.posted[-1][1]["filter"] == (
        "tags.`deployment.name` = 'churn' AND tags.`deployment.target` = 'o''clock'"
    )
    assert set(open_store().services()) == {"churn", ""}


def test_a_server_that_does_not_answer_or_wants_a_login_is_named(
    server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StoreUnusableError, match="cannot be reached"):
        scaffold.models(store="mlflow+http://127.0.0.1:9")
    server.login = "Bearer token"
    with pytest.raises(StoreUnusableError, match="MLFLOW_TRACKING_USERNAME"):
        scaffold.models()
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "token")
    assert scaffold.models()


def test_two_servers_are_not_mixed(server: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://other.example")
    with pytest.raises(ModelNotFetchedError, match="names another MLflow"):
        find_model("store:churn")


@pytest.mark.parametrize(
    "body",
    [
        {"registered_model": {"name": "churn", "aliases": [3, {"alias": None, "version": {}}]}},
        {"registered_model": "x"},
        {},
    ],
)
def test_a_hostile_answer_is_no_traceback(server: StandIn, body: object) -> None:
    for key in server.answers:
        if "registered-models/get" in key or "search" in key:
            server.answers[key] = (200, body)
    store = open_store()
    assert store.find_model(Reference(name="churn")) is None
    with pytest.raises(StoreError):
        scaffold.models("churn")
