"""`update` without a model asks the source of the project's model for a newer one."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
from sklearn.linear_model import LogisticRegression
from typer.testing import CliRunner

import scaffold
from scaffold.base.urls import without_credentials
from scaffold.cli._app import app
from scaffold.errors import ModelNotFetchedError, SourceNotFollowedError, UnusedSampleError
from scaffold.events import Event, Noted
from scaffold.find import find_model, find_newer
from scaffold.spec import Origin
from tests.find._stand_in import FILES, StandIn, stand_in


def fitted(weight: float) -> bytes:
    import pandas as pd

    frame = pd.DataFrame({"age": [20.0, 35.0, 50.0, 65.0], "calls": [1, 5, 2, 8]})
    return pickle.dumps(LogisticRegression(C=weight).fit(frame, [0, 1, 0, 1]))


@pytest.fixture(scope="module")
def server() -> Iterator[StandIn]:
    with stand_in(fitted(1.0)) as started, pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", started.url)
        started.files[f"{started.root(3)}/model.skops"] = fitted(9.0)
        yield started


@pytest.fixture(scope="module")
def project(server: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("follow") / "service"
    scaffold.new("models:/churn@champion", target=root, verify=False)
    return root


def typed(*words: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, [*map(str, words)])
    return done.exit_code, done.output


def tree(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def move_alias(server: StandIn, version: int) -> None:
    key = "api/2.0/mlflow/registered-models/alias?name=churn&alias=champion"
    server.answers[key] = server.answers[f"api/2.0/mlflow/model-versions/get?name=churn&version={version}"]


def test_nothing_new_is_told_and_writes_nothing(server: StandIn, project: Path) -> None:
    before, asked = tree(project), len(server.asked)
    code, told = typed("update", project)
    assert (code, tree(project)) == (0, before)
    assert "nothing new at models:/churn@champion" in " ".join(told.split())
    assert typed("update", project, "--exit-code")[0] == 3
    assert len(server.asked) == asked + 2  # one request each
    assert scaffold.update(project).report.new_version == "1.0.0"


def test_the_server_that_is_asked_is_told_where_it_is_another(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment names the server, never the record."""
    record = json.loads((project / ".scaffold/record.json").read_text())
    with stand_in(fitted(1.0)) as other:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"{other.url}/".replace("//", "//me:secret@", 1))
        code, told = typed("update", project, "--exit-code")
    told = " ".join(told.split())
    assert (code, "secret" in told) == (3, False)
    first = record["spec"]["origin"]["server"]
    assert f"the model came from {first}; this update asks {other.url}" in told
    assert f"nothing new at models:/churn@champion of {other.url}" in told


def test_a_sample_for_a_newer_model_is_left_aside_where_there_is_none(project: Path) -> None:
    events: list[Event] = []
    before = tree(project)
    done = scaffold.update(project, input=[{"plan": "basic"}], on_event=events.append)
    assert (done.is_empty, tree(project)) == (True, before)
    told = [event.text for event in events if isinstance(event, Noted)]
    assert told[-1] == "the sample is not used: it is for a newer model"
    with pytest.raises(UnusedSampleError, match=r"--model models:/churn@champion --input sample\.pkl"):
        scaffold.update(project, input=[{"plan": "basic"}], follow=False)


def test_an_alias_that_moved_brings_its_model_and_its_sample(server: StandIn, project: Path) -> None:
    move_alias(server, 3)
    try:
        assert scaffold.diff(project).report.model_changed
        found = scaffold.update(project, verify=False)
    finally:
        move_alias(server, 2)
    assert found.applied
    record = json.loads((project / ".scaffold/record.json").read_text())
    assert record["spec"]["origin"]["version"] == "3"
    scaffold.undo(project)


def test_what_is_asked_for_otherwise_does_not_ask_the_source(server: StandIn, project: Path) -> None:
    asked = len(server.asked)
    scaffold.update(project, answers={"replicas": 3}, dry_run=True)
    scaffold.update(project, dry_run=True, follow=False)
    assert len(server.asked) == asked


