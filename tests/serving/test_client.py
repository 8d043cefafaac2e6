"""`--answer client=true`: the typed client against services that refuse, shed load and restart."""

import asyncio
import datetime as dt
import hashlib
import importlib
import json
import math
import shutil
import ssl
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest

import scaffold
from scaffold.errors import MergeConflictError
from tests.http_server import serving
from tests.serving._rows import echo, score_faster, score_more, score_rows
from tests.serving._toy import Service, free_port, start

SAMPLE = pd.DataFrame({"number": [1, 2, 3], "name": ["a", None, "c"], "ratio": [0.5, None, 1.5]})
EXAMPLE = Path(__file__).parents[2] / "examples" / "titanic"
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
def running(root: Path, settings: Mapping[str, str] | None = None, port: int = 0) -> Iterator[Service]:
    port = port or free_port()
    log = root.with_suffix(f".{time.monotonic_ns()}.log")
    service = Service(start(root, log, {"PORT": str(port), **(settings or {})}), port, log)
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
    key = hashlib.sha256(b"mine").hexdigest()
    settings = {"MAX_RECORDS": "7", "MAX_BODY_BYTES": "400", "ROOT_PATH": "/rows", "API_KEY_HASHES": key}
    with running(root, settings) as service:
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


GOOD: Any = (200, b'{"number": 1, "name": null}', {})
BUSY: Any = (503, b'{"detail": "busy"}', {})


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
        ((200, b'[{"label": 1}, {"label": 2}, {"label": 3}]', {}), "UnexpectedAnswerError"),
        ((200, b"{}", {"Content-Encoding": "gzip"}), "UnexpectedAnswerError"),
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
def test_an_answer_of_another_schema_is_an_error(client: Any, run: Any) -> None:
    refused = pytest.raises(client.UnexpectedAnswerError, match=r"gave an answer without name, number\.")
    with scripted((200, b'{"label": 1}', {})) as (url, _), refused:
        run(client, url, "score", rows(1)[0])


@RUNS
@pytest.mark.parametrize("number", [0, -1])
def test_limits_that_would_send_nothing_or_everything_are_refused(client: Any, run: Any, number: int) -> None:
    names = ("max_records", *(("concurrency",) if run is run_async else ()))
    for name in names:
        with pytest.raises(ValueError, match=f"{name} is {number}"):
            run(client, "http://127.0.0.1:1", "score_batch", rows(3), **{name: number})


@RUNS
def test_no_retry_outlives_its_number_or_the_deadline(client: Any, run: Any) -> None:
    with scripted(BUSY) as (url, seen):
        with pytest.raises(client.OverloadedError, match="answered 503 once"):
            run(client, url, "score", rows(1)[0], retry_s=0)
        with pytest.raises(client.OverloadedError, match=r"answered 503 [2-5] times"):
            run(client, url, "score", rows(1)[0], retry_s=1)
        assert len(seen) >= 3
        began = time.monotonic()
        with pytest.raises((client.OverloadedError, client.TimedOutError)):
            run(client, url, "score", rows(1)[0], deadline_s=0.5)
        assert time.monotonic() - began < 5
    with pytest.raises(client.UnreachableError, match=r"tried [2-5] times"):
        run(client, f"http://127.0.0.1:{free_port()}", "score", rows(1)[0], retry_s=1)
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
    key, cert = str(tmp_path / "key.pem"), str(tmp_path / "cert.pem")
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
        trusted = ssl.create_default_context(cafile=cert)
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
def test_ten_thousand_rows_of_four_clients_come_back_once_from_a_service_that_sheds_load(
    client: Any, root: Path, tmp_path: Path, profile: Any
) -> None:
    if profile == "plain":
        root = tmp_path / "rows"
        scaffold.new(score_rows, SAMPLE, target=root, name="rows", verify=False, profile=profile)
    settings = {"MAX_WAITING": "40", "MAX_BATCH": "40", "ROWS_SLEEP_S": "0.005"}
    with running(root, settings) as service:
        found = call_from_four(client, f"http://127.0.0.1:{service.port}", 2_500)
        metrics = service.get("/metrics").body.decode().splitlines()
    assert found == [answers(rows(2_500, number * 2_500)) for number in range(4)]
    shed = [line for line in metrics if line.startswith("http_requests_total{") and 'status="503"' in line]
    assert sum(float(line.rpartition(" ")[2]) for line in shed) > 0, shed


