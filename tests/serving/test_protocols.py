"""`--answer protocols=...`: services of four kinds of samples, each asked in every protocol."""

import csv
import functools
import gzip
import hashlib
import io
import json
import math
import os
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

import scaffold
from scaffold.base.client import Client
from scaffold.base.lockfile import Lock
from scaffold.base.recording import read_recording
from scaffold.base.replay import replay_protocol
from scaffold.errors import InvalidAnswerError
from scaffold.spec import OTHER_PROTOCOLS, PROTOCOLS, Recording
from tests.serving._protocols import ALL, EXAMPLE, MODEL, ROWS, TABLE, make_service, score_table
from tests.serving._toy import Service, free_port, running

DOCS = Path(__file__).parents[2] / "docs" / "protocols.md"
SLOW, LATER = pytest.mark.slow, ("image", "text")


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the project of a name, which is made at first."""
    return functools.cache(functools.partial(make_service, tmp_path_factory.mktemp("protocols")))


@pytest.fixture(scope="module")
def started(services: Callable[[str], Path]) -> Iterator[Callable[[str], Service]]:
    """Return the running service of a name, which is started at first."""
    with ExitStack() as stack:
        yield functools.cache(lambda name: stack.enter_context(running(services(name))))


@pytest.fixture(scope="module")
def table(started: Callable[[str], Service]) -> Service:
    return started("table")


@pytest.fixture(scope="module")
def recording(services: Callable[[str], Path]) -> Recording:
    return read_recording(services("table"))


@pytest.mark.parametrize(
    "name", ["table", "forest", "plain", *(pytest.param(each, marks=SLOW) for each in LATER)]
)
def test_each_protocol_gives_the_answers_of_score(
    services: Callable[[str], Path], started: Callable[[str], Service], name: str
) -> None:
    recorded = read_recording(services(name))
    client = Client(f"http://127.0.0.1:{started(name).port}")
    for protocol in OTHER_PROTOCOLS:
        replay_protocol(client, PROTOCOLS[protocol].of_model(name), recorded)
    client.close()


@pytest.mark.parametrize("name", ["table", "plain"])
@pytest.mark.parametrize(
    "tool", [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]], ids=["lint", "format", "types"]
)
def test_linters_and_type_checkers_pass(services: Callable[[str], Path], name: str, tool: list[str]) -> None:
    command = [sys.executable, "-m", *tool, "app"]
    ended = subprocess.run(command, cwd=services(name), capture_output=True, text=True)
    files = sorted(path.name for path in services(name).iterdir())
    assert ended.returncode == 0, f"{files}\n{ended.stdout}{ended.stderr}"


@pytest.mark.parametrize("name", ["table", "plain"])
def test_both_ways_to_read_an_inference_request_give_the_same(
    services: Callable[[str], Path], name: str
) -> None:
    command = [sys.executable, str(Path(__file__).with_name("in_oip.py")), "500"]
    ended = subprocess.run(command, cwd=services(name), capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    counts = json.loads(ended.stdout)
    assert counts.keys() == {"read flat", "read otherwise", "refused"}
    assert min(counts.values()) > 10


def as_csv(records: Any, *, header: bool) -> bytes:
    text = io.StringIO()
    rows = csv.DictWriter(text, [*records[0]])
    if header:
        rows.writeheader()
    rows.writerows({key: "" if value is None else value for key, value in row.items()} for row in records)
    return text.getvalue().encode()


@pytest.mark.parametrize("name", ["table", "plain"])
def test_the_probes_of_each_protocol_answer_head(started: Callable[[str], Service], name: str) -> None:
    service = started(name)
    paths = [
        "/v2",
        "/v2/health/live",
        "/v2/health/ready",
        "/ping",
        "/health",
        "/version",
        "/",
        "/swagger.json",
    ]
    statuses = {path: service.request("HEAD", path).status for path in paths}
    assert statuses == dict.fromkeys(paths, 200)
    assert "head" not in service.get("/openapi.json").json["paths"]["/ping"]


def test_mlflow_takes_its_four_forms_and_csv(table: Service, recording: Recording) -> None:
    records: Any = recording.requests
    columns, predictions = [*records[0]], [answer["prediction"] for answer in recording.answers]  # type: ignore[call-overload, index]
    rows = [[*record.values()] for record in records]
    bodies: list[Any] = [
        {"dataframe_split": {"columns": columns, "data": rows, "index": [0, 1, 2, 3]}},
        {"dataframe_records": records},
        {"instances": records, "params": {"ignored": 1}},
        {"inputs": {name: [row[at] for row in rows] for at, name in enumerate(columns)}},
        json.dumps({"dataframe_records": records}).replace("null", "NaN").encode(),
    ]
    for body in bodies:
        assert table.post("/invocations", body).json == {"predictions": predictions}, body
    twice = bodies[-1].replace(b'"age": NaN', b'"age": NaN, "age": 3.5')
    assert twice != bodies[-1]
    assert table.post("/invocations", twice).status == 400
    sent = as_csv(records, header=True)
    answer = table.post("/invocations", sent, **{"Content-Type": "text/csv; charset=utf-8"})
    assert answer.json == {"predictions": predictions}
    assert table.get("/ping").status == table.get("/health").status == 200
    assert table.get("/version").body == b"2.0.0"


CSV = {"Content-Type": "text/csv"}


def test_csv_may_have_a_byte_order_mark_long_cells_and_words_for_missing_numbers(table: Service) -> None:
    for text, record in (
        ("\ufeffage,sex,klass,alone\r\n22.0,male,3,True\r\n", [22.0, "male", 3, True]),
        ("age,sex,klass,alone\nNaN,male,3,true\n", [None, "male", 3, True]),
        (f"age,sex,klass,alone\n1.5,{'x' * 200_000},3,false\n", [1.5, "x" * 200_000, 3, False]),
    ):
        expected = table.post("/score", dict(zip(TABLE, record, strict=True))).json
        answer = table.post("/invocations", text.encode(), **CSV)
        assert answer.json == {"predictions": [expected["prediction"]]}, text[:60]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The CSV has no header."),
        ('{"dataframe_records": []}', "There is no field '{\"dataframe_records\": []}'."),
        ("age,sex,klass,alone,klass\n22.0,male,3,True,1\n", "More than one column is called 'klass'."),
        ('age,sex,klass,alone\n22.0,"male,3,True\n', "The body is not CSV in UTF-8."),
    ],
)
def test_csv_that_would_lose_rows_or_cells_is_refused(table: Service, text: str, message: str) -> None:
    answer = table.post("/invocations", text.encode(), **CSV)
    assert (answer.status, answer.json) == (400, {"error_code": "BAD_REQUEST", "message": message})


def test_columns_of_one_name_are_refused(table: Service) -> None:
    frame = {"columns": [*TABLE, "klass"], "data": [[22.0, "male", 3, True, 1]]}
    for path, body in (
        ("/invocations", {"dataframe_split": frame}),
        ("/azureml/score", {"input_data": frame}),
    ):
        answer = table.post(path, body)
        assert answer.status == 400
        assert answer.json["message"] == "More than one column is called 'klass'."


@pytest.mark.parametrize("name", ["table", "plain"])
def test_text_that_is_no_unicode_is_refused(started: Callable[[str], Service], name: str) -> None:
    record = b'{"age": 1.0, "sex": "\\ud800", "klass": 1, "alone": true}'
    for path, body in (
        ("/predict", b'{"instances": [%b]}'),
        ("/azureml/score", b'{"data": [%b]}'),
        ("/invocations", b'{"dataframe_records": [%b]}'),
    ):
        answer = started(name).post(path, body % record)
        assert answer.status == 400, (path, answer)
        assert set(answer.json) <= {"error", "error_code", "message"}


def test_a_compressed_body_is_refused_as_at_score(table: Service, recording: Recording) -> None:
    for name, path in PREDICT.items():
        body = gzip.compress(PROTOCOLS[name].batch.encode([*recording.requests]))
        for media in (
            "application/json",
            *(("text/csv", "application/jsonlines") if name == "mlflow" else ()),
        ):
            answer = table.post(path, body, **{"Content-Type": media, "Content-Encoding": "gzip"})
            assert (answer.status, set(answer.json)) == (415, FORM[name]), (name, media)
            assert "Send the body without a Content-Encoding." in answer.json.values()


def test_the_nulls_of_mlservers_request_files_are_taken(table: Service, recording: Recording) -> None:
    body = json.loads(PROTOCOLS["oip"].batch.encode([*recording.requests]))
    inputs = [{**each, "parameters": None} for each in body["inputs"]]
    outputs = [{"name": "prediction", "parameters": None}]
    request = {"id": None, "parameters": None, "inputs": inputs, "outputs": outputs}
    [output] = table.post("/v2/models/table/infer", request).json["outputs"]
    assert [{"prediction": each} for each in output["data"]] == [*recording.answers]


def test_sagemaker_takes_json_lines_beside_mlflow(table: Service, recording: Recording) -> None:
    lines = "\n".join(map(json.dumps, recording.requests)).encode()
    answer = table.post("/invocations", lines, **{"Content-Type": "application/jsonlines"})
    assert answer.headers["content-type"] == "application/jsonlines"
    described = table.get("/openapi.json").json["paths"]["/invocations"]["post"]
    assert [*described["requestBody"]["content"]] == ["application/json", "text/csv", "application/jsonlines"]
    assert {*described["responses"]["200"]["content"]} == {"application/json", "application/jsonlines"}
    assert [{"prediction": json.loads(line)} for line in answer.body.splitlines()] == [*recording.answers]


@SLOW
def test_sagemaker_alone_answers_in_the_media_type_that_is_asked_for(
    services: Callable[[str], Path], recording: Recording, tmp_path: Path
) -> None:
    root = tmp_path / "table"
    scaffold.new(score_table, TABLE, target=root, answers={"protocols": ["sagemaker"]}, verify=False)
    predictions = [answer["prediction"] for answer in recording.answers]  # type: ignore[call-overload, index]
    body = as_csv(recording.requests, header=False)
    with running(root) as service:
        answer = service.post("/invocations", body, **{"Content-Type": "text/csv"})
        assert [float(line) for line in answer.body.splitlines()] == predictions
        accept = {"Content-Type": "text/csv", "Accept": "application/json"}
        assert service.post("/invocations", body, **accept).json == {"predictions": predictions}
        assert service.post("/invocations", {"instances": recording.requests}).json == {
            "predictions": predictions
        }
        assert service.post("/invocations", {"x": 1}).json == {
            "code": 400,
            "message": "Send an object with the list 'instances'.",
        }
        assert service.post("/invocations", b"x", **{"Content-Type": "image/png"}).status == 415
        assert service.get("/ping").status == 200
        assert (
            "text/csv"
            in service.get("/openapi.json").json["paths"]["/invocations"]["post"]["requestBody"]["content"]
        )


@SLOW
def test_vertex_reads_its_routes_and_its_port_from_the_environment(
    services: Callable[[str], Path], recording: Recording
) -> None:
    routes = {"AIP_PREDICT_ROUTE": "/v1/models/m:predict", "AIP_HEALTH_ROUTE": "/v1/models/m"}
    with running(services("table"), **routes) as service:
        assert service.get("/v1/models/m").status == 200
        rows = [[*record.values()] for record in recording.requests]
        answer = service.post("/v1/models/m:predict", {"instances": rows, "parameters": {}})
        assert [{"prediction": each} for each in answer.json["predictions"]] == [*recording.answers]
        refused = service.post("/v1/models/m:predict", {"instances": rows, "parameters": {"top": 3}})
        assert (refused.status, refused.json) == (400, {"error": "The model takes no parameters."})


@SLOW
def test_vertex_takes_binary_values_in_its_wrapping(
    services: Callable[[str], Path], started: Callable[[str], Service]
) -> None:
    recorded = read_recording(services("image"))
    values: Any = [{"data": {"b64": request["data"]}} for request in recorded.requests]  # type: ignore[call-overload, index]
    service = started("image")
    assert service.post("/predict", {"instances": values}).json == {"predictions": [4]}
    assert service.post("/predict", {"instances": [values[0]["data"]]}).json == {"predictions": [4]}


def test_vertex_takes_binary_values_in_a_list(table: Service, recording: Recording) -> None:
    [plain] = [[*record.values()] for record in recording.requests[:1]]
    wrapped = [{"b64": value} if isinstance(value, str) else value for value in plain]
    assert wrapped != plain
    answers = [table.post("/predict", {"instances": [row]}).json for row in (plain, wrapped)]
    assert answers[0] == answers[1]
    assert answers[0]["predictions"]


def test_azure_takes_data_and_frames(table: Service, recording: Recording) -> None:
    records: Any = recording.requests
    frame = {"columns": [*records[0]], "data": [[*record.values()] for record in records]}
    predictions = [answer["prediction"] for answer in recording.answers]  # type: ignore[call-overload, index]
    for body in ({"data": records}, {"input_data": frame}, {"input_data": frame["data"]}):
        assert table.post("/azureml/score", body).json == predictions
    assert table.get("/").json == "Healthy"
    assert table.get("/swagger.json").json == table.get("/openapi.json").json


def test_the_open_inference_protocol_describes_the_tensors(table: Service, recording: Recording) -> None:
    inputs = {each["name"]: each for each in table.get("/v2/models/table").json["inputs"]}
    assert [inputs[name]["datatype"] for name in TABLE] == ["FP64", "BYTES", "INT64", "BOOL"]
    assert table.get("/v2/models/table/versions/1.0.0/ready").json == {"name": "table", "ready": True}
    assert table.get("/v2/health/live").json == {"live": True}
    body = json.loads(PROTOCOLS["oip"].batch.encode([*recording.requests]))
    columns = [
        {**each, "shape": [4, 1], "data": [[value] for value in each["data"]]} for each in body["inputs"]
    ]
    request = {"id": "7", "inputs": columns, "outputs": [{"name": "prediction"}]}
    answer = table.post("/v2/models/table/infer", request).json
    assert answer["id"] == "7"
    assert answer["outputs"][0]["shape"] == [4]
    assert [{"prediction": each} for each in answer["outputs"][0]["data"]] == [*recording.answers]


def test_one_array_may_have_any_name_and_be_flat_or_nested(
    services: Callable[[str], Path], started: Callable[[str], Service]
) -> None:
    recorded = read_recording(services("forest"))
    rows: Any = [request["data"] for request in recorded.requests]  # type: ignore[call-overload, index]
    flat = [value for row in rows for value in row]
    service = started("forest")
    assert service.get("/v2/models/forest").json["inputs"] == [
        {"name": "data", "datatype": "FP64", "shape": [-1, 4]}
    ]
    for data in (rows, flat):
        tensor = {"name": "predict", "shape": [len(rows), 4], "datatype": "FP64", "data": data}
        answer = service.post("/v2/models/forest/infer", {"inputs": [tensor]}).json
        assert answer["outputs"][0]["datatype"] == "BOOL"
        assert [{"prediction": each} for each in answer["outputs"][0]["data"]] == [*recorded.answers]


def test_binary_tensors_are_those_of_the_json(table: Service, recording: Recording) -> None:
    records: Any = recording.requests
    formats, raw, inputs = (
        {"age": ("FP32", "<4f"), "klass": ("INT64", "<4q"), "alone": ("BOOL", "<4?")},
        b"",
        [],
    )
    for name in TABLE:
        values = [record[name] for record in records]
        tensor = {"name": name, "shape": [4], "datatype": "BYTES", "data": values}
        if name in formats:
            datatype, layout = formats[name]
            part = struct.pack(layout, *(math.nan if value is None else value for value in values))
            tensor = {"name": name, "shape": [4], "datatype": datatype}
            tensor["parameters"] = {"binary_data_size": len(part)}
            raw += part
        inputs.append(tensor)
    head = json.dumps({"inputs": inputs}).encode()
    size = {"Inference-Header-Content-Length": str(len(head))}
    answer = table.request("POST", "/v2/models/table/infer", head + raw, size).json
    assert [{"prediction": each} for each in answer["outputs"][0]["data"]] == [*recording.answers]
    for body in (head, head + raw[:-1], head + raw + b"x", b"x" + head + raw):
        refused = table.request("POST", "/v2/models/table/infer", body, size)
        assert (refused.status, set(refused.json)) == (400, {"error"}), body


def test_binary_outputs_are_those_of_the_json(table: Service, recording: Recording) -> None:
    body = json.loads(PROTOCOLS["oip"].batch.encode([*recording.requests]))
    path = "/v2/models/table/infer"
    [expected] = table.post(path, body).json["outputs"]
    every = {"parameters": {"binary_data_output": True}}
    one = {"outputs": [{"name": "prediction", "parameters": {"binary_data": True}}]}
    for wanted in (every, one):
        answer = table.post(path, {**body, **wanted})
        size = int(answer.headers["inference-header-content-length"])
        assert answer.headers["content-type"] == "application/octet-stream"
        [output] = json.loads(answer.body[:size])["outputs"]
        raw = answer.body[size:]
        assert output == {
            "name": "prediction",
            "shape": [4],
            "datatype": "FP64",
            "parameters": {"binary_data_size": len(raw)},
        }
        assert [*struct.unpack("<4d", raw)] == expected["data"]
    refused = {"outputs": [{"name": "prediction", "parameters": {"binary_data": False}}]}
    assert table.post(path, {**body, **every, **refused}).json["outputs"] == [expected]


@pytest.fixture(scope="module")
def published() -> Any:
    """The published OpenAPI of the Open Inference Protocol, at commit d49cc23f; Apache License 2.0."""
    return yaml.safe_load(Path(__file__).with_name("open_inference_rest.yaml").read_text())


def test_responses_fit_the_published_description_of_the_protocol(
    table: Service, recording: Recording, published: Any
) -> None:
    def check(schema: str, value: Any) -> None:
        jsonschema.validate(
            value, {"$ref": f"#/components/schemas/{schema}", "components": published["components"]}
        )

    records: Any = [record for record in recording.requests if record["sex"] and record["age"]]  # type: ignore[call-overload, index]
    request = {**json.loads(PROTOCOLS["oip"].batch.encode(records)), "id": "7"}
    check("inference_request", request)
    check("inference_response", table.post("/v2/models/table/infer", request).json)
    check("inference_error_response", table.post("/v2/models/table/infer", {}).json)
    check("metadata_server_response", table.get("/v2/").json)
    check("metadata_model_response", table.get("/v2/models/table").json)


def test_the_description_has_what_the_published_one_has(table: Service, published: Any) -> None:
    described = table.get("/openapi.json").json
    for path, operations in published["paths"].items():
        own = path.replace("${MODEL_NAME}", "table").replace("${MODEL_VERSION}", "1.0.0").rstrip("/")
        for method in {*operations} & {"get", "post"}:
            assert {"200", "4XX"} <= {*described["paths"][own][method]["responses"]}, (own, method)
    infer = described["paths"]["/v2/models/table/infer"]["post"]
    body = infer["requestBody"]["content"]["application/json"]["schema"]
    schemas = published["components"]["schemas"]
    assert body["required"] == schemas["inference_request"]["required"]
    assert {*schemas["inference_request"]["properties"]} == {*body["properties"]}
    tensor = described["components"]["schemas"]["Tensor"]
    assert {*tensor["required"]} == {*schemas["request_input"]["required"]}
    assert {*tensor["properties"]} == {*schemas["request_input"]["properties"]}


@SLOW
def test_sagemaker_starts_the_container_with_serve_on_8080(services: Callable[[str], Path]) -> None:
    # docker run IMAGE serve, with the port that the documentation names.
    root, port = services("table"), free_port()
    environment = {**os.environ, "BIND_HOST": "127.0.0.1", "PORT": str(port)}
    process = subprocess.Popen([sys.executable, "-m", "app", "serve"], cwd=root, env=environment)
    service = Service(process, port, root.with_suffix(".log"))
    try:
        assert service.wait_until_ready()
        assert service.get("/ping").status == 200
    finally:
        assert service.stop() == 0


@SLOW
def test_titanic_is_proven_in_each_protocol_and_answers_what_the_documentation_types(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE, tmp_path / "example", ignore=shutil.ignore_patterns("service"))
    subprocess.run([sys.executable, tmp_path / "example/train.py"], check=True)
    model, root = tmp_path / "example/model.pkl", tmp_path / "titanic-service"
    sample = model.with_name("sample_input.pkl")
    made = scaffold.new(model, sample, target=root, answers={"protocols": ALL})
    assert made.record.verification
    assert {*OTHER_PROTOCOLS} <= {check.name for check in made.record.verification.checks}
    lines = re.findall(r"```\n(curl .*?)\n```", DOCS.read_text(), re.DOTALL)
    assert len(lines) == len(OTHER_PROTOCOLS)
    with running(root) as service:
        for line in lines:
            typed = line.replace("localhost:8000", f"localhost:{service.port}").replace("curl", "curl -sS", 1)
            ended = subprocess.run(["bash", "-c", typed], capture_output=True, text=True, check=True)
            answer = json.loads(ended.stdout)
            first = (
                answer
                if isinstance(answer, list)
                else answer.get("predictions") or answer["outputs"][0]["data"]
            )
            assert first[0] == 0, answer


PREDICT = {
    "oip": "/v2/models/table/infer",
    "mlflow": "/invocations",
    "vertex": "/predict",
    "azureml": "/azureml/score",
}
FORM = {"oip": {"error"}, "mlflow": {"error_code", "message"}, "vertex": {"error"}, "azureml": {"message"}}


@pytest.mark.parametrize("profile", ["table", pytest.param("plain", marks=pytest.mark.slow)])
def test_refusals_have_the_form_of_the_protocol(services: Callable[[str], Path], profile: str) -> None:
    settings = {"API_KEY_HASHES": hashlib.sha256(b"mine").hexdigest(), "MAX_RECORDS": "2"}
    row: Any = read_recording(services(profile)).requests[0]
    with running(services(profile), MAX_BODY_BYTES="5000", **settings) as service:
        for name, path in PREDICT.items():
            encode, key = PROTOCOLS[name].batch.encode, {"X-API-Key": "mine"}
            for status, body, headers in (
                (400, encode([{**row, "klass": "first"}]), key),
                (400, encode([row, row, row]), key),
                (400, b"{", key),
                (400, b"{}", key),
                (413, b" " * 6000, key),
                (401, encode([row]), {}),
                (415, b"x", {**key, "Content-Type": "text/plain"}),
            ):
                answer = service.post(path.replace("table", profile), body, **headers)
                assert (answer.status, set(answer.json)) == (status, FORM[name]), (name, answer)
                assert b"first" not in answer.body
        assert service.post("/score", {}, **key).status == 422
        assert set(service.post("/score", {}, **key).json) == {"detail"}


def test_requests_are_counted_by_route_and_status_and_described(table: Service, recording: Recording) -> None:
    table.post("/v2/models/table/infer", PROTOCOLS["oip"].batch.encode([*recording.requests]))
    table.post("/v2/models/table/infer", {})
    shown = table.get("/metrics").body.decode()
    for status in (200, 400):
        assert f'http_requests_total{{route="/v2/models/table/infer",status="{status}"}}' in shown
    paths = table.get("/openapi.json").json["paths"]
    assert {*PREDICT.values(), "/v2", "/v2/models/table"} <= {*paths}
    assert {*paths["/v2/models/table/infer"]["post"]["responses"]} == {"200", "4XX", "5XX"}


@SLOW
def test_no_protocol_is_the_same_as_no_answer(services: Callable[[str], Path], tmp_path: Path) -> None:
    for name, answers in (("a", {}), ("b", {"protocols": "none"})):
        scaffold.new(MODEL, ROWS, target=tmp_path / name, name="forest", answers=answers, verify=False)
    without, none, every = (files_of(root) for root in (tmp_path / "a", tmp_path / "b", services("forest")))
    assert without == none
    added = {path for path in every if path not in without}
    assert added == {
        f"app/protocols/{name}.py"
        for name in ("__init__", "binary", "core", "refusals", "tables", *OTHER_PROTOCOLS)
    }
    changed = {path for path in without if without[path] != every[path]}
    assert changed <= {
        "README.md",
        "app/main.py",
        "app/settings.py",
        "model/model.pkl",
        "requirements.in",
        "requirements.txt",
    }


def requirements_of(root: Path) -> set[str]:
    """The distributions of `requirements.in`, which the lock has too."""
    lines = (root / "requirements.in").read_text().splitlines()
    locked = Lock.parse((root / "requirements.txt").read_text()).names
    required = {line.partition("==")[0].partition("[")[0] for line in lines if line and line[0] != "#"}
    assert required <= {*locked}
    return required


def files_of(root: Path) -> dict[str, bytes]:
    """The files that were written, without the record."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and ".scaffold" not in path.parts and "cache" not in str(path.relative_to(root))
    }


