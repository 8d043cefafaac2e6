"""The Open Inference Protocol (v2), which clients of KServe, Triton and MLServer speak.

A field of the record is a tensor of the same name, whose first axis counts the records. A request
with one tensor may name it as it likes, and its columns are the fields in their order.
"""

import struct
from math import prod
from sys import float_info
from types import NoneType
from typing import Annotated, Any, Literal

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from msgspec import Struct
from msgspec.json import Decoder, Encoder
from pydantic import BaseModel, Field, NonNegativeInt, TypeAdapter, ValidationError
from pydantic_core import to_json
from typing_extensions import NotRequired, TypedDict

from app.protocols.binary import HEADER, add_values, take_values
from app.protocols.core import (
    FIELDS,
    HAS_DECIMALS,
    Core,
    JSONBytes,
    fields_of,
    headers_of,
    media_type,
    read_json,
)
from app.schemas import ModelOutput
from app.settings import MODEL_VERSION, NAME, settings

Datatype = Literal[
    "BOOL", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64",
    "FP16", "FP32", "FP64", "BYTES",
]  # fmt: skip
# Of the types of JSON Schema; all others are BYTES.
DATATYPES: dict[str, Datatype] = {"boolean": "BOOL", "integer": "INT64", "number": "FP64"}
KINDS: dict[type, Datatype] = {bool: "BOOL", float: "FP64", str: "BYTES"}
LISTS, INTEGERS, NUMBERS, NESTED = {list}, {int}, {int, float}, {dict, list}
MOST = 2**63  # the first integer that INT64 does not have
GREATEST = int(float_info.max)
Parameters = dict[str, str | int | float | bool]


class Tensor(TypedDict):
    """The values of one field, for all records."""

    name: str
    shape: Annotated[list[NonNegativeInt], Field(min_length=1)]
    datatype: Datatype
    data: Annotated[
        list[Any], Field(description="Flat in row-major order, or nested; null where missing.")
    ]
    parameters: NotRequired[Parameters | None]


class Output(TypedDict):
    """An output that is asked for."""

    name: str
    parameters: NotRequired[Parameters | None]


class InferRequest(TypedDict):
    """Records to score."""

    id: NotRequired[str | None]
    inputs: Annotated[list[Tensor], Field(min_length=1)]
    outputs: NotRequired[list[Output] | None]
    parameters: NotRequired[Parameters | None]


class FlatTensor(Struct, forbid_unknown_fields=True, gc=False):
    """The values of a field that has one value in each record."""

    name: str
    shape: tuple[int]
    datatype: Datatype
    data: list[bool | int | float | str | None]


class FlatRequest(Struct, forbid_unknown_fields=True, gc=False):
    """A request with such tensors only, as most are."""

    inputs: list[FlatTensor]
    id: str | None = None


class InferResponse(TypedDict):
    """The answers, with the `id` of the request if it has one."""

    model_name: str
    model_version: str
    id: NotRequired[str]
    outputs: list[Tensor]


class TensorMetadata(BaseModel):
    """A tensor as the model takes or gives it. Its size is -1 where it may vary."""

    name: str
    datatype: Datatype
    shape: list[int]


class ModelMetadata(BaseModel):
    """What the model takes and gives."""

    name: str = NAME
    versions: list[str] = [MODEL_VERSION]
    platform: str = "python_fastapi"
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class ServerMetadata(BaseModel):
    """The service."""

    name: str = NAME
    version: str = MODEL_VERSION
    extensions: list[str] = ["binary_tensor_data"]


class Refusal(BaseModel):
    """The body of an error response."""

    error: str


PATHS = ("/v2",)
REQUEST, FLAT_REQUEST, JSON = TypeAdapter(InferRequest), Decoder(FlatRequest), Encoder()
SCHEMA = REQUEST.json_schema(ref_template="#/components/schemas/{model}")
SCHEMA["properties"]["outputs"]["anyOf"][0]["items"] = SCHEMA.pop("$defs")["Output"]
BODY = {"content": {"application/json": {"schema": SCHEMA}}, "required": True}


