"""Encode requests by MLServer's codecs, and decode the responses. It runs where MLServer is installed."""

import base64
import json
import sys
import urllib.request
from typing import Any

import numpy as np
import pandas as pd
from mlserver.codecs import (
    Base64Codec,
    NumpyCodec,
    NumpyRequestCodec,
    PandasCodec,
    StringCodec,
    StringRequestCodec,
)
from mlserver.types import InferenceRequest, InferenceResponse


def encode(name: str, records: list[Any]) -> InferenceRequest:
    """Return the records in the form that MLServer's clients choose for them."""
    match name:
        case "titanic":
            return PandasCodec.encode_request(pd.DataFrame(records))
        case "forest":
            return NumpyRequestCodec.encode_request(np.array([record["data"] for record in records]))
        case "text":
            return StringRequestCodec.encode_request([record["data"] for record in records])
    images = [base64.b64decode(record["data"]) for record in records]
    return InferenceRequest(inputs=[Base64Codec.encode_input("image", images)])


def decode(response: InferenceResponse) -> list[Any]:
    """Return the answers."""
    columns = {}
    for output in response.outputs:
        codec = StringCodec if output.datatype == "BYTES" else NumpyCodec
        values = codec.decode_output(output)
        columns[output.name] = values if isinstance(values, list) else values.tolist()
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def ask(name: str, service: Any) -> list[Any]:
    """Return the answers of a service."""
    body = encode(name, service["records"]).model_dump_json(exclude_none=True).encode()
    url = f"http://127.0.0.1:{service['port']}/v2/models/{name}/infer"
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as response:
        return decode(InferenceResponse.model_validate_json(response.read()))


print(json.dumps({name: ask(name, each) for name, each in json.loads(sys.argv[1]).items()}))
