"""A model at a URL: found, followed, refused. S3, Azure and SFTP are in `test_buckets.py`."""

from __future__ import annotations

import json
import pickle
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from fsspec.config import conf
from sklearn.linear_model import LogisticRegression
from typer.testing import CliRunner

from scaffold.cli._app import app
from scaffold.errors import ModelNotFetchedError
from scaffold.find import find_model
from scaffold.find._patience import StalledError, returned_in_time
from tests.find._web import Web, silent_port, web

X = pd.DataFrame({"age": [20.0, 35.0, 50.0, 65.0], "calls": [1, 5, 2, 8]})


def fitted(weight: float) -> bytes:
    return pickle.dumps(LogisticRegression(C=weight).fit(X, [0, 1, 0, 1]))


@pytest.fixture
def server() -> Iterator[Web]:
    with web() as started:
        started.files["churn.pkl"] = fitted(1.0)
        yield started


def typed(*words: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, [*map(str, words)])
    return done.exit_code, " ".join(f"{done.output} {done.exception or ''}".split())


def test_a_project_follows_the_etag_of_its_url(server: Web, tmp_path: Path) -> None:
    project, sample = tmp_path / "service", tmp_path / "sample.csv"
    X.to_csv(sample, index=False)
    url = f"{server.url}/churn.pkl"
    assert typed("new", url, project, "--input", sample, "--no-verify")[0] == 0
    before, first = len(server.asked), (project / ".scaffold/record.json").read_bytes()
    code, told = typed("update", project)
    assert (code, f"nothing new at {url}" in told) == (0, True)
    assert typed("update", project, "--exit-code")[0] == 3
    assert [line.partition(" ")[0] for line in server.asked[before:]] == ["HEAD", "HEAD"]
    assert (project / ".scaffold/record.json").read_bytes() == first

    server.files["churn.pkl"] = fitted(9.0)
    code, told = typed("update", project, "--exit-code", "--no-verify")
    assert (code, "--input" in told) == (1, True)
    assert typed("update", project, "--input", sample, "--exit-code", "--no-verify")[0] == 0
    assert (project / "model/model.pkl").read_bytes() == server.files["churn.pkl"]
    etag = json.loads((project / ".scaffold/record.json").read_text())["spec"]["origin"]["version"]
    assert len(etag) == 12
    assert typed("update", project, "--input", sample, "--exit-code", "--no-verify")[0] == 3


@pytest.mark.parametrize("name", ["churn.pkl?id=wK42x", "my churn.pkl?sig=wK42x", "churn.pkl#wK42x"])
def test_a_url_whose_query_is_not_in_the_record_is_not_followed(
    server: Web, tmp_path: Path, name: str
) -> None:
    """The query may name another file at the same path, or hold a signature."""
    server.files["my%20churn.pkl"] = server.files["churn.pkl"]
    project, sample = tmp_path / "service", tmp_path / "sample.csv"
    X.to_csv(sample, index=False)
    code, told = typed("new", f"{server.url}/{name}", project, "--input", sample, "--no-verify")
    assert code == 0, told
    written = [path.read_bytes() for path in project.rglob("*") if path.is_file()]
    assert not any(b"wK42x" in content for content in written)
    server.files.clear()
    before = len(server.asked)
    code, told = typed("update", project, "--exit-code", "--input", sample)
    assert (code, "the record has the URL without its query" in told) == (1, True), told
    assert "--model" in told
    assert len(server.asked) == before


def test_a_url_whose_query_is_not_recorded_is_registered_as_a_copy(
    server: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCAFFOLD_STORE", f"sqlite:///{tmp_path}/store.db")
    code, told = typed("register", f"{server.url}/churn.pkl?id=42", "--name", "churn")
    assert (code, "files:" in told) == (0, True), told
    code, told = typed("register", f"{server.url}/churn.pkl", "--name", "churn")
    assert (code, f"{server.url}/churn.pkl" in told) == (0, True), told


def test_a_url_without_an_etag_is_followed_by_its_content(server: Web) -> None:
    server.has_etags = False
    found = find_model(f"{server.url}/churn.pkl")
    assert found.origin
    assert found.origin.version == ""


def test_a_login_is_used_and_written_nowhere(server: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    server.login = "Basic bWU6c2VjcmV0"  # me:secret
    url = server.url.replace("//", "//me:secret@") + "/churn.pkl"
    found = find_model(url)
    assert "secret" not in repr(found)
    with pytest.raises(ModelNotFetchedError, match=r"answers 401 .*; aiohttp reads .* from FSSPEC_HTTP"):
        find_model(f"{server.url}/churn.pkl")
    with monkeypatch.context() as context:
        context.setitem(conf, "http", {"headers": {"Authorization": server.login}})
        assert find_model(f"{server.url}/churn.pkl").path.is_file()


def test_a_url_that_leads_nowhere_is_one_message(server: Web, tmp_path: Path) -> None:
    project = tmp_path / "service"
    code, told = typed("new", f"{server.url}/gone.pkl", project, "--input", "[[1, 2]]")
    assert code == 1
    assert f"{server.url}/gone.pkl cannot be fetched" in told
    assert not project.exists()


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"<!doctype html><html>log in</html>", "is no model file: it is a web page"),
        (fitted(1.0)[:300], "is truncated: it breaks off at byte 300 of the file"),
    ],
)
def test_a_file_that_is_no_model_is_named_by_its_url(
    server: Web, tmp_path: Path, content: bytes, cause: str
) -> None:
    """Its copy on this machine is deleted with the process."""
    server.files["churn.pkl"] = content
    sample = tmp_path / "sample.csv"
    X.to_csv(sample, index=False)
    code, told = typed("new", f"{server.url}/churn.pkl", tmp_path / "service", "--input", sample)
    assert (code, f"{server.url}/churn.pkl {cause}" in told) == (1, True), told


def test_a_server_that_hangs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scaffold.find.fsspec._ANSWER_S", 1.0)
    with silent_port() as port, pytest.raises(ModelNotFetchedError) as caught:
        find_model(f"http://127.0.0.1:{port}/churn.pkl")
    assert str(caught.value) == f"http://127.0.0.1:{port}/churn.pkl cannot be fetched: no answer in 1 s."


def test_a_call_that_goes_on_is_waited_for() -> None:
    came: list[int] = []

    def call() -> str:
        for number in range(6):
            came.append(number)
            time.sleep(0.4)
        return "done"

    assert returned_in_time(call, 1.0, lambda: len(came)) == "done"
    with pytest.raises(StalledError, match="no answer in 1 s"):
        returned_in_time(call, 1.0)
    with pytest.raises(ZeroDivisionError):
        returned_in_time(lambda: 1 / 0, 1.0)
