"""Each recipe of RECIPES.md, typed into the Titanic service as it stands there, started and asked."""

import json
import os
import pickle
import re
import shutil
import socketserver
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from scaffold.base.files import sha256_file
from scaffold.proof import verify_project
from tests.http_server import serving
from tests.serving._toy import Service, free_port, start

EXAMPLE = Path(__file__).parents[2] / "examples" / "titanic"
RECIPES = Path(__file__).parents[2] / "templates" / "service" / "project" / "RECIPES.md"
BLOCK = re.compile(r"```(diff|python)\n(.*?)\n```", re.DOTALL)
RECORD = {"Pclass": 3, "Sex": "male", "Age": 22.0, "SibSp": 1, "Parch": 0, "Fare": 7.25, "Embarked": "S"}
# A producer like the one of aiokafka, which sends its messages to a plain socket.
AIOKAFKA = """
import socket


class AIOKafkaProducer:
    def __init__(self, bootstrap_servers):
        host, _, port = bootstrap_servers.partition(":")
        self.address = host, int(port)

    async def __aenter__(self):
        self.connection = socket.create_connection(self.address)
        return self

    async def __aexit__(self, *error):
        self.connection.close()

    async def send(self, topic, value):
        self.connection.sendall(topic.encode() + b" " + value + b"\\n")
"""


@pytest.fixture(scope="module")
def titanic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("recipes")
    shutil.copytree(EXAMPLE, root / "example", ignore=shutil.ignore_patterns("service"))
    model, project = root / "example" / "model.pkl", root / "titanic"
    subprocess.run([sys.executable, root / "example" / "train.py"], check=True)
    samples = [f"--{what}={model.with_name(f'sample_{what}.pkl')}" for what in ("input", "output")]
    command: list[str | Path] = ["new", model, *samples, project, "--no-verify"]
    subprocess.run([sys.executable, "-m", "scaffold", *command], check=True, capture_output=True)
    return project


def recipe(title: str) -> str:
    """The section with this heading."""
    [section] = [part for part in RECIPES.read_text().split("\n## ") if part.startswith(title)]
    return section


def follow(section: str, root: Path) -> None:
    """Change the project as a person would who follows the recipe."""
    blocks = BLOCK.findall(section)
    assert blocks
    for language, text in blocks:
        first, _, rest = text.partition("\n")
        path = root / re.fullmatch(r"(?:--- |# )(app/\S+)", first)[1]  # type: ignore[index]
        if language == "python":
            assert not path.exists()
            path.parent.mkdir(exist_ok=True)
            path.write_text(rest + "\n")
            continue
        lines = rest.split("\n")
        old = "".join(f"{line[1:]}\n" for line in lines if line[:1] in {"", " ", "-"})
        new = "".join(f"{line[1:]}\n" for line in lines if line[:1] in {"", " ", "+"})
        before = path.read_text()
        assert before.count(old) == 1, f"{path}:\n{old}"
        path.write_text(before.replace(old, new))


