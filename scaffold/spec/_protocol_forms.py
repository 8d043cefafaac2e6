"""The bodies of other protocols than `/score`: records as clients send them, answers as they read them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from scaffold.spec._json import JSONValue

_DATATYPES = {bool: "BOOL", int: "INT64", float: "FP64"}


def encode_tensors(records: Any) -> bytes:
    """Return an inference request of the Open Inference Protocol: a tensor for each field."""
    rows = records if isinstance(records, list) else [records]
    inputs = [_tensor(name, [row[name] for row in rows]) for name in rows[0]]
    return json.dumps({"inputs": inputs}).encode()


def _tensor(name: str, values: list[Any]) -> dict[str, JSONValue]:
    shape = [len(values)]
    while values and all(isinstance(each, list) and len(each) == len(values[0]) for each in values):
        shape.append(len(values[0]))
        values = [inner for each in values for inner in each]
    datatype = _DATATYPES.get(type(values[0]), "BYTES") if values else "BYTES"
    return {"name": name, "shape": [*shape], "datatype": datatype, "data": values}


def decode_tensors(body: Any) -> list[JSONValue]:
    """Return the answers of an inference response."""
    columns = {each["name"]: _rows(_values(each), each["shape"]) for each in body["outputs"]}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _values(tensor: dict[str, Any]) -> list[JSONValue]:
    """The values of a tensor; those that fit no tensor are JSON text."""
    is_json = tensor.get("parameters", {}).get("encoding") == "json"
    return [json.loads(each) if is_json else each for each in tensor["data"]]


def decode_tensor_row(body: Any) -> JSONValue:
    """Return the answer to a request with one record."""
    return decode_tensors(body)[0]


def _rows(values: list[JSONValue], shape: list[int]) -> list[JSONValue]:
    """The items along the first axis of a tensor whose values are flat."""
    for size in reversed(shape[1:]):
        values = [values[at : at + size] for at in range(0, len(values), size)]
    return values


def encode_list(key: str) -> Callable[[JSONValue], bytes]:
    """Return a function that encodes records as `{key: [record, ...]}`."""

    def encode(records: JSONValue) -> bytes:
        return json.dumps({key: records if isinstance(records, list) else [records]}).encode()

    return encode


def decode_list(key: str) -> Callable[[Any], JSONValue]:
    """Return a function that reads the answers from `{key: [...]}`, or from a list if the key is empty."""

    def decode(body: Any) -> JSONValue:
        answers = body[key] if key else body
        return [each if isinstance(each, dict) else {"prediction": each} for each in answers]

    return decode


def decode_first(key: str) -> Callable[[Any], JSONValue]:
    """Return what takes the answer to the only record."""
    every = decode_list(key)

    def decode(body: Any) -> JSONValue:
        answers: Any = every(body)
        return answers[0]  # type: ignore[no-any-return]

    return decode
