"""`scaffold build` on the command line, and the replay of the sample with `--check`."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from scaffold.base.client import Client
from scaffold.base.process import Finished, run_command
from scaffold.cli._app import app
from scaffold.errors import AnswersDifferError, ImageCheckError, RegistryLoginError, UsageError
from scaffold.events import Advanced, Event
from scaffold.image import BuildOptions, Credentials, build_image
from scaffold.image._running import check_answers
from scaffold.spec import Recording
from tests.http_server import serving
from tests.image._fake_logins import BasicLogin
from tests.image.conftest import Bench


def build(bench: Bench, monkeypatch: pytest.MonkeyPatch, *options: str, stdin: str | None = None) -> str:
    """Return the output of `scaffold build`; an error is raised unchanged."""
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


def test_a_password_is_read_from_standard_input(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_a_key_file_of_several_lines_is_a_password(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.registry.login = BasicLogin("_json_key", '{\n  "type": "service_account"\n}')
    options = ["--push", "--registry", f"{bench.registry.address}/team", "--username", "_json_key"]
    key = '{\n  "type": "service_account"\n}\n'
    # The base lies at the same registry, so that the login is good for both.
    assert "churn:1.0.0" in build(bench, monkeypatch, *options, "--password-stdin", stdin=key)


@pytest.mark.parametrize("option", [["--username", "ada"], ["--password-stdin"]])
def test_a_login_needs_name_and_password(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, option: list[str]
) -> None:
    with pytest.raises(UsageError, match="go together"):
        build(bench, monkeypatch, "--push", *option)


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            said = b"[%s]" % b", ".join([body] * len(sent)) if isinstance(sent, list) else body
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with serving(Handler) as port:
        yield f"http://127.0.0.1:{port}"


def check(url: str) -> list[str]:
    """Check the answers of a running image; return the details of the progress events."""
    told: list[Event] = []
    recording = Recording(requests=({"data": 1},), answers=({"prediction": 0.25},))
    with contextlib.closing(Client(url)) as client:
        check_answers(client, "churn:1.0.0", recording, told.append)
    return [event.detail for event in told]


def test_the_models_own_answers_pass_and_the_check_says_what_the_proof_says() -> None:
    with answering(200, b'{"prediction": 0.25000000001}') as url:
        *before, at_once, again = check(url)
    assert before == [
        "one by one: 1 of 1 answered as the model does",
        "in batches: 1 of 1 answered as the model does",
        "in other orders: 6 rows in reverse and random order, each with its own answer",
    ]
    assert re.fullmatch(r"at once: \d+ callers at once, each with its own answers", at_once)
    assert again == "again: 1 of 1 answered as at first"


def test_another_answer_names_row_and_values_and_claims_nothing_of_versions() -> None:
    with answering(200, b'{"prediction": 0.5}') as url, pytest.raises(AnswersDifferError) as caught:
        check(url)
    assert str(caught.value).splitlines() == [
        "The service answers, but not with the sample's predictions.",
        "  row 0, prediction: 0.5 from the service, 0.25 in the sample's output",
    ]


def test_a_refused_row_is_shown_with_the_response() -> None:
    said = pytest.raises(ImageCheckError, match=r"with status 422:\n  no such field")
    with answering(422, b"no such field") as url, said:
        check(url)


def test_a_response_that_is_not_json_is_an_error_without_traceback() -> None:
    with answering(200, b"<html>") as url, pytest.raises(ImageCheckError, match="not JSON"):
        check(url)


def test_a_service_that_ended_is_an_error_without_traceback() -> None:
    with answering(200, b"") as url:
        pass
    with pytest.raises(ImageCheckError, match="broke off"):
        check(url)


def test_progress_is_told_in_the_order_of_the_work(bench: Bench) -> None:
    bench.build()
    stages = list(dict.fromkeys(event.stage for event in bench.told if isinstance(event, Advanced)))
    assert stages == ["base", "dependencies", "code", "model", "push"]
    assert all(
        0 <= event.done <= event.total for event in bench.told if isinstance(event, Advanced) and event.total
    )


def test_the_digest_does_not_depend_on_who_builds_where_and_when(bench: Bench, tmp_path: Path) -> None:
    ways: list[dict[str, str]] = [
        {"TZ": "Asia/Kathmandu", "LC_ALL": "C", "PYTHONHASHSEED": "1", "HOME": str(tmp_path)},
        {"TZ": "America/St_Johns", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "2"},
    ]
    digests = []
    for way, umask in zip(ways, (0o077, 0o002), strict=True):
        place = tmp_path / f"{umask}"
        old = os.umask(umask)
        try:
            root = shutil.copytree(bench.root, place / "project", copy_function=shutil.copyfile)
        finally:
            os.umask(old)
        command = [sys.executable, "-m", "scaffold", "build", str(root), "--json", "--builder", "layers"]
        command += ["--base", bench.base, "--output", str(place / "image.tar"), "--platform", "linux/amd64"]
        environment = {**os.environ, **way, "XDG_CACHE_HOME": str(place), "UV_CACHE_DIR": str(place / "uv")}
        done = subprocess.run(
            command, env=environment, umask=umask, capture_output=True, text=True, check=True
        )
        digests.append(json.loads(done.stdout)["digest"])
    assert digests[0] == digests[1]
    assert len({(tmp_path / f"{umask}/image.tar").read_bytes() for umask in (0o077, 0o002)}) == 1


@pytest.mark.parametrize("password", ["lovelace", "wrong-but-secret"], ids=["right", "wrong"])
def test_passwords_are_only_in_requests(
    bench: Bench, tmp_path: Path, caplog: pytest.LogCaptureFixture, password: str
) -> None:
    bench.registry.token = "t0ken-of-the-registry"
    commands: list[Sequence[str]] = []

    def run(command: Sequence[str], **options: Any) -> Finished:
        commands.append(command)
        return run_command(command, **options)

    caplog.set_level("DEBUG")
    failed = ""
    options = BuildOptions(
        builder="layers",
        push=True,
        base=bench.base,
        registry=f"{bench.registry.address}/team",
        platforms=("linux/amd64",),
        output=tmp_path / "layout",
        credentials=Credentials(username="ada", password=password),
    )
    try:
        build_image(bench.root, options, on_event=bench.told.append, run=run, store=bench.store)
    except RegistryLoginError as error:
        failed = "".join(traceback.format_exception(error))
    assert bool(failed) == (password != "lovelace")
    sent = base64.b64encode(f"ada:{password}".encode()).decode()
    assert f"Basic {sent}" in bench.registry.authorizations
    kept = [
        path.read_bytes()
        for folder in (bench.store, tmp_path / "layout", bench.root)
        for path in files(folder)
    ]
    blobs = [content for held in bench.registry.blobs.values() for content in held.values()]
    manifests = [content for held in bench.registry.manifests.values() for content, _ in held.values()]
    said = f"{commands}{bench.told}{caplog.text}{failed}{options}{bench.registry.asked}".encode()
    plain = [gzip.decompress(content) for content in (*kept, *blobs) if content[:2] == b"\x1f\x8b"]
    for secret in (password, sent, bench.registry.token):
        for content in (*kept, *blobs, *manifests, *plain, said):
            assert secret.encode() not in content


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
