"""Answers of a server, and URIs, that are made to do harm: one message each, and nothing shown raw."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from scaffold.base.http import NoAnswerError, RefusedError, Server
from scaffold.cli._app import app
from scaffold.cli._show import show_error, show_rows
from scaffold.errors import ModelNotFetchedError, UnreadableFileError
from scaffold.errors.wording import name_commands
from scaffold.find import find_model
from tests.find._stand_in import StandIn, stand_in

ESCAPE = "\x1b[31m"
VERSION = "api/2.0/mlflow/model-versions/get?name=churn&version=2"
PLACE = "api/2.0/mlflow/model-versions/get-download-uri?name=churn&version=2"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    with stand_in(b"model") as started:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", started.url)
        yield started


def refused(written: str) -> str:
    with name_commands(), pytest.raises(ModelNotFetchedError) as caught:
        find_model(written)
    return str(caught.value)


@contextlib.contextmanager
def dripping(head: bytes) -> Iterator[str]:
    """A server that answers with `head`, and then with a byte each tenth of a second; its URL."""
    done = threading.Event()

    def answer(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            connection.sendall(head)
            while not done.wait(0.1):
                connection.sendall(b" ")

    def serve(listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            answer(listening.accept()[0])

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,))
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        done.set()
        thread.join()


def listing(server: StandIn) -> Any:
    """What the server lists for the second version."""
    root = server.root(2).replace("/", "%2F")
    return next(body for key, (_, body) in server.answers.items() if key.endswith(root))


def test_a_place_that_a_server_names_is_quoted_in_the_command(server: StandIn) -> None:
    server.answers[PLACE] = (200, {"artifact_uri": f"s3://x; touch marker #{ESCAPE}"})
    assert refused("models:/churn/2").endswith("\n  scaffold new 's3://x; touch marker # [31m/FILE' ...")


@pytest.mark.parametrize("uri", ["http://[::1", "mlflow-artifacts://elsewhere:80/1/models"])
def test_a_place_that_is_none_or_elsewhere_is_named(server: StandIn, uri: str) -> None:
    server.answers[PLACE] = (200, {"artifact_uri": uri})
    assert f"its files are at {uri!r}" in refused("models:/churn/2")


@pytest.mark.parametrize("value", [ESCAPE, "9" * 5000, "1; true", None, [1]])
def test_a_version_or_a_run_that_is_none_is_left_out(server: StandIn, value: object) -> None:
    status, body = server.answers[VERSION]
    changed = json.loads(json.dumps(body))
    changed["model_version"] |= {"version": value, "run_id": value}
    server.answers[VERSION] = (status, changed)
    server.replace("run_id", "other", version=2)
    origin = find_model("models:/churn/2").origin
    assert (origin.version, origin.run) == (server.models[1][0], "")


def test_versions_that_are_no_numbers_are_passed_over(server: StandIn) -> None:
    for key, (status, body) in server.answers.items():
        if "model-versions/search" in key:
            versions = [*body["model_versions"], {"version": "9" * 5000, "status": "READY"}]
            server.answers[key] = (status, {"model_versions": versions})
    assert find_model("models:/churn/latest").origin.version == "3"


@pytest.mark.parametrize("names", [("zz", "zz/b"), ("n" * 300,)])
def test_files_that_cannot_lie_side_by_side_are_named(server: StandIn, names: tuple[str, ...]) -> None:
    listing(server)["files"] = [{"path": name, "is_dir": False} for name in names]
    server.files |= {f"{server.root(2)}/{name}": b"" for name in names}
    assert "cannot be written" in refused("models:/churn/2")


def test_folders_without_end_are_not_listed(server: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scaffold.find._artifacts._MOST_ENTRIES", 20)
    listing(server)["files"] = [{"path": f"f{number}", "is_dir": True} for number in range(30)]
    assert "it has more than 20 files and folders" in refused("models:/churn/2")


def test_a_file_that_comes_too_slowly_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scaffold.base.http.TIMEOUT_S", 0.3)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
    with dripping(head) as url, pytest.raises(NoAnswerError) as caught:
        Server(url).download("file", tmp_path / "file")
    assert str(caught.value) == f"{url} sends less than 1024 bytes a second"


def test_the_message_of_an_error_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scaffold.base.http.TIMEOUT_S", 0.3)
    head = b"HTTP/1.1 500 Oh no\r\nContent-Length: 60000\r\n\r\n"
    with dripping(head) as url, pytest.raises(RefusedError) as caught:
        Server(url).json("path", {})
    assert caught.value.args == (500, "Oh no")


def test_an_error_message_of_endless_depth_is_passed_over() -> None:
    head = b"HTTP/1.1 500 Oh no\r\nContent-Length: 100000\r\n\r\n"
    with dripping(head + b"[" * 100_000) as url, pytest.raises(RefusedError) as caught:
        Server(url).json("path", {})
    assert caught.value.args == (500, "Oh no")


@pytest.mark.parametrize(
    "uri", ["mlflow-artifacts://me:secret@host/1/model", "models://me:secret@host/churn/2"]
)
def test_a_login_in_a_uri_is_refused_and_not_shown(server: StandIn, uri: str) -> None:
    message = refused(uri)
    assert "a login does not belong into the URI of a model" in message
    assert "secret" not in message
    assert server.asked == []


@pytest.mark.parametrize(
    ("name", "value", "cause"),
    [
        ("MLFLOW_TRACKING_URI", "http://[::1", "http://[::1 is no URL"),
        ("MLFLOW_TRACKING_SERVER_CERT_PATH", "/nowhere.pem", "/nowhere.pem is no file of certificates"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(
    server: StandIn, monkeypatch: pytest.MonkeyPatch, name: str, value: str, cause: str
) -> None:
    monkeypatch.setenv(name, value)
    assert cause in refused("models:/churn/2")


def test_a_deep_example_is_not_read(server: StandIn) -> None:
    name = f"{server.root(2)}/input_example.json"
    deep = sys.getrecursionlimit() - 100  # the parser takes this
    server.files[name] = b'{"columns": ["a"], "data": [[' + b"[" * deep + b"]" * deep + b"]]}"
    declared = find_model("models:/churn/2").declared
    assert declared.input is None
    assert any("input example is not read" in note for note in declared.notes)


@pytest.mark.parametrize("name", ["model.pkl", "data/model.pth"])
def test_a_file_behind_a_link_is_not_taken(tmp_path: Path, name: str) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "folder"
    outside.mkdir()
    folder.mkdir()
    (outside / Path(name).name).write_bytes(b"secret")
    (folder / "MLmodel").write_text("flavors: {python_function: {}}\n")
    link, target = (folder / "data", outside) if "/" in name else (folder / name, outside / name)
    link.symlink_to(target)
    assert "leads through a symbolic link" in refused(str(folder))


def test_a_path_that_is_too_long_leads_to_no_file(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["new", "x" * 5000, str(tmp_path / "service"), "--input", "y.csv"])
    assert isinstance(done.exception, UnreadableFileError)


def test_downloads_go_when_the_process_ends(server: StandIn, tmp_path: Path) -> None:
    program = "from scaffold.find import find_model; print(find_model('models:/churn/2').path)"
    environ = {"MLFLOW_TRACKING_URI": server.url, "TMPDIR": str(tmp_path), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environ, stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.startswith(str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_control_characters_are_written_out_on_a_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_error(f"first {ESCAPE}\nsecond \u202e")
    show_rows([("a row", f"{ESCAPE} of a stranger")])
    shown = capsys.readouterr()
    assert shown.err == "✗ first \\x1b[31m\nsecond \\u202e\n"
    assert shown.out == "a row   \\x1b[31m of a stranger\n"