def refusal(status: int, message: str) -> dict[str, Any]:
    """Return the body of an error response."""
    return {"error": message}


def metadata_of(fields: dict[str, dict[str, Any]]) -> list[TensorMetadata]:
    """Return a tensor for each field, of its JSON Schema."""
    tensors = []
    for name, field in fields.items():
        shape = [-1]
        while field.get("type") == "array":
            size = field.get("minItems", -1)
            shape.append(size if size == field.get("maxItems") else -1)
            field = field.get("items", {})
        datatype = DATATYPES.get(field.get("type", ""), "BYTES")
        if field.get("exclusiveMaximum", 0) > MOST and datatype == "INT64":
            datatype = "UINT64"
        tensors.append(TensorMetadata(name=name, datatype=datatype, shape=shape))
    return tensors


async def read_request(request: Request) -> tuple[InferRequest, list[dict[str, Any]]]:
    """Return the request and its records, which are not validated yet.

    Raises:
        HTTPException, RequestValidationError: The body is another one.
    """
    body, headers = await request.body(), headers_of(request)
    size = headers.get(HEADER.encode(), b"")
    is_json = headers.get(b"content-type") == b"application/json"
    if not is_json and not size and media_type(request) not in {"", "application/json"}:
        raise HTTPException(415, "Send JSON, with 'Content-Type: application/json'.")
    if FLAT and not size and (flat := read_flat(body)):
        return flat
    try:
        value = read_json(body[: int(size)] if size else body)
        if size:
            add_values(value, body[int(size) :])
        value = REQUEST.validate_python(value)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False)) from None
    except (ValueError, LookupError, TypeError, AttributeError, struct.error):
        raise HTTPException(400, "The tensors are not as their JSON describes them.") from None
    return value, records_of(value["inputs"])


def read_flat(body: bytes) -> tuple[InferRequest, list[dict[str, Any]]] | None:
    """Return a flat request and its records; None for another request, be it right or wrong.

    Takes a third of the time of the other way, which gives the same and names what is wrong.
    """
    try:
        request = FLAT_REQUEST.decode(body)
        [count] = shape = request.inputs[0].shape
    except (ValueError, LookupError):
        return None
    columns = {}
    for tensor in request.inputs:
        columns[tensor.name] = data = tensor.data
        if tensor.shape != shape or len(data) != count:
            return None
    if len(columns) < len(request.inputs) or not columns.keys() <= FLAT:
        return None
    # Each key has a colon. Without other colons, no key is given twice.
    if body.count(b":") > 4 * len(columns) + (1 if request.id is None else 2):
        read_json(body)
    asked: InferRequest = {"inputs": []} if request.id is None else {"inputs": [], "id": request.id}
    if count == 1:
        return asked, [{name: data[0] for name, data in columns.items()}]
    return asked, [{name: data[at] for name, data in columns.items()} for at in range(count)]


def write_response(response: InferResponse, request: InferRequest) -> Response:
    """Return the response with the id, and with those outputs as bytes that are wanted as bytes."""
    if (number := request.get("id")) is not None:
        response["id"] = number
    every = (request.get("parameters") or {}).get("binary_data_output", False)
    wanted = {
        each["name"]: (each.get("parameters") or {}).get("binary_data", every)
        for each in request.get("outputs") or []
    }
    tensors = [each for each in response["outputs"] if wanted.get(each["name"], every)]
    raw = b"".join([take_values(each) for each in tensors])
    body = JSON.encode(response)  # NaN is null
    if not raw:
        return JSONBytes(body)
    headers = {HEADER: str(len(body))}
    return Response(body + raw, headers=headers, media_type="application/octet-stream")