@SLOW
def test_rows_come_back_once_from_a_service_that_restarts(client: Any, root: Path) -> None:
    port, found = free_port(), list[Any]()
    settings = {"MAX_WAITING": "400", "ROWS_SLEEP_S": "0.1"}
    caller = threading.Thread(
        target=lambda: found.extend(call_from_four(client, f"http://127.0.0.1:{port}", 2_500))
    )
    with running(root, settings, port) as service:
        caller.start()
        time.sleep(2)
        service.process.kill()
    assert caller.is_alive()
    time.sleep(1)
    with running(root, settings, port) as service:
        caller.join()
        assert service.metric('http_requests_total{route="/score/batch",status="200"}') > 0
    assert found == [answers(rows(2_500, number * 2_500)) for number in range(4)]


MOMENT = dt.datetime(2024, 6, 15, 12, 0, 0, 5, tzinfo=dt.timezone.utc)
EVERYTHING: list[dict[str, Any]] = [
    {
        "when": MOMENT,
        "day": MOMENT.date(),
        "span": dt.timedelta(days=2, microseconds=7),
        "amount": Decimal("1.10"),
        "id": uuid.UUID(int=7),
        "raw": b"\x00\xffpng",
        "large": 2**70,
        "ratio": math.nan,
        "maybe": None,
        "lines": [{"price": 1.5, "tags": {"a", "b"}}, {"price": None, "tags": set()}],
    },
    {
        "when": MOMENT,
        "day": MOMENT.date(),
        "span": -dt.timedelta(seconds=1),
        "amount": Decimal("-1E+3"),
        "id": uuid.UUID(int=8),
        "raw": b"x",
        "large": -(2**64),
        "ratio": 0.1,
        "maybe": "x",
        "lines": [],
        "absent": True,
    },
]
"""Objects as Python has them: nested, optional, dates, bytes, decimals, large integers, NaN."""


@SLOW
@pytest.mark.parametrize("profile", ["fast", "plain"])
def test_the_shipped_test_of_the_client_passes_with_all_kinds_of_values(tmp_path: Path, profile: Any) -> None:
    root = tmp_path / "everything"
    scaffold.new(echo, EVERYTHING, target=root, answers={"client": True}, verify=False, profile=profile)
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "tests/test_client.py", "-p", "no:cacheprovider"]
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert "3 passed" in ended.stdout, ended.stdout + ended.stderr
    recorded = json.loads((root / "tests/recorded.json").read_text())
    with imported(root, "everything_client") as package, running(root) as service:
        url = f"http://127.0.0.1:{service.port}"
        for run in (run_sync, run_async):
            assert run(package, url, "score_batch", EVERYTHING) == recorded["answers"]
            assert [run(package, url, "score", each) for each in EVERYTHING] == recorded["answers"]
    assert recorded["answers"][0]["large"] == 2**70
    assert (recorded["answers"][0]["amount"], recorded["answers"][0]["ratio"]) == ("1.10", None)


@SLOW
def test_an_update_renders_the_client_anew_raises_its_version_and_keeps_edits(
    root: Path, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(root, tmp_path / "rows"))
    package = root / "client/src/rows_client"
    mine = package / "client.py"
    mine.write_text(mine.read_text().replace("retry_s: float = 60", "retry_s: float = 5"))
    schemas = package / "schemas.py"
    schemas.write_text(schemas.read_text().replace('"""One record to score."""', '"""One row of ours."""'))
    renamed = SAMPLE.rename(columns={"ratio": "rate"})
    scaffold.update(root, score_faster, renamed, verify=False, allow_breaking=True)
    assert versions_of(root) == {"2.0.0"}
    assert "ratio" not in schemas.read_text()
    assert "    rate: float | None" in schemas.read_text()
    scaffold.update(root, score_more, renamed, verify=False)
    assert versions_of(root) == {"2.1.0"}
    assert schemas.read_text().count("    rate: float | None") == 2
    assert "One row of ours." in schemas.read_text()
    assert mine.read_text().count("retry_s: float = 5") == 2
    with pytest.raises(MergeConflictError, match=r"schemas\.py: you changed it"):
        scaffold.update(root, answers={"client": False}, verify=False)
    assert sorted(path.name for path in package.glob("*.py")) == ["client.py", "schemas.py"]
    assert not (root / "tests/test_client.py").exists()


