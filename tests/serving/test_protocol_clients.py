"""The clients and servers that people use, each in an environment of its own, beside the services."""

import json
import os
import pickle
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import scaffold
from scaffold.base.recording import read_recording
from tests.registries import environment_python, registries_python
from tests.serving._protocols import ALL, MODEL, make_service, train_titanic
from tests.serving._toy import Answer, Service, free_port, running

pytestmark = pytest.mark.slow
NAMES = ("titanic", "forest", "image", "text")
HERE = Path(__file__).parent
KSERVE = ["kserve"]
# Newer pandas has a type for text that MLServer's codec refuses.
TRITON = ["tritonclient[http]", "mlserver>=1.7", "pandas<3"]
# benchmarking/data/iris/rest-requests.json of MLServer 1.7, Apache License 2.0
IRIS = {"inputs": [{"name": "input-0", "shape": [1, 4], "datatype": "FP32", "data": [1, 2, 3, 4]}]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clients")


@pytest.fixture(scope="module")
def services(folder: Path) -> Iterator[dict[str, Service]]:
    """The four services."""
    model, sample = train_titanic(folder)
    scaffold.new(
        model, sample, target=folder / "titanic", name="titanic", answers={"protocols": ALL}, verify=False
    )
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(
                running(folder / name if name == "titanic" else make_service(folder, name))
            )
            for name in NAMES
        }


@pytest.fixture(scope="module")
def records(folder: Path, services: dict[str, Service]) -> dict[str, list[Any]]:
    """The records of each sample, without those whose text is missing: text tensors have no null."""
    found = {name: [*read_recording(folder / name).requests] for name in NAMES}
    return found | {"titanic": [each for each in found["titanic"] if each["Embarked"] is not None]}  # type: ignore[call-overload, index]