ANSWERS_ITSELF = bool(ModelOutput.__pydantic_decorators__.model_serializers)
MAY_ANSWER_MORE = ANSWERS_ITSELF or ModelOutput.model_config.get("extra") == "allow"
INPUTS = metadata_of(FIELDS)
OUTPUTS = metadata_of({} if ANSWERS_ITSELF else fields_of(ModelOutput, "serialization"))
AXES = {field.name: len(field.shape) for field in INPUTS}
# A decimal keeps its digits on the other way only.
FLAT = {name for name, axes in AXES.items() if axes == 1 and not HAS_DECIMALS}


def records_of(tensors: list[Tensor]) -> list[dict[str, Any]]:
    """Return the records, which are not validated yet.

    Raises:
        HTTPException: 400 for tensors that do not fit together.
    """
    if len(tensors) == 1 and tensors[0]["name"] not in AXES:
        [tensor] = tensors
        if len(AXES) == 1:
            tensors = [{**tensor, "name": next(iter(AXES))}]
        elif len(tensor["shape"]) == 2 and tensor["shape"][1] == len(AXES):
            return [dict(zip(AXES, row, strict=True)) for row in rows_of(tensor, 2)]
    columns = {each["name"]: rows_of(each, AXES.get(each["name"], 1)) for each in tensors}
    if len(columns) < len(tensors) or len({*map(len, columns.values())}) > 1:
        raise HTTPException(400, "Each input needs its own name, and all need as many records.")
    return [dict(zip(columns, row)) for row in zip(*columns.values())]  # noqa: B905


def rows_of(tensor: Tensor, axes: int) -> list[Any]:
    """Return the values of a tensor: one for each record, as nested as the field is.

    Raises:
        HTTPException: 400 if they do not fit its shape.
        RequestValidationError: One of them should be JSON text, and is not.
    """
    shape, data = tensor["shape"], tensor["data"]
    if (tensor.get("parameters") or {}).get("encoding") == "json":
        data = [each if each is None else read_json(str(each).encode()) for each in data]
        axes = 1
    if axes == len(shape) == 1 and len(data) == shape[0]:
        return data
    for axis in range(1, len(shape)):
        if len(data) == prod(shape[:axis]) and all(isinstance(each, list) for each in data):
            data = [value for each in data for value in each]
    # A size of 0 must not stand for any number of empty lists.
    too_many = prod(size or 1 for size in shape) > max(len(data), settings.max_records)
    if len(data) != prod(shape) or too_many:
        fault = f"has {len(data)} values, which is not its shape {shape}."
        raise HTTPException(400, f"Input {tensor['name']!r} {fault}")
    if len(shape) == axes + 1 and shape[-1] == 1:  # a column of a table
        shape = shape[:-1]
    for axis in range(len(shape) - 1, 0, -1):
        size, count = shape[axis], prod(shape[:axis])
        data = [data[at * size : (at + 1) * size] for at in range(count)]
    return data


def tensor_of(metadata: TensorMetadata, rows: list[Any]) -> Tensor:
    """Return the values of one field of the answers, flat; as JSON text if they fit no tensor."""
    shape, flat, kinds = [len(rows)], rows, {*map(type, rows)}
    while kinds == LISTS and len({*map(len, flat)}) == 1:
        shape.append(len(flat[0]))
        flat = [value for each in flat for value in each]
        kinds = {*map(type, flat)}
    if datatype := datatype_of(flat, kinds, metadata.datatype):
        return {"name": metadata.name, "shape": shape, "datatype": datatype, "data": flat}
    texts = [to_json(each, inf_nan_mode="null").decode() for each in flat]
    tensor: Tensor = {"name": metadata.name, "shape": shape, "datatype": "BYTES", "data": texts}
    return {**tensor, "parameters": {"encoding": "json"}}


