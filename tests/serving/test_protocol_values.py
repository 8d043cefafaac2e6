"""Records and answers whose keys and types differ, in every protocol."""

import csv
import json
import struct
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    SkipValidation,
    computed_field,
    field_serializer,
)

import scaffold
from scaffold.base.client import Client
from scaffold.base.recording import read_recording
from scaffold.base.replay import replay_protocol
from scaffold.base.templates import template_path
from scaffold.spec import OTHER_PROTOCOLS, PROTOCOLS
from tests.serving._protocols import ORDERS, describe_order, make_service
from tests.serving._toy import Service, running

INFER = "/v2/models/orders/infer"


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A model of dicts; without MLflow, whose route reads CSV in place of SageMaker's."""
    root = tmp_path_factory.mktemp("values") / "orders"
    answers = {"protocols": "oip,sagemaker,vertex,azureml"}
    scaffold.new(describe_order, ORDERS, target=root, answers=answers, verify=False)
    with running(root) as service:
        recording = read_recording(root)
        client = Client(f"http://127.0.0.1:{service.port}")
        for name in ("oip", "sagemaker", "vertex", "azureml"):
            replay_protocol(client, PROTOCOLS[name].of_model("orders"), recording)
        client.close()
        yield service


def order(count: int, **more: Any) -> dict[str, Any]:
    return {"count": count, "amount": "1.10", "place": {"x": 2.5}, "tags": ["a"], **more}


