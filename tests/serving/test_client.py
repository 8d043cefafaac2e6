"""`--answer client=true`: the typed client against services that refuse, shed load and restart."""

import asyncio
import hashlib
import importlib
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest

import scaffold
from tests.http_server import serving
from tests.serving._rows import score_rows
from tests.serving._toy import Service, free_port, start

SAMPLE = pd.DataFrame({"number": [1, 2, 3], "name": ["a", None, "c"], "ratio": [0.5, None, 1.5]})
SLOW = pytest.mark.slow


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("client") / "rows"
    scaffold.new(score_rows, SAMPLE, target=root, answers={"client": True}, verify=False)
    return root


@pytest.fixture(scope="module")
def client(root: Path) -> Iterator[Any]:
    """Return the package of the client."""
    with imported(root, "rows_client") as package:
        yield package


@contextmanager
def imported(root: Path, name: str) -> Iterator[ModuleType]:
    sys.path.insert(0, str(root / "client/src"))
    try:
        yield importlib.import_module(name)
    finally:
        sys.path.pop(0)
        for each in [each for each in sys.modules if each.partition(".")[0] == name]:
            del sys.modules[each]


@contextmanager
def running(root: Path, port: int = 0, **settings: str) -> Iterator[Service]:
    port = port or free_port()
    log = root.with_suffix(f".{time.monotonic_ns()}.log")
    service = Service(start(root, log, {"PORT": str(port), **settings}), port, log)
    try:
        assert service.wait_until_ready(), log.read_text()
        yield service
    finally:
        service.process.terminate()
        service.process.wait(30)


@pytest.fixture(scope="module")
def url(root: Path) -> Iterator[str]:
    with running(root) as service:
        yield f"http://127.0.0.1:{service.port}"


def rows(count: int, start: int = 0) -> list[Any]:
    return [
        {"number": each, "name": f"row {each}" if each % 3 else None, "ratio": each / 7}
        for each in range(start, start + count)
    ]


def answers(records: Sequence[Any]) -> list[Any]:
    return [{"number": each["number"], "name": each["name"]} for each in records]


def run_async(client: Any, url: str, method: str, argument: Any, **options: Any) -> Any:
    async def call() -> Any:
        async with client.AsyncClient(url, **options) as service:
            return await getattr(service, method)(argument)

    return asyncio.run(call())


def run_sync(client: Any, url: str, method: str, argument: Any, **options: Any) -> Any:
    with client.Client(url, **options) as service:
        return getattr(service, method)(argument)


RUNS = pytest.mark.parametrize("run", [run_sync, run_async])


@RUNS
def test_records_batches_and_frames_get_their_own_answers_in_order(client: Any, url: str, run: Any) -> None:
    records = rows(2_345)
    assert run(client, url, "score", records[5]) == answers(records)[5]
    assert run(client, url, "score_batch", records) == answers(records)
    assert run(client, url, "score_batch", records[:11], max_records=2) == answers(records)[:11]
    assert run(client, url, "score_batch", []) == []
    frame = pd.DataFrame(records, index=[f"i{each}" for each in range(len(records))]).sample(frac=1)
    found = run(client, url, "score_frame", frame)
    pd.testing.assert_frame_equal(found, frame[["number", "name"]])
    nothing = run(client, url, "score_frame", frame[:0])
    assert ([*nothing.columns], len(nothing)) == (["number", "name"], 0)


@RUNS
def test_a_faulty_record_is_named_by_its_index_in_the_whole_list(client: Any, url: str, run: Any) -> None:
    records = rows(2_500)
    records[1_234] = {**records[1_234], "number": "one"}
    with pytest.raises(client.InvalidRecordError) as caught:
        run(client, url, "score_batch", records)
    assert [(fault.index, fault.field) for fault in caught.value.faults] == [(1_234, "number")]
    assert str(caught.value) == "record 1234, number: Input should be a valid integer"
    assert caught.value.status == 422
    assert caught.value.request_id
    assert caught.value.__cause__ is caught.value.__context__ is None
    with pytest.raises(client.InvalidRecordError, match="record 0, ratio: Field required"):
        run(client, url, "score", {"number": 1, "name": None})
    with pytest.raises(client.InvalidRecordError, match="record 0, more: Extra inputs"):
        run(client, url, "score_frame", pd.DataFrame(rows(2)).assign(more=1))