def datatype_of(values: list[Any], kinds: set[type], described: Datatype) -> Datatype | None:
    """Return the datatype that holds values of these types and nulls, else None.

    A class may answer as it likes.
    """
    if NoneType in kinds:
        kinds, values = kinds - {NoneType}, [each for each in values if each is not None]
    if kinds == INTEGERS and described != "FP64":
        least, most = min(values), max(values)
        if most >= MOST:
            return "UINT64" if least >= 0 and most < 2 * MOST else None
        return "INT64" if least >= -MOST else None
    if int in kinds and kinds <= NUMBERS:
        greatest = max(abs(each) for each in values if type(each) is int)
        return "FP64" if greatest <= GREATEST else None
    if not kinds.isdisjoint(NESTED):  # objects, or lists of many lengths
        return None
    if len(kinds) == 1:
        [kind] = kinds
        return KINDS.get(kind, described)
    return None if kinds and described != "BYTES" else described


def outputs_of(answers: list[Any], names: list[Output]) -> list[TensorMetadata]:
    """Return the outputs of these names; all without a name, and those that no schema has as well.

    Raises:
        HTTPException: 400 for a name that no output has.
    """
    if not names and not MAY_ANSWER_MORE:
        return OUTPUTS
    outputs = {each.name: each for each in OUTPUTS}
    if MAY_ANSWER_MORE:
        for name in dict.fromkeys(name for row in answers for name in row if name not in outputs):
            outputs[name] = TensorMetadata(name=name, datatype="BYTES", shape=[-1])
    if unknown := [each["name"] for each in names if each["name"] not in outputs]:
        raise HTTPException(400, f"There is no output {unknown[0]!r}.")
    return [outputs[each["name"]] for each in names] if names else [*outputs.values()]


def add_routes(app: FastAPI, core: Core) -> None:
    """Add the routes of the protocol."""
    about: dict[str, Any] = {
        "tags": ["Open Inference Protocol"],
        "responses": {"4XX": {"model": Refusal}, "5XX": {"model": Refusal}},
    }

    @app.get("/v2/", include_in_schema=False)
    @app.get("/v2", **about)
    async def server() -> ServerMetadata:
        """Name and version of the service."""
        return ServerMetadata()

    @app.get("/v2/health/live", **about)
    async def live(response: Response) -> dict[str, bool]:
        """Liveness."""
        response.status_code = 200 if core.is_alive else 503
        return {"live": core.is_alive}

    @app.get("/v2/health/ready", **about)
    async def ready(response: Response) -> dict[str, bool]:
        """Readiness."""
        response.status_code = 200 if core.is_ready else 503
        return {"ready": core.is_ready}

    async def model() -> ModelMetadata:
        """Names, types and shapes of the tensors."""
        return ModelMetadata(inputs=INPUTS, outputs=OUTPUTS)

    async def model_ready(response: Response) -> dict[str, Any]:
        """Readiness of the model, which is that of the service."""
        return {"name": NAME, **await ready(response)}

    async def infer(request: Request) -> Response:
        """Score the records of the inputs."""
        asked, values = await read_request(request)
        records = core.validate(values)
        # Many small objects: each garbage collection would visit them while they wait.
        del asked["inputs"], values
        answers = await core.score(records)
        outputs = outputs_of(answers, asked.get("outputs") or [])
        response: InferResponse = {
            "model_name": NAME,
            "model_version": MODEL_VERSION,
            "outputs": [
                tensor_of(each, [row.get(each.name) for row in answers]) for each in outputs
            ],
        }
        return write_response(response, asked) if asked else JSONBytes(JSON.encode(response))

    of_infer = {**about, "responses": {200: {"model": InferResponse}, **about["responses"]}}
    for path in (f"/v2/models/{NAME}", f"/v2/models/{NAME}/versions/{MODEL_VERSION}"):
        app.get(path, **about)(model)
        app.get(f"{path}/ready", **about)(model_ready)
        app.post(f"{path}/infer", openapi_extra={"requestBody": BODY}, **of_infer)(infer)
