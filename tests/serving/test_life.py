"""The life of a service: loading, readiness, shutdown, and access."""

import hashlib
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scaffold.spec import Profile
from tests.serving._browser import ORIGIN, OTHER, assert_called_from_pages
from tests.serving._scrape import HASHES, KEY, assert_scraped
from tests.serving._toy import Service, free_port, start


def run(project: Path, command: list[str], **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **settings}
    command = [sys.executable, *command]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("command", [["-m", "app"], ["-m", "uvicorn", "app.main:app", "--port", "0"]])
def test_a_model_that_does_not_load_ends_the_process_with_one_line(project: Path, command: list[str]) -> None:
    ended = run(project, command, TOY_BROKEN="1", PORT="0")
    assert ended.returncode != 0
    assert ended.stderr.count("The model cannot be loaded: ValueError: the file is not what it was") == 1
    assert "Traceback" not in ended.stderr


def test_garbage_collection_runs_after_loading_and_ignores_the_objects_of_the_model(project: Path) -> None:
    code = "import gc; gc.disable(); from app.main import app; app.state.serving.load_model(); "
    code += "print(gc.isenabled(), gc.get_freeze_count())"
    on, frozen = run(project, ["-c", code]).stdout.split()
    assert on == "True"
    assert int(frozen) > 10_000


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [("PORT", "http", "integer"), ("MAX_BATCH", "0", "greater than"), ("DOCS", "maybe", "boolean")],
)
def test_a_setting_that_makes_no_sense_is_named(project: Path, name: str, value: str, says: str) -> None:
    environment = {**os.environ, name: value}
    ended = subprocess.run(
        [sys.executable, "-m", "app"],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode != 0
    assert ended.stderr.startswith(f"{name} is not a valid setting: ")
    assert says in ended.stderr
    assert value not in ended.stderr.removeprefix(name)
    assert len(ended.stderr.splitlines()) == 1


def test_shutdown_answers_every_request_that_was_sent(serve: Callable[..., Service]) -> None:
    service = serve(TOY_SLEEP_S="0.02")
    body = b'{"value": 1}'
    head = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    request = head + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    sent, answered = [0] * 16, [0] * 16

    def ask(i: int) -> None:
        with service.connect() as connection:
            while True:
                connection.sendall(request)
                sent[i] += 1
                head = b""
                while not head.endswith(b"}"):
                    part = connection.recv(65536)
                    if not part:
                        return
                    head += part
                answered[i] += head.startswith(b"HTTP/1.1 200 ")
                if b"connection: close" in head:
                    return

    askers = [threading.Thread(target=ask, args=(i,)) for i in range(16)]
    for asker in askers:
        asker.start()
    time.sleep(0.5)
    assert service.stop() == 0
    for asker in askers:
        asker.join(30)
    assert sum(sent) > 16
    assert answered == sent


def test_during_shutdown_the_service_answers_and_is_not_ready(serve: Callable[..., Service]) -> None:
    service = serve(DRAIN_S="1.5")
    service.process.send_signal(signal.SIGTERM)
    time.sleep(0.4)
    assert service.get("/readyz").status == 503
    answer = service.post("/score", {"value": 1})
    assert (answer.status, answer.headers["connection"]) == (200, "close")
    assert service.process.wait(30) == 0


def test_shutdown_of_two_workers_answers_every_request_that_was_sent(serve: Callable[..., Service]) -> None:
    service = serve(WORKERS="2", TOY_SLEEP_S="0.02")
    lost: list[str] = []

    def call(_: int) -> None:
        """Call on, in connections of one request, until the port is closed."""
        while True:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
                connection.connect()
            except ConnectionRefusedError:
                return
            try:
                headers = {"Content-Type": "application/json", "Connection": "close"}
                connection.request("POST", "/score", b'{"value": 1.5}', headers)
                assert connection.getresponse().status == 200
            except OSError as error:
                lost.append(repr(error))
                return
            finally:
                connection.close()

    with ThreadPoolExecutor(8) as pool:
        calls = pool.map(call, range(8))
        time.sleep(0.5)
        service.process.send_signal(signal.SIGTERM)
        list(calls)
    assert service.process.wait(60) == 0
    # The kernel resets what arrives at the moment at which the port closes. With a port that stays open
    # while no worker takes connections, each caller loses a request.
    assert len(lost) < 8, lost


def test_a_prediction_that_runs_on_does_not_keep_the_process(serve: Callable[..., Service]) -> None:
    service = serve(SHUTDOWN_S="1", PATIENCE_MS="0")
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(service.post, "/score", {"value": 600.0, "act": "sleep"})
        time.sleep(0.5)
        service.process.send_signal(signal.SIGTERM)
        service.process.wait(30)
        assert slow.exception() or slow.result().status >= 500


def test_several_workers_share_the_port_and_the_metrics(serve: Callable[..., Service]) -> None:
    service = serve(workers="2", TOY_SLEEP_S="0.01")
    children = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children")
    if children.exists():
        first = children.read_text().split()
        assert len(first) == 2
        os.kill(int(first[0]), signal.SIGKILL)
        while len(again := children.read_text().split()) < 2 or first[0] in again:
            time.sleep(0.05)
        [line] = [one for one in service.log if "worker.pid" in one]
        assert line["worker.pid"] == int(first[0])
        assert line["message"] == (
            "A worker ended (SIGKILL, as the kernel does when memory runs out). Another one starts in 1 s."
        )
    for _ in range(10):
        assert service.post("/score", {"value": 1}).status == 200
    assert service.metric('http_requests_total{route="/score",status="200"}') == 10
    assert service.stop() == 0


def test_workers_that_crash_one_after_the_other_are_replaced_later_and_later(project: Path) -> None:
    code = "import os, time; from app.serving import runner; "
    code += (
        "paused = []; time.sleep = paused.append; runner._log_end = lambda *_: len(paused) > 7 and 1 / 0; "
    )
    code += "runner._supervise(lambda listener: os._exit(1), None, 1)"
    ended = run(project, ["-c", f"try:\n  exec({code!r})\nfinally:\n  print(paused)"], WORKERS="2")
    assert ended.stdout == "[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60, 60]\n"


@pytest.mark.skipif(not Path("/proc/net/if_inet6").exists(), reason="no IPv6")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_address_of_both_families_is_served_with_both(
    serve: Callable[..., Service], workers: str
) -> None:
    service = serve(BIND_HOST="::", workers=workers)
    for address in ("127.0.0.1", "::1"):
        with socket.create_connection((address, service.port), timeout=10) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(100).startswith(b"HTTP/1.1 200 ")


def test_workers_without_a_folder_for_their_metrics_end_with_one_line(project: Path) -> None:
    code = "import tempfile; tempfile._candidate_tempdir_list = lambda: ['/proc/none']; import app.__main__"
    ended = run(project, ["-c", code], PORT="0", WORKERS="2")
    assert ended.returncode == 1
    assert ended.stderr.startswith("No folder can be written, and WORKERS share their metrics in one")
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_warm_up_that_hangs_ends_the_process_with_a_failure(project: Path, workers: str) -> None:
    hanging = {"TOY_SLEEP_S": "120", "SCORE_TIMEOUT_S": "0.1", "PATIENCE_MS": "0"}
    ended = run(project, ["-m", "app"], PORT="0", WORKERS=workers, **hanging)
    assert ended.returncode == 3
    assert "The model cannot score EXAMPLE of schemas.py: TooSlow" in ended.stderr


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_ordinary_start_and_stop_leaves_no_resource_open(
    project: Path, tmp_path: Path, workers: str
) -> None:
    port = free_port()
    command = [sys.executable, "-X", "dev", "-W", "error::ResourceWarning", "-m", "app"]
    environ = {**os.environ, "PORT": str(port), "WORKERS": workers}
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=project, env=environ, stdout=output, stderr=output)
    assert Service(process, port, log).wait_until_ready(), log.read_text()
    process.terminate()
    process.wait(30)
    assert "ResourceWarning" not in log.read_text()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_warm_up_that_fails_closes_the_port(project: Path, workers: str) -> None:
    command = ["-X", "dev", "-W", "error::ResourceWarning", "-m", "app"]
    ended = run(project, command, PORT="0", WORKERS=workers, TOY_REFUSES="1")
    assert ended.returncode == 3
    assert "ValueError: no record is good enough" in ended.stderr
    assert "ResourceWarning" not in ended.stderr


