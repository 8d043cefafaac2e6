"""Ask services by Triton's client and print what it reads. It runs where tritonclient is installed."""

import json
import sys
from typing import Any

import numpy as np
import tritonclient.http as triton

DTYPES = {"FP64": np.float64, "INT64": np.int64, "BOOL": np.bool_, "BYTES": np.object_}


def texts_of(values: Any) -> Any:
    """Return nested lists of texts for nested lists of bytes."""
    if isinstance(values, list):
        return [texts_of(each) for each in values]
    return values.decode() if isinstance(values, bytes) else values


def ask(name: str, service: Any) -> dict[str, Any]:
    """Return the answers to JSON and to binary tensors, and the error of a bad request."""
    client = triton.InferenceServerClient(f"127.0.0.1:{service['port']}")
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(name)
    assert client.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    metadata = client.get_model_metadata(name)
    answers: dict[str, Any] = {}
    for binary in (False, True):
        tensors = []
        for each in metadata["inputs"]:
            values = [record[each["name"]] for record in service["records"]]
            array: Any = np.array(values, dtype=DTYPES[each["datatype"]])
            tensors.append(triton.InferInput(each["name"], array.shape, each["datatype"]))
            tensors[-1].set_data_from_numpy(array, binary_data=binary)
        outputs = [
            triton.InferRequestedOutput(each["name"], binary_data=binary) for each in metadata["outputs"]
        ]
        result = client.infer(name, tensors, outputs=outputs, request_id="7")
        assert result.get_response()["id"] == "7"
        columns = {
            each["name"]: texts_of(result.as_numpy(each["name"]).tolist()) for each in metadata["outputs"]
        }
        answers[str(binary)] = [
            dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
        ]
        answers[f"raw {binary}"] = sum("data" not in each for each in result.get_response()["outputs"])
    # Without a list of outputs, the client wants all of them as bytes.
    assert len(client.infer(name, tensors).get_response()["outputs"]) == len(metadata["outputs"])
    bad = triton.InferInput("x y", [1], "INT64")
    bad.set_data_from_numpy(np.array([1]))
    try:
        client.infer(name, [bad, bad])
    except triton.InferenceServerException as error:
        answers["error"] = [error.status(), error.message()]
    return answers


print(json.dumps({name: ask(name, each) for name, each in json.loads(sys.argv[1]).items()}))