@pytest.fixture
def cook(titanic: Path, tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Start the service with one recipe and with settings; its files are at `tmp_path/titanic`."""
    root = tmp_path / "titanic"
    shutil.copytree(titanic, root)
    services: list[Service] = []

    def run(title: str, change: Callable[[str], str] = str, **settings: str) -> Service:
        if title:
            follow(change(recipe(title)), root)
        log = tmp_path / "service.log"
        port = free_port()
        services.append(Service(start(root, log, {"PORT": str(port), **settings}), port, log))
        assert services[-1].wait_until_ready(), log.read_text()
        return services[-1]

    yield run
    for service in services:
        service.stop()
    complaints = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "app"], cwd=root, capture_output=True, text=True
    )
    assert complaints.returncode == 0, complaints.stdout


def for_the_fare(section: str) -> str:
    """The recipe with a field of this model for the one that stands for it."""
    return re.sub(r"""(["'.])amount\b""", r"\1Fare", section)


@contextmanager
def listening(handler: type[socketserver.BaseRequestHandler]) -> Iterator[int]:
    """Serve connections by `handler` in threads, on the port that this gives."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def predictions(service: Service) -> tuple[int, int]:
    """The predictions of `/score` and of `/score/batch`."""
    one, [other] = service.post("/score", RECORD), service.post("/score/batch", [RECORD]).json
    return one.json["prediction"], other["prediction"]


@pytest.mark.parametrize(("threshold", "label"), [("0.0", 1), ("1.1", 0)])
def test_a_threshold_holds_for_both_routes(cook: Callable[..., Service], threshold: str, label: int) -> None:
    service = cook("A threshold on probabilities", THRESHOLD=threshold)
    assert predictions(service) == (label, label)


def test_the_probability_stands_beside_the_class(cook: Callable[..., Service], titanic: Path) -> None:
    service = cook("The probability beside the class")
    with (titanic / "model/model.pkl").open("rb") as file:
        probability = pickle.load(file).predict_proba(pd.DataFrame([RECORD]))[0, 1]
    one, [other] = service.post("/score", RECORD), service.post("/score/batch", [RECORD]).json
    assert one.json == other
    assert one.json == {"prediction": int(probability > 0.5), "probability": pytest.approx(probability)}


def test_a_unit_conversion_comes_before_the_model(cook: Callable[..., Service], tmp_path: Path) -> None:
    score = tmp_path / "titanic" / "app" / "score.py"
    text = score.read_text()
    score.write_text(text.replace("from_model(predictions)", "from_model(inputs['Fare'].astype(int))"))
    service = cook("A unit conversion", for_the_fare)
    score.write_text(text)  # for the lint
    assert service.post("/score", RECORD | {"Fare": 700.0}).json == {"prediction": 7}


def test_a_new_field_comes_back_and_may_be_left_out(cook: Callable[..., Service]) -> None:
    service = cook("A field that the model does not use")
    assert service.post("/score", RECORD | {"customer": "c1"}).json["customer"] == "c1"
    answers = service.post("/score/batch", [RECORD, RECORD | {"customer": "c2"}]).json
    assert [answer["customer"] for answer in answers] == [None, "c2"]
    assert service.post("/score", RECORD | {"other": 1}).status == 422


def test_a_token_of_the_identity_provider_is_needed(cook: Callable[..., Service], tmp_path: Path) -> None:
    jwt = pytest.importorskip("jwt", reason="the recipe needs pyjwt")
    rsa = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.rsa")
    private, other = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in "ab")
    key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(private.public_key()))
    keys = json.dumps({"keys": [{**key, "kid": "1", "use": "sig", "alg": "RS256"}]}).encode()

    class Provider(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(keys)

        def log_message(self, *args: Any) -> None:
            pass

    def ask(signer: Any, body: Any = RECORD, **claims: Any) -> int:
        claims = {"sub": "me", "aud": "score", "exp": time.time() + 60} | claims
        claims = {name: value for name, value in claims.items() if value is not None}
        token = jwt.encode(claims, signer, algorithm="RS256", headers={"kid": "1"})
        return service.post("/score", body, Authorization=f"Bearer {token}").status

    port = free_port()
    service = cook("SSO", JWKS_URL=f"http://127.0.0.1:{port}")
    assert ask(private) == 503
    with serving(Provider, port=port):
        assert (ask(private), ask(private, {})) == (200, 422)
        assert (ask(other), ask(other, {})) == (401, 401)
        assert (ask(private, aud="another"), ask(private, exp=1)) == (401, 401)
        assert (ask(private, exp=None), ask(private, sub=None)) == (401, 401)
        for path in ("/score", "/score/batch"):
            assert service.post(path, b"{}").status == 401
        token = jwt.encode(
            {"sub": "me", "aud": "score", "exp": time.time() + 600}, private, "RS256", {"kid": "1"}
        )
        headers = {"SERVICE_HEADERS": json.dumps({"Authorization": f"Bearer {token}"})}
        environment = {**os.environ, "JWKS_URL": f"http://127.0.0.1:{port}", **headers}
        command = [sys.executable, "-m", "tests.record"]
        subprocess.run(command, cwd=tmp_path / "titanic", env=environment, check=True)


class Redis(socketserver.StreamRequestHandler):
    """A server of the one key `amount:c1`, slow enough for requests to wait."""

    def handle(self) -> None:
        while head := self.rfile.readline():
            words = []
            for _ in range(int(head[1:])):
                size = int(self.rfile.readline()[1:])
                words.append(self.rfile.read(size + 2)[:-2])
            self.wfile.write(self.reply(words))

    def reply(self, words: list[bytes]) -> bytes:
        match words:
            case [b"HELLO", *_]:
                return b"%1\r\n$5\r\nproto\r\n:3\r\n"
            case [b"GET", key]:
                time.sleep(0.2)
                return b"$4\r\n7.25\r\n" if key.endswith(b":c1") else b"_\r\n"
        return b"+OK\r\n"


def test_a_lookup_in_redis_comes_before_scoring_and_who_waits_for_it_counts(
    cook: Callable[..., Service],
) -> None:
    pytest.importorskip("redis", reason="the recipe needs redis")
    with listening(Redis) as port:
        url = f"redis://127.0.0.1:{port}"
        service = cook("A lookup in Redis", for_the_fare, REDIS_URL=url, MAX_WAITING="2", MAX_BATCH="1")
        assert service.post("/score?customer=c1", RECORD).json == {"prediction": 0}
        assert service.post("/score?customer=c2", RECORD).status == 404
        assert service.post("/score", RECORD).json == {"prediction": 0}
        with ThreadPoolExecutor(12) as threads:
            together = threads.map(lambda _: service.post("/score?customer=c1", RECORD).status, range(12))
        assert {*together} == {200, 503}


def test_every_prediction_goes_to_kafka(cook: Callable[..., Service], tmp_path: Path) -> None:
    events: list[bytes] = []

    class Broker(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            events.extend(self.rfile)

    (tmp_path / "libraries").mkdir()
    (tmp_path / "libraries" / "aiokafka.py").write_text(AIOKAFKA)
    with listening(Broker) as port:
        servers = f"127.0.0.1:{port}"
        service = cook(
            "Every prediction to Kafka", KAFKA_SERVERS=servers, PYTHONPATH=str(tmp_path / "libraries")
        )
        service.post("/score", RECORD)
        service.post("/score/batch", [RECORD, RECORD])
        assert service.stop() == 0
    assert len(events) == 3
    topic, _, event = events[0].partition(b" ")
    assert topic == b"predictions"
    assert json.loads(event) == {"model": "1.0.0", "input": RECORD, "output": {"prediction": 0}}


@pytest.mark.slow
@pytest.mark.parametrize("title", ["A lookup in Redis", "Every prediction to Kafka"])
def test_the_tests_of_the_project_pass_without_the_server_of_a_recipe(
    titanic: Path, tmp_path: Path, title: str
) -> None:
    pytest.importorskip("redis", reason="the recipe needs redis")
    root = tmp_path / "titanic"
    shutil.copytree(titanic, root)
    (tmp_path / "aiokafka.py").write_text(AIOKAFKA)
    follow(for_the_fare(recipe(title)), root)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    for module in (["tests.record"], ["pytest", "-q", "tests/test_service.py"]):
        command = [sys.executable, "-m", *module]
        ended = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stdout + ended.stderr


def test_every_prediction_goes_to_a_table(cook: Callable[..., Service], tmp_path: Path) -> None:
    service = cook("Every prediction to a table")
    one = service.post("/score", RECORD)
    two = service.post("/score/batch", [RECORD, RECORD])
    assert service.stop() == 0
    with sqlite3.connect(tmp_path / "titanic" / "predictions.sqlite") as table:
        rows = table.execute("SELECT input, output FROM predictions").fetchall()
    assert [json.loads(record) for record, _ in rows] == [RECORD] * 3
    assert [json.loads(prediction) for _, prediction in rows] == [one.json, *two.json]


@pytest.mark.parametrize(("share", "model"), [("0", "model"), ("1", "candidate")])
def test_a_second_model_has_metrics_of_its_own(
    cook: Callable[..., Service], tmp_path: Path, share: str, model: str
) -> None:
    folder = tmp_path / "titanic" / "model"
    shutil.copy(folder / "model.pkl", folder / "candidate.pkl")
    sha256 = sha256_file(folder / "candidate.pkl")
    service = cook(
        "A second model",
        lambda text: text.replace('SHA256 = "SHA256"', f'SHA256 = "{sha256}"'),
        CANDIDATE_SHARE=share,
    )
    before = service.metric(f'model_batch_records_count{{model="{model}"}}')
    assert service.post("/score", RECORD).status == 200
    assert service.metric(f'model_batch_records_count{{model="{model}"}}') == before + 1


def test_a_router_in_a_sub_package_has_the_same_rules(cook: Callable[..., Service]) -> None:
    service = cook("A router in a sub-package", MAX_BODY_BYTES="1000")
    body = {"request_id": "a", "right": True}
    answer = service.post("/feedback", body)
    assert (answer.status, answer.json) == (202, body)
    assert service.post("/feedback", b'{"request_id": "a", "request_id": "b", "right": true}').status == 422
    assert service.post("/feedback", b" " * 2000).status == 413
    assert service.metric('http_requests_total{route="/feedback",status="202"}') == 1


def test_a_page_of_a_named_origin_may_call(cook: Callable[..., Service]) -> None:
    service = cook("CORS", API_KEY_HASHES="ab" * 32)
    ask = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "X-API-Key"}
    allowed = service.request("OPTIONS", "/score", None, {"Origin": "https://www.example.com", **ask})
    assert allowed.status == 200
    assert allowed.headers["access-control-allow-origin"] == "https://www.example.com"
    refused = service.request("OPTIONS", "/score", None, {"Origin": "https://evil.example.com", **ask})
    assert "access-control-allow-origin" not in refused.headers
    answer = service.post("/score", RECORD, Origin="https://www.example.com")
    assert (answer.status, "access-control-allow-origin" in answer.headers) == (401, True)


@pytest.mark.slow
def test_what_the_service_answers_now_is_recorded_by_one_command(titanic: Path, tmp_path: Path) -> None:
    root = tmp_path / "titanic"
    shutil.copytree(titanic, root)
    recorded = root / "tests" / "recorded.json"
    before = recorded.read_bytes()
    follow(recipe("A threshold on probabilities"), root)
    environment = {**os.environ, "THRESHOLD": "0.5"}
    for threshold, status in (("0.5", 0), ("0.9", 1)):
        environment["THRESHOLD"] = threshold
        tests = [sys.executable, "-m", "pytest", "-q", "tests/test_service.py"]
        ended = subprocess.run(tests, cwd=root, env=environment, capture_output=True, text=True)
        assert ended.returncode == status, ended.stdout
    assert "python -m tests.record" in ended.stdout
    subprocess.run([sys.executable, "-m", "tests.record"], cwd=root, env=environment, check=True)
    assert recorded.read_bytes() != before
    ended = subprocess.run(tests, cwd=root, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout


@pytest.mark.slow
def test_the_description_is_recorded_as_the_proof_writes_it(titanic: Path, tmp_path: Path) -> None:
    root = tmp_path / "titanic"
    shutil.copytree(titanic, root)
    before = (root / "tests" / "recorded.json").read_bytes()
    subprocess.run([sys.executable, "-m", "tests.record"], cwd=root, check=True)
    assert (root / "tests" / "recorded.json").read_bytes() == before
    python = (root / ".python-version").read_text().strip()
    assert (root / "openapi.json").read_text() == verify_project(root, python=python).openapi