def test_a_server_that_did_not_start_ends_with_a_failure(project: Path) -> None:
    code = "import uvicorn; uvicorn.Server.run = lambda *_: None; import app.__main__"
    assert run(project, ["-c", code], PORT="0").returncode == 3


def test_a_request_keeps_its_id_and_its_trace(service: Service) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    given = service.get("/healthz", **{"X-Request-ID": "abc-1", "traceparent": trace})
    assert (given.headers["x-request-id"], given.headers["traceparent"]) == ("abc-1", trace)


@pytest.mark.parametrize("bad", ["", "a b", "x" * 129, 'a"b'])
def test_an_id_that_could_do_harm_in_a_log_is_replaced(service: Service, bad: str) -> None:
    one, two = (service.get("/healthz", **{"X-Request-ID": bad}).headers["x-request-id"] for _ in range(2))
    assert len({one, two, bad}) == 3
    assert "traceparent" not in service.get("/healthz", traceparent=bad).headers


def test_answers_say_how_a_browser_should_treat_them(service: Service) -> None:
    headers = service.post("/score", {"value": 1}).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers


def test_the_metrics_have_routes_and_the_model(service: Service) -> None:
    before = service.metric('http_requests_total{route="/score",status="200"}')
    service.post("/score", {"value": 1})
    service.get("/no/such/path")
    assert service.metric('http_requests_total{route="/score",status="200"}') == before + 1
    assert service.metric('http_requests_total{route="other",status="404"}') == 1
    sha256 = "ab" * 32
    assert service.metric(f'model_info{{name="toy",sha256="{sha256}",version="1.2.3"}}') == 1
    assert service.metric('model_batch_records_sum{model="model"}') >= 1


