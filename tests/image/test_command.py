"""`scaffold build` as it is typed, and the replay of the sample that `--check` makes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scaffold import _building
from scaffold.cli import app
from scaffold.errors import AnswersDifferError, ImageCheckError, RegistryLoginError, UsageError
from tests.image.conftest import Bench


def build(bench: Bench, monkeypatch: pytest.MonkeyPatch, *options: str, stdin: str | None = None) -> str:
    """What `scaffold build` prints; an error comes as it is."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(bench.store))
    words = [
        "build",
        str(bench.root),
        "--builder",
        "layers",
        "--base",
        bench.base,
        "--platform",
        "linux/amd64",
    ]
    result = CliRunner().invoke(app, [*words, *options], input=stdin, catch_exceptions=False)
    return str(result.output)


def test_what_was_built_is_shown_by_part(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = build(bench, monkeypatch, "--push", "--registry", f"{bench.registry.address}/team")
    for part in ("base", "dependencies", "code", "model", "largest: tiny"):
        assert part in printed
    assert f"{bench.registry.address}/team/churn:1.0.0" in printed


def test_a_program_reads_json(bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    output = tmp_path / "image.tar"
    image = json.loads(build(bench, monkeypatch, "--output", str(output), "--json"))
    assert image["reference"] == "churn:1.0.0"
    assert image["digest"].startswith("sha256:")
    assert [layer["part"] for layer in image["layers"]] == ["base", "dependencies", "code", "model"]
    assert output.exists()


def test_a_password_comes_by_a_pipe(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.registry.basic = True
    options = [
        "--push",
        "--registry",
        f"{bench.registry.address}/team",
        "--username",
        "ada",
        "--password-stdin",
    ]
    assert "churn:1.0.0" in build(bench, monkeypatch, *options, stdin="lovelace\n")
    with pytest.raises(RegistryLoginError, match="refused the login of 'ada'") as caught:
        build(bench, monkeypatch, *options, stdin="byron!\n")
    assert "byron" not in str(caught.value)


@pytest.mark.parametrize("option", [["--username", "ada"], ["--password-stdin"]])
def test_a_login_is_given_whole(bench: Bench, monkeypatch: pytest.MonkeyPatch, option: list[str]) -> None:
    with pytest.raises(UsageError, match="go together"):
        build(bench, monkeypatch, "--push", *option)


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    (tmp_path / "tests").mkdir()
    recording = {"requests": [{"data": 1}], "answers": [{"prediction": 0.25}]}
    (tmp_path / "tests/recorded.json").write_text(json.dumps(recording))
    return tmp_path


def test_the_models_own_answers_pass(recorded: Path) -> None:
    with answering(200, b'{"prediction": 0.25000000001}') as url:
        _building._replay(recorded, url)


def test_another_answer_names_row_and_values(recorded: Path) -> None:
    with answering(200, b'{"prediction": 0.5}') as url, pytest.raises(AnswersDifferError) as caught:
        _building._replay(recorded, url)
    assert "row 0, prediction: 0.5 from the service, 0.25 in the sample's output" in str(caught.value)


def test_a_refused_row_is_shown_with_what_was_said(recorded: Path) -> None:
    said = pytest.raises(ImageCheckError, match=r"with status 422:\n  no such field")
    with answering(422, b"no such field") as url, said:
        _building._replay(recorded, url)


def test_an_answer_that_is_no_json_is_no_traceback(recorded: Path) -> None:
    with answering(200, b"<html>") as url, pytest.raises(ImageCheckError, match="no JSON"):
        _building._replay(recorded, url)


def test_a_service_that_is_gone_is_no_traceback(recorded: Path) -> None:
    with answering(200, b"") as url:
        pass
    with pytest.raises(ImageCheckError, match="broke off"):
        _building._replay(recorded, url)


def test_progress_is_told_in_the_order_of_the_work(bench: Bench) -> None:
    bench.build()
    stages = list(dict.fromkeys(event.stage for event in bench.told))
    assert stages == ["base", "dependencies", "code", "model", "push"]
    assert all(0 <= event.done <= event.total for event in bench.told if event.total)