def tensors(*records: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return an inference request; objects and lists of any length are JSON text, as no tensor holds them."""
    inputs: list[Any] = []
    for name in records[0]:
        values = [record[name] for record in records]
        tensor: Any = {"name": name, "shape": [len(values)], "datatype": "BYTES", "data": values}
        if name in ("place", "tags"):
            tensor |= {"data": [*map(json.dumps, values)], "parameters": {"encoding": "json"}}
        inputs.append(tensor)
    return {"inputs": inputs, **more}


def outputs(service: Service, *records: dict[str, Any]) -> dict[str, Any]:
    answer = service.post(INFER, tensors(*records))
    assert answer.status == 200, answer.body
    return {each["name"]: each for each in answer.json["outputs"]}


def test_objects_and_lists_are_taken_as_json_text(orders: Service) -> None:
    record = order(7)
    found = outputs(orders, record)
    expected = orders.post("/score", record).json
    assert [*map(json.loads, found["lines"]["data"])] == expected["lines"][0]
    wrong: list[Any] = [["{"], ["1", "2"], [[]], [3]]
    for data in wrong:
        inputs = [
            {**each, "data": data} if each["name"] == "place" else each for each in tensors(record)["inputs"]
        ]
        refused = orders.post(INFER, {"inputs": inputs})
        assert (refused.status, set(refused.json)) == (400, {"error"}), data


def test_an_output_that_only_some_answers_have_is_null_in_the_others(orders: Service) -> None:
    found = outputs(orders, order(1), order(7))
    assert found["gift"] == {"name": "gift", "shape": [2], "datatype": "BYTES", "data": [None, "card"]}
    assert "gift" not in outputs(orders, order(1))
    one = orders.post(INFER, tensors(order(7), outputs=[{"name": "gift"}])).json["outputs"]
    assert [each["data"] for each in one] == [["card"]]
    refused = orders.post(INFER, tensors(order(7), outputs=[{"name": "gifts"}]))
    assert (refused.status, refused.json) == (400, {"error": "There is no output 'gifts'."})


@pytest.mark.parametrize(
    ("counts", "datatype", "data"),
    [
        ([1, 2], "INT64", [2, 4]),
        ([0, 2], "FP64", [0.5, 4]),
        ([2**62, 1], "UINT64", [2**63, 2]),
        ([2**70, 0], "FP64", [2.0**71, 0.5]),
        ([2**70, 1], "BYTES", [str(2**71), "2"]),
        ([-(2**62), 2**62], "BYTES", [str(-(2**63)), str(2**63)]),
    ],
)
def test_the_datatype_of_an_output_holds_its_values(
    orders: Service, counts: list[int], datatype: str, data: list[Any]
) -> None:
    records = [*map(order, counts)]
    total = outputs(orders, *records)["total"]
    assert (total["datatype"], total["data"]) == (datatype, data)
    answer = orders.post(INFER, tensors(*records, parameters={"binary_data_output": True}))
    head = int(answer.headers["inference-header-content-length"])
    [first, *_] = json.loads(answer.body[:head])["outputs"]
    formats = {"INT64": "<2q", "UINT64": "<2Q", "FP64": "<2d"}
    raw = answer.body[head : head + first["parameters"]["binary_data_size"]]
    assert first["datatype"] == datatype
    if datatype in formats:
        assert [*struct.unpack(formats[datatype], raw)] == data


def test_the_errors_of_sagemaker_are_described(orders: Service) -> None:
    described = orders.get("/openapi.json").json
    for path, method in (("/ping", "get"), ("/invocations", "post")):
        for status in ("4XX", "5XX"):
            schema = described["paths"][path][method]["responses"][status]["content"]["application/json"][
                "schema"
            ]
            name = schema["$ref"].rpartition("/")[2]
            assert {*described["components"]["schemas"][name]["properties"]} == {"code", "message"}
    answer = orders.post("/invocations", b"{}")
    assert (answer.status, {*answer.json}) == (400, {"code", "message"})


def test_json_lines_have_null_for_nan_and_csv_has_json_in_its_cells(orders: Service) -> None:
    lines = "\n".join(json.dumps(order(count)) for count in (0, 7)).encode()
    media = {"Content-Type": "application/jsonlines"}
    answer = orders.post("/invocations", lines, **media)
    found = [json.loads(line, parse_constant=pytest.fail) for line in answer.body.splitlines()]
    assert found == [orders.post("/score", order(count)).json for count in (0, 7)]
    answer = orders.post("/invocations", lines, **media, Accept="text/csv")
    for cells, expected in zip(csv.reader(answer.body.decode().splitlines()), found, strict=True):
        assert cells[2] == ("" if expected["share"] is None else str(expected["share"]))
        assert json.loads(cells[3]) == expected["lines"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["parcels", "prices"])
def test_records_of_all_forms_are_proven_in_each_protocol(tmp_path: Path, name: str) -> None:
    root = make_service(tmp_path, name)
    with running(root) as service:
        client = Client(f"http://127.0.0.1:{service.port}")
        for protocol in OTHER_PROTOCOLS:
            replay_protocol(client, PROTOCOLS[protocol].of_model(name), read_recording(root))
        client.close()
        for text in (b"a,b\n1,2\n", b"size\nx\n"):
            answer = service.post("/invocations", text, **{"Content-Type": "text/csv"})
            assert answer.status == 400, answer.body
        if name == "parcels":
            inputs = {each["name"]: each for each in service.get("/v2/models/parcels").json["inputs"]}
            assert [inputs[field]["datatype"] for field in ("size", "labels", "count")] == [
                "FP64",
                "BYTES",
                "INT64",
            ]


class _Number(BaseModel):
    prediction: float


class _Generated(BaseModel):
    prediction: SkipValidation[int] = Field(description="One of the model's classes: 0, 1.")


class _Day(BaseModel):
    prediction: date


class _Named(BaseModel):
    score: float


class _Two(_Number):
    other: int


class _More(BaseModel):
    model_config = ConfigDict(extra="allow")
    prediction: float


class _Rounded(_Number):
    @field_serializer("prediction")
    def rounded(self, value: float) -> float:
        return round(value, 1)


class _Annotated(BaseModel):
    prediction: Annotated[float, PlainSerializer(lambda value: round(value, 1))]


class _Renamed(BaseModel):
    prediction: float = Field(serialization_alias="score")


class _Computed(_Number):
    @computed_field  # type: ignore[prop-decorator]
    @property
    def double(self) -> float:
        return 2 * self.prediction


@pytest.mark.parametrize(
    "model",
    [_Number, _Generated, _Day, _Named, _Two, _More, _Rounded, _Annotated, _Renamed, _Computed],
)
def test_a_prediction_is_returned_as_it_is_only_if_its_json_is_the_same(model: type[BaseModel]) -> None:
    source = (template_path("service") / "protocols/core.py.jinja").read_text()
    module: dict[str, Any] = {"BaseModel": BaseModel}
    exec(source[source.index("def is_plain(") : source.index("IS_PLAIN = ")], module)
    assert module["is_plain"](model) is (model in {_Number, _Generated})