def test_the_api_page_fetches_nothing_from_elsewhere(service: Service) -> None:
    page = service.get("/docs").body.decode()
    assert "http://" not in page
    assert "https://" not in page
    for asset in ("swagger-ui-bundle.js", "swagger-ui.css"):
        assert f"docs/static/{asset}" in page
        assert len(service.get(f"/docs/static/{asset}").body) > 100_000


def test_the_api_is_described_in_full(service: Service) -> None:
    paths = service.get("/openapi.json").json["paths"]
    expected = {"200", "401", "408", "413", "415", "422", "500", "503", "504"}
    for path in ("/score", "/score/batch"):
        operation = paths[path]["post"]
        assert set(operation["responses"]) == expected
        assert operation["requestBody"]["required"] is True
    assert paths["/score"]["post"]["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/ModelInput"
    }


def test_docs_and_metrics_can_be_switched_off_or_moved(serve: Callable[..., Service]) -> None:
    elsewhere = free_port()
    service = serve(DOCS="0", METRICS_PORT=str(elsewhere))
    for path in ("/docs", "/openapi.json", "/docs/static/swagger-ui.css", "/metrics"):
        assert service.get(path).status == 404
    moved = Service(service.process, elsewhere, Path())
    assert b"model_info" in moved.get("/metrics").body