def test_smaller_limits_of_the_service_are_kept_and_a_key_is_sent(client: Any, root: Path) -> None:
    key = {"API_KEY_HASHES": hashlib.sha256(b"mine").hexdigest()}
    with running(root, MAX_RECORDS="7", MAX_BODY_BYTES="400", ROOT_PATH="/rows", **key) as service:
        url = f"http://127.0.0.1:{service.port}/rows"
        for run in (run_sync, run_async):
            for failing in (None, "another"):
                with pytest.raises(client.UnauthorizedError) as caught:
                    run(client, url, "score_batch", rows(3), api_key=failing)
                assert caught.value.status == 401
            assert run(client, url, "score_batch", rows(100), api_key="mine") == answers(rows(100))
            with pytest.raises(client.RefusedError, match="413"):
                large = {**rows(1)[0], "name": "x" * 500}
                run(client, url, "score_batch", [*rows(3), large], api_key="mine")
            with pytest.raises(client.RefusedError, match="404"):
                run(client, f"http://127.0.0.1:{service.port}/other", "score", rows(1)[0], api_key="mine")


class Scripted(BaseHTTPRequestHandler):
    """Answers with the responses of a list, the last of them for ever; a number is a pause without one."""

    script: list[Any]
    seen: list[float]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append(time.monotonic())
        response = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if response is None or isinstance(response, float):
            time.sleep(response or 0)
            self.connection.close()
            return
        status, body, headers = response
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def scripted(*script: Any) -> Iterator[tuple[str, list[float]]]:
    """Serve the responses; yield the URL, and the times of the requests."""
    seen: list[float] = []
    handler = type("Handler", (Scripted,), {"script": [*script], "seen": seen})
    with serving(handler) as port:
        yield f"http://127.0.0.1:{port}", seen


GOOD = (200, b'{"number": 1, "name": null}', {})
BUSY = (503, b'{"detail": "busy"}', {})


@RUNS
@pytest.mark.parametrize("failed", [BUSY, (429, b"", {}), (502, b"<html>", {}), None])
def test_a_request_is_sent_again(client: Any, run: Any, failed: Any) -> None:
    with scripted(failed, failed, GOOD) as (url, seen):
        assert run(client, url, "score", rows(1)[0]) == {"number": 1, "name": None}
    assert len(seen) == 3
    assert 0.04 < seen[1] - seen[0] < seen[2] - seen[0] < 5


@RUNS
def test_retry_after_is_waited_for_unless_the_deadline_is_earlier(client: Any, run: Any) -> None:
    patient = (503, b"", {"Retry-After": "1"})
    with scripted(patient, GOOD) as (url, seen):
        run(client, url, "score", rows(1)[0])
    assert seen[1] - seen[0] >= 1
    for wait in ("60", "Sun, 01 Jan 2090 00:00:00 GMT"):
        with scripted((503, b"", {"Retry-After": wait})) as (url, seen):
            with pytest.raises(client.OverloadedError, match="answered 503 once"):
                run(client, url, "score", rows(1)[0], deadline_s=5)
            assert len(seen) == 1


@RUNS
@pytest.mark.parametrize(
    ("response", "error"),
    [
        ((400, b"", {}), "RefusedError"),
        ((403, b"", {}), "UnauthorizedError"),
        ((404, b"<html>", {}), "RefusedError"),
        ((415, b"{}", {}), "RefusedError"),
        ((422, b'{"detail": "too old"}', {}), "InvalidRecordError"),
        (
            (500, b'{"detail": "The model failed on the record at index 2.", "id": "7"}', {}),
            "ModelFailedError",
        ),
        ((500, b"", {}), "ModelFailedError"),
        ((504, b"", {}), "TimedOutError"),
        ((301, b"", {"Location": "/other"}), "UnexpectedAnswerError"),
        ((200, b"<html>", {}), "UnexpectedAnswerError"),
        ((200, b"[{}]", {}), "UnexpectedAnswerError"),
        ((200, b"{}", {"Content-Encoding": "gzip"}), "UnreachableError"),
    ],
)
def test_another_response_is_an_error_at_once(client: Any, run: Any, response: Any, error: str) -> None:
    with scripted(response) as (url, seen):
        with pytest.raises(client.ServiceError) as caught:
            run(client, url, "score_batch", rows(3))
        assert len(seen) == 1
    assert type(caught.value).__name__ == error
    assert caught.value.__cause__ is caught.value.__context__ is None
    if b"index 2" in response[1]:
        assert caught.value.index == 2


