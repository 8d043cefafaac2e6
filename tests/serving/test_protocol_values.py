"""Records and answers whose keys and types differ, in every protocol."""

import csv
import itertools
import json
import math
import shutil
import struct
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import pytest
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    RootModel,
    SkipValidation,
    TypeAdapter,
    computed_field,
    field_serializer,
    model_validator,
)
from pydantic_core import to_json
from typing_extensions import Self

import scaffold
from scaffold.base.client import Client
from scaffold.base.recording import read_recording
from scaffold.base.replay import replay_protocol
from scaffold.spec import OTHER_PROTOCOLS, PROTOCOLS
from tests.serving._protocols import ORDERS, describe_order, make_service
from tests.serving._toy import TEMPLATE, Service, running

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


def test_a_decimal_that_is_sent_as_a_number_keeps_its_digits(orders: Service) -> None:
    text = json.dumps(order(1)).replace('"1.10"', "12345678901234567890.10")
    expected = orders.post("/score", text.encode()).json
    assert expected["amount"] == "12345678901234567890.10"
    assert orders.post("/predict", f'{{"instances": [{text}]}}'.encode()).json == {"predictions": [expected]}
    assert orders.post("/azureml/score", f'{{"data": [{text}]}}'.encode()).json == [expected]
    assert (
        orders.post("/invocations", text.encode(), **{"Content-Type": "application/jsonlines"}).json
        == expected
    )
    record = order(1) | {"amount": "@"}
    columns = json.dumps({name: [value] for name, value in record.items()})
    columns = columns.replace('"@"', "12345678901234567890.10")
    assert orders.post("/azureml/score", f'{{"input_data": {columns}}}'.encode()).json == [expected]


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose model gives truth values, integers and floats of numpy for a float."""
    root = tmp_path_factory.mktemp("mixed") / "mixed"
    answers = {"protocols": "oip,mlflow,vertex,azureml"}
    scaffold.new(_mixed, pd.DataFrame({"n": [1, 2, 3]}), target=root, answers=answers, verify=False)
    return root


def _mixed(frame: pd.DataFrame) -> Any:
    kinds: list[Any] = [0.5, 1.5, 2.5, True, 3, 2**60, math.nan]
    return frame["n"].map(lambda n: kinds[n - 1])


def _require_same_answers(root: Path) -> None:
    with running(root) as service:
        for number in range(1, 8):
            record = {"n": number}
            answer = service.post("/score", record).json
            if isinstance(answer, str):  # a serializer of the owner's gives no object
                answer = {"prediction": answer}
            alone = answer["prediction"] if answer.keys() == {"prediction"} else answer
            assert service.post("/invocations", {"instances": [record]}).json == {"predictions": [alone]}
            assert service.post("/predict", {"instances": [record]}).json == {"predictions": [alone]}
            assert service.post("/azureml/score", {"data": [record]}).json == [alone]
            tensor = {"name": "n", "shape": [1], "datatype": "INT64", "data": [number]}
            outputs = service.post("/v2/models/mixed/infer", {"inputs": [tensor]}).json["outputs"]
            assert {each["name"]: each["data"] for each in outputs} == {
                name: [answer[name]] for name in answer
            }
            described = {each["name"] for each in service.get("/v2/models/mixed").json["outputs"]}
            assert described == ({*answer} - {"from_a_serializer"} if alone != "text" else set())
            bodies = service.post("/invocations", {"instances": [record]}).body
            assert json.dumps(alone, separators=(",", ":")).encode() in bodies  # 1.0 is not 1 or true


def test_a_value_of_another_type_is_what_score_makes_of_it(mixed: Path) -> None:
    _require_same_answers(mixed)


FIELD = "    prediction: SkipValidation[float]"
OWN = "    @model_serializer\n    def own(self):\n        return"
EDITS = {
    "computed": f"    @computed_field\n    def double(self) -> float:\n        return 2.0\n\n{FIELD}",
    "alias": f"{FIELD} = Field(serialization_alias='score')",
    "serializer": f"{OWN} {{'from_a_serializer': 2.0}}\n\n{FIELD}",
    "text": f"{OWN} 'text'\n\n{FIELD}",
}
IMPORTS = "from pydantic import Field, computed_field, model_serializer\n"


@pytest.mark.parametrize("name", EDITS)
def test_what_an_owner_makes_of_the_answer_goes_out_in_each_protocol(
    mixed: Path, tmp_path: Path, name: str
) -> None:
    root = Path(shutil.copytree(mixed, tmp_path / "mixed"))
    schemas = root / "app/schemas.py"
    text = schemas.read_text()
    assert text.count(FIELD) == 1
    text = text.replace("from pydantic", f"{IMPORTS}from pydantic", 1)
    schemas.write_text(text.replace(FIELD, EDITS[name]))
    _require_same_answers(root)


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


class _Optional(BaseModel):
    prediction: SkipValidation[float | None]
    label: str


class _List(BaseModel):
    prediction: list[float]


class _Text(BaseModel):
    model_config = ConfigDict(ser_json_inf_nan="strings")
    prediction: float


class _Checked(_Number):
    @model_validator(mode="after")
    def check(self) -> Self:
        return self


class _Remembers(_Number):
    @cached_property
    def double(self) -> float:
        return 2 * self.prediction


@pytest.fixture(scope="module")
def plain_answers() -> Any:
    """`PlainAnswers` of a service."""
    source = (TEMPLATE / "app/serving/fast_routes.py").read_text()
    module: dict[str, Any] = {}
    exec(source[: source.index("from app.serving")], module)
    exec(source[source.index("VALUES = ") : source.index("def speed_up(")], module)
    exec(source[source.index("class PlainAnswers") : source.index("def _model_of(")], module)
    return module["PlainAnswers"]


VALUES: list[Any] = [
    *(True, 1, 2**70, -0.0, 1.5, 1e16, 5e-324, math.nan, -math.inf, None, "a", 'é"\0', np.float64(1.5)),
    *(np.float64("nan"), np.int64(1), np.True_, Decimal("1.10"), date(2020, 1, 1), b"a", [1.0], {"a": 1}),
]
PLAIN = [_Number, _Generated, _Named, _Two, _Optional, _Remembers]
OTHERS = [_Day, _More, _Rounded, _Annotated, _Renamed, _Computed, _List, _Text, _Checked, RootModel[float]]


@pytest.mark.parametrize("model", PLAIN + OTHERS)
@pytest.mark.filterwarnings("ignore:Pydantic serializer")
def test_fields_are_written_without_pydantic_only_where_it_writes_the_same(
    plain_answers: Any, model: type[BaseModel]
) -> None:
    adapter, plain = TypeAdapter(list[model]), plain_answers(model)  # type: ignore[valid-type]
    short = 0
    for values in itertools.product(VALUES, repeat=2):
        places = itertools.cycle(values)
        answers = [
            model.model_construct(**{name: next(places) for name in model.model_fields}) for _ in range(2)
        ]
        if fields := plain.fields_of(answers):
            assert to_json(fields, inf_nan_mode="null") == adapter.dump_json(answers)
            short += 1
    assert short < len(VALUES) ** 2
    assert bool(short) is (model in PLAIN)


def test_answers_of_another_form_are_left_to_pydantic(plain_answers: Any) -> None:
    of_numbers, number = plain_answers(_Number), _Number(prediction=1.5)
    assert of_numbers.fields_of([number]) == [{"prediction": 1.5}]
    two = _Two(prediction=1.5, other=1)
    for answers in (number, [], [{"prediction": 1.5}], [two], [number, None], [_Number.model_construct()]):
        assert of_numbers.fields_of(answers) is None
    remembers, of_remembers = _Remembers(prediction=1.5), plain_answers(_Remembers)
    assert of_remembers.fields_of([remembers])
    assert remembers.double == 3.0
    assert of_remembers.fields_of([remembers]) is None