def test_prometheus_needs_a_key_only_if_no_path_is_public(serve: Callable[..., Service]) -> None:
    assert_scraped(serve(API_KEY_HASHES=HASHES), Profile.FAST)
    closed = serve(API_KEY_HASHES=HASHES, PUBLIC_PATHS="")
    assert closed.get("/metrics").status == 401
    assert closed.get("/metrics", Authorization=f"Bearer {KEY}").status == 200


def test_pages_of_named_origins_may_call(serve: Callable[..., Service]) -> None:
    service = serve(API_KEY_HASHES=HASHES, CORS_ORIGINS=f"{ORIGIN}, {OTHER}")
    assert_called_from_pages(service, ORIGIN, OTHER)
    answer = service.post("/score", {"value": 1.0}, Origin=ORIGIN, **{"X-Request-ID": "mine"})
    assert answer.headers["access-control-expose-headers"] == "*"


def test_any_page_may_call_with_a_star_and_sees_a_503(serve: Callable[..., Service]) -> None:
    service = serve(TOY_SLEEP_S="0.3", MAX_BATCH="1", MAX_WAITING="4", CORS_ORIGINS="*")
    with ThreadPoolExecutor(16) as pool:
        answers = [*pool.map(lambda _: service.post("/score", {"value": 1}, Origin=ORIGIN), range(16))]
    assert {answer.status for answer in answers} == {200, 503}
    assert {answer.headers["access-control-allow-origin"] for answer in answers} == {"*"}


def test_two_api_keys_are_valid_during_a_rotation(
    serve: Callable[..., Service],
) -> None:
    hashes = ",".join(hashlib.sha256(key.encode()).hexdigest() for key in ("old", "new"))
    service = serve(API_KEY_HASHES=hashes)
    for headers in (
        {},
        {"X-API-Key": "wrong"},
        {"Authorization": "Bearer wrong"},
        {"X-API-Key": hashes[:64]},
    ):
        refused = service.post("/score", {"value": 1}, **headers)
        assert refused.status == 401
        assert refused.headers["www-authenticate"] == "Bearer"
    for headers in ({"X-API-Key": "old"}, {"X-API-Key": "new"}, {"Authorization": "Bearer new"}):
        assert service.post("/score", {"value": 1}, **headers).status == 200
    described = service.get("/openapi.json", **{"X-API-Key": "new"}).json
    assert described["security"] == [{"APIKeyHeader": []}]
    for path in ("/metrics", "/healthz", "/docs", "/openapi.json"):
        assert service.get(path).status == 200


def test_a_root_path_is_answered_with_and_without_the_prefix(serve: Callable[..., Service]) -> None:
    key = hashlib.sha256(b"key").hexdigest()
    service = serve(ROOT_PATH="/models/toy", API_KEY_HASHES=key)
    for prefix in ("/models/toy", ""):
        assert service.get(f"{prefix}/readyz").status == 200
        assert service.post(f"{prefix}/score", {"value": 1}).status == 401
        assert service.post(f"{prefix}/score", {"value": 1}, **{"X-API-Key": "key"}).status == 200
    described = service.get("/models/toy/openapi.json", **{"X-API-Key": "key"}).json
    assert described["servers"] == [{"url": "/models/toy"}]
    assert service.get("/models/toy/docs/static/swagger-ui.css", **{"X-API-Key": "key"}).status == 200
    assert service.get("/models/toyreadyz", **{"X-API-Key": "key"}).status == 404
    numbers = service.get("/models/toy/metrics", **{"X-API-Key": "key"}).body
    assert b'http_requests_total{route="/score",status="200"} 2.0' in numbers


