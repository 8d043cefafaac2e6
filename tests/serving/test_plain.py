"""The plain profile: its code, and what README.md says that it gives and does not give."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scaffold.render._profile import profile_files
from scaffold.spec import Profile
from tests.serving._browser import ORIGIN, OTHER, assert_called_from_pages
from tests.serving._scrape import HASHES, assert_scraped
from tests.serving._toy import VALUES, Answer, Service, free_port, start, write_project

ROOT = Path(__file__).parents[2]
PLAIN = {
    "max_body_bytes": "1_048_576",
    "opentelemetry": "False",
    "plain_port": "Field(default=8000, ge=0, le=65535)",
    "plain_imports": "Field",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("plain")
    write_project(root)
    for file in (root / "app" / "serving").iterdir():
        if file.name != "model_file.py":
            file.unlink() if file.is_file() else shutil.rmtree(file)
    for path, content in profile_files(Profile.PLAIN, VALUES | PLAIN).items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return root


@pytest.fixture(scope="module")
def service(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    running = serve(root, tmp_path_factory.mktemp("log") / "service.log")
    yield running
    running.stop()


def serve(root: Path, log: Path, **settings: str) -> Service:
    port = free_port()
    running = Service(start(root, log, {"PORT": str(port), **settings}), port, log)
    assert running.wait_until_ready(), log.read_text()
    return running


@pytest.mark.parametrize(
    "tool", [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]], ids=["lint", "format", "types"]
)
def test_linters_and_type_checkers_pass(root: Path, tool: list[str]) -> None:
    ended = subprocess.run([sys.executable, "-m", *tool, "app"], cwd=root, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("hashes", ["", "a-key"])
def test_what_is_no_hash_of_a_key_ends_the_process_and_is_not_shown(root: Path, hashes: str) -> None:
    command = [sys.executable, "-c", "import app.settings"]
    environment = {**os.environ, "API_KEY_HASHES": hashes}
    ended = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    assert ended.returncode == 1
    assert "api_key_hashes" in ended.stderr
    assert "a-key" not in ended.stderr


def test_the_code_around_the_model_is_as_short_as_the_readme_says(root: Path) -> None:
    rows = (ROOT / "README.md").read_text()
    said = re.search(r"\| Python around the model \| ([\d,]+) lines \| ([\d,]+) lines \|", rows)
    assert said
    owned = {"schemas.py", "convert.py", "score.py"}
    for app, number in zip((ROOT / "examples/titanic/service/app", root / "app"), said.groups(), strict=True):
        paths = [path for path in app.rglob("*.py") if path.name not in owned]
        found = sum(len(path.read_text().splitlines()) for path in paths)
        assert found == pytest.approx(int(number.replace(",", "")), rel=0.05)


def test_concurrent_requests_share_calls_of_the_model(service: Service) -> None:
    def ask(number: int) -> Answer:
        return service.post("/score", {"value": float(number), "act": "sleep" if not number else "answer"})

    with ThreadPoolExecutor(16) as pool:
        answers = [answer.json for answer in pool.map(ask, range(64))]
    assert [answer["prediction"] for answer in answers] == list(range(64))
    assert max(answer["together"] for answer in answers) > 1


def test_a_record_that_the_model_fails_on_is_a_500_with_an_id_of_the_log(service: Service) -> None:
    for act in ("raise", "exit", "memory"):
        answer = service.post("/score", {"value": 2.5, "act": act})
        assert answer.status == 500
        assert b"2.5" not in answer.body
        error_id = answer.json["detail"].split()[-1].rstrip(".")
        [logged] = [line for line in service.log if line.get("error_id") == error_id]
        assert "Traceback" in logged["exc_info"]
    assert service.post("/score", {"value": 2.5}).status == 200


def test_an_invalid_record_is_a_422_that_does_not_repeat_it(service: Service) -> None:
    for body in (b'{"value": "secret"}', b'{"value": NaN}', b'{"value": 1.5, "secret": 1}', b"{", b""):
        answer = service.post("/score", body)
        assert answer.status == 422
        assert all(set(fault) == {"type", "loc", "msg"} for fault in answer.json["detail"])
    assert b"secret" not in service.post("/score", b'{"value": "secret"}').body


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "99999"),
        ("MAX_BODY_BYTES", "-1"),
        ("SHUTDOWN_S", "-1"),
        ("CORS_ORIGINS", "www.example.com"),
        ("ROOT_PATH", "titanic"),
    ],
)
def test_a_setting_that_cannot_hold_ends_the_process(root: Path, name: str, value: str) -> None:
    command = [sys.executable, "-c", "import app.settings"]
    ended = subprocess.run(command, cwd=root, env={**os.environ, name: value}, capture_output=True, text=True)
    assert ended.returncode == 1
    assert name.lower() in ended.stderr


@pytest.mark.parametrize("returned", ["[1.5]", "[None]", "[]", "None"])
def test_a_score_file_that_returns_no_answers_does_not_start(root: Path, returned: str) -> None:
    code = f"from app import score; score.run = lambda records: {returned}; import app.__main__"
    command = [sys.executable, "-c", code]
    environment = {**os.environ, "PORT": str(free_port())}
    ended = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 3
    assert "Error: " in ended.stderr


OWN_ROUTES = """
import hashlib
from fastapi import APIRouter, WebSocket
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from app.main import app