@RUNS
def test_no_retry_outlives_its_number_or_the_deadline(client: Any, run: Any) -> None:
    with scripted(BUSY) as (url, seen):
        with pytest.raises(client.OverloadedError, match="answered 503 3 times"):
            run(client, url, "score", rows(1)[0], retries=2)
        assert len(seen) == 3
        began = time.monotonic()
        with pytest.raises((client.OverloadedError, client.TimedOutError)):
            run(client, url, "score", rows(1)[0], deadline_s=0.5, retries=1_000)
        assert time.monotonic() - began < 2
    with pytest.raises(client.UnreachableError, match="tried 3 times"):
        run(client, f"http://127.0.0.1:{free_port()}", "score", rows(1)[0], retries=2)
    for wrong in ("ftp://127.0.0.1", "127.0.0.1:80", "http://[", ""):
        with pytest.raises(client.UnreachableError, match="tried once"):
            run(client, wrong, "score", rows(1)[0])
    with scripted(30.0) as (url, seen):
        with pytest.raises(client.TimedOutError, match="did not answer in time"):
            run(client, url, "score", rows(1)[0], timeout_s=1)
        assert len(seen) == 1


@RUNS
def test_a_certificate_that_is_not_trusted_is_an_error_at_once_unless_its_ca_is_given(
    client: Any, run: Any, tmp_path: Path
) -> None:
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, *names]
    subprocess.run(made, check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)
    handler = type("Handler", (Scripted,), {"script": [GOOD], "seen": []})
    with serving(handler, tls=tls) as port:
        url = f"https://localhost:{port}"
        with pytest.raises(client.UnreachableError, match=r"tried once: .*CERTIFICATE_VERIFY_FAILED"):
            run(client, url, "score", rows(1)[0])
        trusted = ssl.create_default_context(cafile=str(cert))
        assert run(client, url, "score", rows(1)[0], verify=trusted) == {"number": 1, "name": None}


def call_from_four(client: Any, url: str, count: int) -> list[list[Any]]:
    """Send `count` rows from each of four clients at once, two of them with asyncio."""
    found: list[list[Any]] = [[] for _ in range(4)]

    def work(number: int) -> None:
        run = run_async if number % 2 else run_sync
        found[number] = run(client, url, "score_batch", rows(count, number * count), max_records=200)

    threads = [threading.Thread(target=work, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


@SLOW
@pytest.mark.parametrize("profile", ["fast", "plain"])
def test_ten_thousand_rows_of_each_client_come_back_once_from_a_service_that_sheds_load(
    client: Any, root: Path, tmp_path: Path, profile: Any
) -> None:
    if profile == "plain":
        root = tmp_path / "rows"
        scaffold.new(score_rows, SAMPLE, target=root, name="rows", verify=False, profile=profile)
    settings = {"MAX_WAITING": "40", "MAX_BATCH": "40", "ROWS_SLEEP_S": "0.005"}
    with running(root, **settings) as service:
        found = call_from_four(client, f"http://127.0.0.1:{service.port}", 10_000)
        metrics = service.get("/metrics").body.decode().splitlines()
    assert found == [answers(rows(10_000, number * 10_000)) for number in range(4)]
    shed = [line for line in metrics if line.startswith("http_requests_total{") and 'status="503"' in line]
    assert sum(float(line.rpartition(" ")[2]) for line in shed) > 20, shed


@SLOW
def test_rows_come_back_once_from_a_service_that_restarts(client: Any, root: Path) -> None:
    port, found = free_port(), list[Any]()
    settings = {"MAX_WAITING": "400", "ROWS_SLEEP_S": "0.02"}
    caller = threading.Thread(
        target=lambda: found.extend(call_from_four(client, f"http://127.0.0.1:{port}", 10_000))
    )
    with running(root, port, **settings) as service:
        caller.start()
        time.sleep(2)
        service.process.kill()
    assert caller.is_alive()
    time.sleep(1)
    with running(root, port, **settings) as service:
        caller.join()
        assert service.metric('http_requests_total{route="/score/batch",status="200"}') > 0
    assert found == [answers(rows(10_000, number * 10_000)) for number in range(4)]