def test_a_source_that_does_not_answer_says_how_to_go_on(
    server: StandIn, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    with pytest.raises(SourceNotFollowedError) as caught:
        scaffold.update(project)
    assert str(caught.value).startswith("models:/churn@champion cannot be fetched: http://127.0.0.1:1 cannot")
    assert f"The model came from {server.url}." in str(caught.value)


@pytest.mark.parametrize(
    ("uri", "version", "newer"),
    [
        ("models:/churn/2", "2", "models:/churn/3"),
        ("models:/churn/3", "3", None),
        ("models:/churn/latest", "3", None),
        ("models:/churn/latest", "2", "models:/churn/latest"),
        ("models:/churn@champion", "2", None),
        ("runs:/0123/model", "", None),
        (f"models:/churn/{'9' * 5000}", "", None),
    ],
)
def test_a_registered_model_is_followed_by_its_versions(
    server: StandIn, uri: str, version: str, newer: str | None
) -> None:
    found = find_newer(Origin(uri=uri, version=version))
    assert (found.origin.uri if found else None) == newer


def test_a_url_is_followed_by_its_content(server: StandIn) -> None:
    server.files["churn.bin"] = b"one"
    sha256 = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"  # of "one"
    origin = Origin(uri=f"{server.url}{FILES}churn.bin", sha256=sha256)
    assert find_newer(origin) is None
    server.files["churn.bin"] = b"two"
    assert find_newer(origin).path.read_bytes() == b"two"


def test_a_version_with_the_same_model_file_is_new(server: StandIn, project: Path) -> None:
    """Its sample, its code or its requirements may be others."""
    file = f"{server.root(3)}/model.skops"
    before, server.files[file] = server.files[file], server.files[f"{server.root(2)}/model.pkl"]
    move_alias(server, 3)
    try:
        assert typed("update", project, "--exit-code", "--no-verify")[0] == 0
    finally:
        move_alias(server, 2)
        server.files[file] = before
    record = json.loads((project / ".scaffold/record.json").read_text())
    assert record["spec"]["origin"]["version"] == "3"
    scaffold.undo(project)


def test_no_database_of_the_current_folder_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    with pytest.raises(ModelNotFetchedError, match="MLFLOW_TRACKING_URI names no server"):
        find_newer(Origin(uri="models:/churn/1", version="1"))


def test_a_store_is_followed_by_what_is_registered_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCAFFOLD_STORE", f"sqlite:///{tmp_path}/store.db")
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(abs))
    (tmp_path / "later.pkl").write_bytes(pickle.dumps(len))
    scaffold.register(tmp_path / "model.pkl", name="titanic", version="1.0.0")
    origins = [find_model(written).origin for written in ("store:titanic", "store:titanic/1.0.0")]
    assert [find_newer(origin) for origin in origins if origin] == [None, None]
    scaffold.register(tmp_path / "later.pkl", name="titanic", version="1.1.0")
    found = [find_newer(origin) for origin in origins if origin]
    assert [each.origin.uri for each in found] == ["store:titanic", "store:titanic/1.1.0"]


@pytest.mark.parametrize(
    "uri",
    [
        "/etc/passwd",
        "file:///etc/passwd",
        "model.pkl",
        "model.dvc",
        "local:///etc/passwd",
        "zip:///home/me/models.zip",
        "git:///home/me/project",
        "simplecache::https://host/m.pkl",
        "x" * 5000,
    ],
)
def test_no_path_in_a_record_is_followed(uri: str) -> None:
    with pytest.raises(ModelNotFetchedError, match="a path, or a URL of this kind, is not followed"):
        find_newer(Origin(uri=uri))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:secret@host/m.pkl?sig=abc#x", "https://host/m.pkl"),
        ("s3://bucket/m.pkl?versionId=3HL4kqt", "s3://bucket/m.pkl?versionId=3HL4kqt"),
        ("https://a@b:secret@host/m.pkl", "https://host/m.pkl"),
        ("text before https://me:secret@host/x and after", "text before https://host/x and after"),
        ("https://me:sec/ret@host/m.pkl", "https://host/m.pkl"),
        ("https://me:sec#ret@host/m.pkl", "https://host/m.pkl"),
        ("https://host:8080/a@b/m.pkl", "https://host:8080/a@b/m.pkl"),
        ("zip://m.pkl::https://me:secret@host/m.zip", "zip://m.pkl::https://host/m.zip"),
        ("abfs://models@team.dfs.core.windows.net/m.pkl", "abfs://models@team.dfs.core.windows.net/m.pkl"),
        ("abfss://models:secret@team.dfs.core.windows.net/m.pkl", "abfss://team.dfs.core.windows.net/m.pkl"),
    ],
)
def test_credentials_are_left_out(url: str, shown: str) -> None:
    assert without_credentials(url) == shown