@SLOW
def test_an_update_adds_and_removes_protocols_and_keeps_edits(tmp_path: Path) -> None:
    root = tmp_path / "line"
    scaffold.new(MODEL, ROWS, target=root, verify=False)
    before = requirements_of(root)
    main = root / "app/main.py"
    main.write_text(main.read_text().replace('"""Score one record."""', '"""Score a flower."""'))
    scaffold.update(root, answers={"protocols": "oip,vertex"}, verify=False)
    assert {path.name for path in (root / "app/protocols").glob("*.py")} == {
        "__init__.py",
        "binary.py",
        "core.py",
        "oip.py",
        "refusals.py",
        "vertex.py",
    }
    assert "add_protocols(app, batcher)" in main.read_text()
    assert requirements_of(root) - before == {"msgspec"}
    oip = root / "app/protocols/oip.py"
    given = oip.read_text()
    oip.write_text(given.replace('"python_fastapi"', '"sklearn_fastapi"'))
    scaffold.update(root, answers={"protocols": "oip"}, verify=False)
    assert not (root / "app/protocols/vertex.py").exists()
    assert "sklearn_fastapi" in oip.read_text()
    oip.write_text(given)
    scaffold.update(root, answers={"protocols": "none"}, verify=False)
    assert "protocols" not in main.read_text()
    assert "Score a flower." in main.read_text()
    assert requirements_of(root) == before


@pytest.mark.parametrize("given", ["grpc", "oip,grpc", ["grpc"], 3])
def test_an_unknown_protocol_is_refused(given: Any, tmp_path: Path) -> None:
    with pytest.raises(InvalidAnswerError, match="none, or some of oip, mlflow, sagemaker, vertex, azureml"):
        scaffold.new(MODEL, ROWS, target=tmp_path / "a", answers={"protocols": given}, verify=False)
    assert not (tmp_path / "a").exists()