@pytest.fixture(scope="module")
def answers(services: dict[str, Service], records: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """What /score answers to each record."""
    return {name: [services[name].post("/score", each).json for each in records[name]] for name in NAMES}


@pytest.fixture(scope="module")
def run_client(
    services: dict[str, Service],
    records: dict[str, list[Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[..., Any]:
    """Run a script with the ports and records, and return what it prints."""

    def run(script: str, environment: str, packages: list[str]) -> Any:
        python = environment_python(tmp_path_factory, environment, packages)
        asked = {name: {"port": services[name].port, "records": records[name]} for name in NAMES}
        return run_script(python, script, json.dumps(asked))

    return run


def run_script(python: Path, script: str, *arguments: str) -> Any:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
    command = [str(python), str(HERE / f"{script}.py"), *arguments]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return json.loads((ended.stdout.strip() or "null").splitlines()[-1])


def parse_texts(name: str, rows: list[Any]) -> list[Any]:
    """Return the answers; of the text service, lists of words are JSON text in a tensor."""
    return [{**row, "words": json.loads(row["words"])} for row in rows] if name == "text" else rows


def test_the_client_of_kserve_reads_the_answers_of_score(
    run_client: Callable[..., Any], answers: dict[str, list[Any]]
) -> None:
    results = run_client("in_kserve", "kserve", KSERVE)
    for name in NAMES:
        for is_binary in ("False", "True"):
            assert parse_texts(name, results[name][is_binary]) == answers[name], (name, is_binary)
        assert results[name]["error"].startswith("Each input needs its own name"), name


def test_the_client_of_triton_reads_the_answers_of_score(
    run_client: Callable[..., Any], answers: dict[str, list[Any]]
) -> None:
    results = run_client("in_triton", "triton", TRITON)
    for name in NAMES:
        for is_binary in ("False", "True"):
            assert parse_texts(name, results[name][is_binary]) == answers[name], (name, is_binary)
        assert results[name]["raw False"] == 0
        assert results[name]["raw True"] == len(answers[name][0])  # all outputs came as bytes
        status, message = results[name]["error"]
        assert (status, message[:29]) == ("400", "Each input needs its own name")


def test_the_codecs_of_mlserver_read_the_answers_of_score(
    run_client: Callable[..., Any], answers: dict[str, list[Any]]
) -> None:
    results = run_client("in_mlserver", "triton", TRITON)
    for name in NAMES:
        assert parse_texts(name, results[name]) == answers[name], name


def test_a_request_file_of_mlserver_is_answered(services: dict[str, Service]) -> None:
    answer = services["forest"].post("/v2/models/forest/infer", IRIS)
    expected = services["forest"].post("/score", {"data": [1, 2, 3, 4]}).json["prediction"]
    [output] = answer.json["outputs"]
    assert (output["shape"], output["data"]) == ([1], [expected])


@pytest.fixture(scope="module")
def mlflow_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return registries_python(tmp_path_factory)


@pytest.fixture(scope="module")
def mlflow_servers(
    folder: Path, services: dict[str, Service], mlflow_python: Path
) -> Iterator[dict[str, Service]]:
    """`mlflow models serve` of the same models. It has no server for models that take images."""
    models = folder / "mlflow"
    models.mkdir()
    shutil.copy(folder / "example/model.pkl", models / "titanic.pkl")
    shutil.copy(folder / "example/titanic.csv", models)
    (models / "forest.pkl").write_bytes(pickle.dumps(MODEL))
    run_script(mlflow_python, "in_mlflow", "save", str(models))
    environment = {**os.environ, "PATH": f"{mlflow_python.parent}{os.pathsep}{os.environ['PATH']}"}
    servers = {}
    for name in ("titanic", "forest", "text"):
        port = free_port()
        command = [str(mlflow_python), "-m", "mlflow", "models", "serve", "--model-uri", str(models / name)]
        command += ["--env-manager", "local", "--port", str(port), "--host", "127.0.0.1"]
        log = models / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, env=environment, stdout=output, stderr=output, start_new_session=True
            )
        servers[name] = Service(process, port, log)
    try:
        for server in servers.values():
            wait_for_ping(server)
        yield servers
    finally:
        for server in servers.values():
            os.killpg(server.process.pid, signal.SIGKILL)
            server.process.wait(30)


def wait_for_ping(server: Service) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end and server.process.poll() is None:
        try:
            if server.get("/ping").status == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(server._log.read_text())


def bodies_of(name: str, records: list[Any]) -> list[Any]:
    """Return the forms of MLflow that its own server takes for this model."""
    if name != "titanic":
        values = [record["data"] for record in records]
        return [{"inputs": values}] + [{"instances": values}] * (name == "forest")
    rows = [[*record.values()] for record in records]
    return [
        {"dataframe_split": {"columns": [*records[0]], "data": rows}},
        {"dataframe_records": records},
        {"inputs": {key: [record[key] for record in records] for key in records[0]}},
    ]


def test_mlflow_models_serve_gives_the_same_answers(
    services: dict[str, Service], mlflow_servers: dict[str, Service], records: dict[str, list[Any]]
) -> None:
    for name, server in mlflow_servers.items():
        for body in bodies_of(name, records[name]):
            own, other = (each.post("/invocations", body) for each in (services[name], server))
            assert own.status == other.status == 200, (name, own.body, other.body)
            assert own.json == other.json, (name, [*body])
    rows = [
        ",".join("" if value is None else str(value) for value in each.values())
        for each in records["titanic"]
    ]
    text = "\n".join([",".join(records["titanic"][0]), *rows]).encode()
    both: list[Answer] = [
        each.post("/invocations", text, **{"Content-Type": "text/csv"})
        for each in (services["titanic"], mlflow_servers["titanic"])
    ]
    assert both[0].json == both[1].json


def test_refusals_have_the_keys_of_mlflow_models_serve(
    services: dict[str, Service], mlflow_servers: dict[str, Service]
) -> None:
    for body in ({}, {"dataframe_records": [{"Age": "old"}]}, b"{"):
        own, other = (each["titanic"].post("/invocations", body) for each in (services, mlflow_servers))
        assert own.status == other.status == 400, (body, other.body)
        assert own.json.keys() <= other.json.keys(), body
        assert own.json["error_code"] == other.json["error_code"] == "BAD_REQUEST", body


def test_the_client_of_mlflow_reads_the_answers_of_score(
    services: dict[str, Service],
    mlflow_python: Path,
    records: dict[str, list[Any]],
    answers: dict[str, list[Any]],
) -> None:
    asked = {name: {"port": services[name].port, "records": records[name]} for name in ("titanic", "forest")}
    for name, predictions in run_script(mlflow_python, "in_mlflow", "ask", json.dumps(asked)).items():
        assert [{"prediction": each} for each in predictions] == answers[name], name