def test_the_service_serves_tls_with_a_certificate(project: Path, tmp_path: Path) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    made = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "1",
        "-subj",
        "/CN=localhost",
    ]
    subprocess.run([*made, "-keyout", key, "-out", cert], check=True, capture_output=True)
    port = free_port()
    process = start(
        project, tmp_path / "log", {"PORT": str(port), "TLS_CERT": str(cert), "TLS_KEY": str(key)}
    )
    context = ssl.create_default_context(cafile=str(cert))
    try:
        for _ in range(200):
            try:
                plain = socket.create_connection(("127.0.0.1", port), timeout=10)
                break
            except OSError:
                time.sleep(0.05)
        with context.wrap_socket(plain, server_hostname="localhost") as connection:
            connection.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            head = connection.recv(4096)
        assert head.startswith(b"HTTP/1.1 200 ")
        assert b"strict-transport-security" in head
    finally:
        process.terminate()
        process.wait(30)


def test_each_request_has_a_line_in_the_log_if_asked_for(serve: Callable[..., Service]) -> None:
    service = serve(ACCESS_LOG="1", LOG_VALUES="1")
    service.post("/score", {"value": 1}, **{"X-Request-ID": "one"})
    service.post("/score", {"value": 4711, "act": "raise"}, **{"X-Request-ID": "two"})
    service.stop()
    lines = {
        line["request_id"]: line
        for line in service.log
        if line["message"] == "request" and "request_id" in line
    }
    assert (lines["one"]["method"], lines["one"]["path"], lines["one"]["status"]) == ("POST", "/score", 200)
    assert lines["two"]["status"] == 500
    assert "secret 4711" in json.dumps(service.log)


@pytest.mark.parametrize("values", [False, True])
def test_a_warning_is_logged_once_for_its_place(serve: Callable[..., Service], values: bool) -> None:
    service = serve(LOG_VALUES=str(values))
    for value in (1.5, 2.5):
        assert service.post("/score", {"value": value, "act": "warn"}).status == 200
    [line] = [line for line in service.log if "warning.type" in line]
    assert (line["level"], line["warning.type"]) == ("WARNING", "RuntimeWarning")
    assert re.search(r"score\.py:\d+$", line["stack"][0])
    assert ("secret 1.5" in line["warning.message"]) == values


def test_a_filter_that_raises_warnings_is_kept(serve: Callable[..., Service]) -> None:
    service = serve(TOY_STRICT="1")
    assert service.post("/score", {"value": 1.5, "act": "warn"}).status == 500
    assert service.post("/score", {"value": 1.5}).status == 200


def test_no_value_is_logged_when_uvicorn_runs_it_plainly(project: Path, tmp_path: Path) -> None:
    port = free_port()
    with (tmp_path / "log").open("wb") as output:
        command = [sys.executable, "-m", "uvicorn", "app.main:app", "--port", str(port)]
        process = subprocess.Popen(command, cwd=project, stdout=output, stderr=subprocess.STDOUT)
    service = Service(process, port, tmp_path / "log")
    try:
        assert service.wait_until_ready()
        assert service.post("/score", {"value": 471_147_114_711, "act": "raise"}).status == 500
    finally:
        service.stop()
    log = (tmp_path / "log").read_text()
    assert '"error.type": "builtins.ValueError"' in log
    assert "471147114711" not in log


SERVE = """
import sys
from pathlib import Path
import scaffold
from scaffold.cli import main
from scaffold.proof import serve_project
root, port = Path(sys.argv[1]), int(sys.argv[2])
scaffold.serve = lambda *_, **__: serve_project(root, Path(sys.executable), host="127.0.0.1", port=port)
sys.argv[1:] = ["serve", str(root)]
main()
"""


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_signal_ends_scaffold_serve_and_its_service(
    project: Path, tmp_path: Path, number: signal.Signals
) -> None:
    port, log = free_port(), tmp_path / "log"
    with log.open("wb") as output:
        command = [sys.executable, "-c", SERVE, str(project), str(port)]
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # `nohup` ignores SIGHUP
        )
    assert Service(process, port, log).wait_until_ready(), log.read_text()
    process.send_signal(number)
    assert process.wait(30) == 0
    assert "Traceback" not in log.read_text()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
