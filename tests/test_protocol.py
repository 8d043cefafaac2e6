"""The protocols of a service: one value for each says how it is called."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from scaffold.base.client import Client, wait_until_ready
from scaffold.base.replay import collect_answers, replay
from scaffold.errors import AnswersDifferError, SampleRefusedError
from scaffold.spec import PROTOCOLS, SCORE_PROTOCOL, JSONValue, Protocol, Recording, ScoreRoute

ROOT = Path(__file__).parents[1]
RECORDING = Recording(requests=tuple({"x": n} for n in range(5)), answers=tuple(2 * n for n in range(5)))


def split(records: JSONValue) -> bytes:
    """The body of MLflow's `/invocations`, for one record or several."""
    rows = records if isinstance(records, list) else [records]
    return json.dumps({"dataframe_records": rows}).encode()


INVOCATIONS = Protocol(
    single=ScoreRoute(
        path="/invocations",
        encode=split,
        content_type="application/json; format=pandas",
        decode=lambda body: body["predictions"][0],  # type: ignore[call-overload, index]
    ),
    batch=ScoreRoute(
        path="/invocations",
        encode=split,
        content_type="application/json; format=pandas",
        decode=lambda body: body["predictions"],  # type: ignore[call-overload, index]
    ),
    ready="/ping",
    alive="/ping",
    openapi="/none",
)


class Handler(BaseHTTPRequestHandler):
    """Doubles `x` of each record. It knows `/invocations` and `/ping` only."""

    protocol_version = "HTTP/1.1"
    factor = 2

    def do_GET(self) -> None:
        self.send(200 if self.path == "/ping" else 404, {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/invocations" or "pandas" not in self.headers["Content-Type"]:
            self.send(404, {})
            return
        self.send(200, {"predictions": [self.factor * row["x"] for row in body["dataframe_records"]]})

    def send(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


class Tripling(Handler):
    factor = 3


class Shapeless(Handler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send(200, {"outputs": []})


class Server(ThreadingHTTPServer):
    """A server for 64 clients at the same time."""

    request_queue_size = 128
    daemon_threads = True


@contextlib.contextmanager
def served(handler: type[Handler], protocol: Protocol = INVOCATIONS) -> Iterator[Client]:
    server = Server(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
    try:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        with contextlib.closing(Client(url, protocol=protocol)) as client:
            yield client
    finally:
        server.shutdown()
        server.server_close()


def test_a_sample_is_replayed_in_another_protocol() -> None:
    with served(Handler) as client:
        assert wait_until_ready(client, timeout_s=60, poll_s=0.01).is_ready
        assert replay(client, RECORDING).rows == 5
        assert collect_answers(client, RECORDING.requests, like=RECORDING.answers) == RECORDING.answers


def test_a_difference_names_the_path_of_the_protocol() -> None:
    with served(Tripling) as client, pytest.raises(AnswersDifferError) as caught:
        replay(client, RECORDING)
    assert caught.value.endpoint == "/invocations"


def test_a_response_of_another_form_is_compared_as_it_is() -> None:
    with served(Shapeless) as client, pytest.raises(AnswersDifferError) as caught:
        replay(client, RECORDING)
    assert caught.value.values[0] == '{"outputs": []}'


def test_a_service_of_another_protocol_is_not_ready_and_refuses() -> None:
    with served(Handler, SCORE_PROTOCOL) as client:
        assert wait_until_ready(client, timeout_s=0.05, poll_s=0.01).last == "404"
        with pytest.raises(SampleRefusedError) as caught:
            replay(client, RECORDING)
    assert (caught.value.status, caught.value.endpoint) == (404, "/score")


def test_every_service_speaks_the_first_protocol() -> None:
    document = json.loads((ROOT / "examples/iris/service/openapi.json").read_text())
    own = SCORE_PROTOCOL
    assert set(document["paths"]) == {own.single.path, own.batch.path, own.ready, own.alive}
    manifest = yaml.safe_load((ROOT / "examples/iris/service/deploy/base/deployment.yaml").read_text())
    [container] = manifest["spec"]["template"]["spec"]["containers"]
    probes = [container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "readiness", "liveness")]
    assert probes == [SCORE_PROTOCOL.ready, SCORE_PROTOCOL.ready, SCORE_PROTOCOL.alive]


def test_the_package_spells_the_paths_of_a_protocol_once() -> None:
    paths = {
        path
        for protocol in PROTOCOLS.values()
        for path in (protocol.single.path, protocol.batch.path, protocol.ready, protocol.alive)
    }
    spelled = re.compile("|".join(rf"[\"'}}]{re.escape(path)}[\"'?]" for path in sorted(paths)))
    files = {path for path in (ROOT / "scaffold").rglob("*.py") if spelled.search(path.read_text())}
    of_mlflow = ROOT / "scaffold/store/_check.py"  # asks MLflow's own server at /health
    assert files == {ROOT / "scaffold/spec/_protocol.py", of_mlflow}