router = APIRouter()
router.get("/metrics")(lambda: "private")

@router.websocket("/live")
async def live(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("live")

app.include_router(router, prefix="/customers")
client = TestClient(app)

def said(headers):
    try:
        with client.websocket_connect("/customers/live", headers=headers) as socket:
            return socket.receive_text()
    except WebSocketDisconnect as refused:
        return refused.code

for headers in ({}, {"X-API-Key": "mine"}):
    print(client.get("/customers/metrics", headers=headers).status_code, said(headers))
print(client.get("/metrics").status_code, client.get("/openapi.json").status_code)
"""


def test_routes_of_the_owner_need_a_key_whatever_their_names(root: Path) -> None:
    environment = {**os.environ, "API_KEY_HASHES": hashlib.sha256(b"mine").hexdigest()}
    command = [sys.executable, "-c", OWN_ROUTES]
    ended = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines() == ["401 1008", "200 live", "200 200"]


def test_prometheus_needs_no_key(root: Path, tmp_path: Path) -> None:
    service = serve(root, tmp_path / "service.log", API_KEY_HASHES=HASHES)
    assert_scraped(service, Profile.PLAIN)
    service.stop()


def test_pages_of_named_origins_may_call(root: Path, tmp_path: Path) -> None:
    origins = f"{ORIGIN}, {OTHER}"
    service = serve(root, tmp_path / "service.log", API_KEY_HASHES=HASHES, CORS_ORIGINS=origins)
    assert_called_from_pages(service, ORIGIN, OTHER)
    service.stop()


def test_probes_answer_head_and_pages_are_there(service: Service) -> None:
    for path in ("/healthz", "/readyz"):
        assert service.request("HEAD", path).status == service.get(path).status == 200
    for path in ("/docs", "/openapi.json", "/metrics"):
        assert service.get(path).status == 200


def test_the_table_of_what_it_leaves_out_is_true(service: Service) -> None:
    """Each is 422 or 204 in the fast profile; README.md has a row for each."""
    assert service.post("/score", b'{"value": 1.5, "value": 2.5}').json["prediction"] == 2.5
    assert service.post("/score", {"value": 1, "count": 1.0}).status == 422
    assert service.post("/score", b'{"value": 1, "act": "\xff"}').status == 400
    for encoding in ("utf-8-sig", "utf-16", "utf-32"):
        assert service.post("/score", '{"value": 2.5}'.encode(encoding)).status == 200
    assert service.request("OPTIONS", "/score").status == 405
    assert service.request("HEAD", "/metrics").status == 405
    assert "x-request-id" not in service.get("/healthz", **{"X-Request-ID": "mine"}).headers
    assert b"cdn.jsdelivr.net" in service.get("/docs").body


def test_a_request_in_progress_is_answered_after_sigterm(root: Path, tmp_path: Path) -> None:
    service = serve(root, tmp_path / "service.log", TOY_SLEEP_S="1")
    found: list[Answer] = []
    asking = threading.Thread(target=lambda: found.append(service.post("/score", {"value": 2.5})))
    asking.start()
    threading.Event().wait(0.5)
    service.process.send_signal(signal.SIGTERM)
    asking.join(30)
    service.process.wait(30)
    assert found[0].json["prediction"] == 2.5


@pytest.mark.parametrize("how", ["TOY_BROKEN", "TOY_REFUSES"])
def test_a_model_that_cannot_be_loaded_or_score_ends_the_process(
    root: Path, tmp_path: Path, how: str
) -> None:
    process = start(root, tmp_path / "log", {"PORT": str(free_port()), how: "1"})
    assert process.wait(60) != 0
    assert "ValueError" in (tmp_path / "log").read_text()


def test_overload_is_a_503_with_retry_after(root: Path, tmp_path: Path) -> None:
    service = serve(root, tmp_path / "service.log", MAX_WAITING="1", TOY_SLEEP_S="0.5")
    with ThreadPoolExecutor(8) as pool:
        answers = [*pool.map(lambda number: service.post("/score", {"value": 1.5}), range(8))]
    service.stop()
    refused = [answer for answer in answers if answer.status == 503]
    assert refused
    assert refused[0].headers["retry-after"] == "1"
    assert {answer.status for answer in answers} == {200, 503}