def versions_of(root: Path) -> set[str]:
    found = {json.loads((root / ".scaffold/record.json").read_text())["spec"]["version"]}
    for path in ("pyproject.toml", "src/rows_client/service.py"):
        lines = (root / "client" / path).read_text().lower().splitlines()
        found |= {line.split('"')[1] for line in lines if line.startswith("version = ")}
    return found


@SLOW
def test_without_the_answer_a_project_has_no_byte_of_it(root: Path, tmp_path: Path) -> None:
    for name, answered in (("a", {}), ("b", {"client": False})):
        scaffold.new(score_rows, SAMPLE, target=tmp_path / name, name="rows", answers=answered, verify=False)
    without, off, on = (files_of(each) for each in (tmp_path / "a", tmp_path / "b", root))
    assert without == off
    added = {path for path in on if path not in without}
    assert all(path.startswith("client/") or path == "tests/test_client.py" for path in added), added
    assert {path for path in without if without[path] != on[path]} == {"README.md"}


def files_of(root: Path) -> dict[str, bytes]:
    """The files that were written, without the record."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and ".scaffold" not in path.parts and "cache" not in str(path.relative_to(root))
    }


CALL = """\
import asyncio, importlib.util, json, sys
from titanic_client import AsyncClient, Client

url, sample = sys.argv[1], json.load(open(sys.argv[2]))
requests, answers = sample["requests"], sample["answers"]
if len(sys.argv) == 3:
    assert importlib.util.find_spec("pandas") is None
    with Client(url) as client:
        assert client.score(requests[0]) == answers[0]
        assert client.score_batch(requests * 30) == answers * 30

    async def call():
        async with AsyncClient(url) as client:
            assert await client.score(requests[0]) == answers[0]
            assert await client.score_batch(requests * 30) == answers * 30

    asyncio.run(call())
else:
    import pandas as pd

    frame = pd.DataFrame(requests).set_index(pd.Index(range(len(requests), 0, -1), name="row"))
    found = Client(url).score_frame(frame)
    assert list(found.index) == list(frame.index), found
    assert found.to_dict("records") == answers
"""


@SLOW
def test_titanic_is_called_from_a_fresh_environment_that_has_only_httpx(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE, tmp_path / "example", ignore=shutil.ignore_patterns("service"))
    subprocess.run([sys.executable, tmp_path / "example/train.py"], check=True)
    model, root = tmp_path / "example/model.pkl", tmp_path / "titanic"
    sample = model.with_name("sample_input.pkl")
    scaffold.new(model, sample, target=root, name="titanic", answers={"client": True}, verify=False)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = str(tmp_path / "venv/bin/python")
    install = [python, "-m", "pip", "install", "--quiet"]
    subprocess.run([*install, "httpx"], check=True)
    before = subprocess.run(
        [python, "-m", "pip", "freeze"], capture_output=True, text=True, check=True
    ).stdout
    subprocess.run([*install, "./client"], cwd=root, check=True)
    after = subprocess.run([python, "-m", "pip", "freeze"], capture_output=True, text=True, check=True).stdout
    added = [line for line in after.splitlines() if line not in before.splitlines()]
    assert [line.partition(" ")[0] for line in added] == ["titanic-client"]
    (tmp_path / "call.py").write_text(CALL)
    with running(root) as service:
        call = [python, "call.py", f"http://127.0.0.1:{service.port}", str(root / "tests/recorded.json")]
        subprocess.run(call, cwd=tmp_path, check=True)
        subprocess.run([*install, "pandas"], check=True)
        subprocess.run([*call, "with pandas"], cwd=tmp_path, check=True)
