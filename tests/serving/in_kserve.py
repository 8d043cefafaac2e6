"""Ask services by KServe's client and print what it reads. It runs where kserve is installed."""

import asyncio
import json
import sys
from typing import Any

import httpx
import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest
from kserve.inference_client import RESTConfig
from kserve.protocol.infer_type import RequestedOutput

DTYPES = {"FP64": np.float64, "INT64": np.int64, "BOOL": np.bool_, "BYTES": np.object_}


def request_of(
    name: str, records: list[Any], inputs: list[Any], outputs: list[Any], binary: bool
) -> InferRequest:
    """Return the records as tensors of the datatypes that the service names."""
    tensors = []
    for each in inputs:
        values: Any = np.array([record[each["name"]] for record in records], dtype=DTYPES[each["datatype"]])
        tensor = InferInput(each["name"], [*values.shape], each["datatype"])
        tensor.set_data_from_numpy(values, binary_data=binary)
        tensors.append(tensor)
    wanted = [RequestedOutput(each["name"], {"binary_data": binary}) for each in outputs]
    return InferRequest(name, tensors, request_id="7", request_outputs=wanted)


async def ask(client: InferenceRESTClient, name: str, service: Any) -> dict[str, Any]:
    """Return the answers to JSON and to binary tensors, and the error of a bad request."""
    url = f"http://127.0.0.1:{service['port']}"
    assert await client.is_server_live(url)
    assert await client.is_server_ready(url)
    assert await client.is_model_ready(url, name)
    metadata = httpx.get(f"{url}/v2/models/{name}").json()
    answers: dict[str, Any] = {}
    for binary in (False, True):
        request = request_of(name, service["records"], metadata["inputs"], metadata["outputs"], binary)
        response = await client.infer(url, request, model_name=name)
        assert response.id == "7"
        columns = {each.name: each.data for each in response.outputs}
        answers[str(binary)] = [
            dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
        ]
    try:
        await client.infer(
            url, InferRequest(name, [InferInput("x y", [1], "INT64", [1])] * 2), model_name=name
        )
    except httpx.HTTPStatusError as error:
        answers["error"] = str(error)
    return answers


async def main() -> None:
    client = InferenceRESTClient(RESTConfig(protocol="v2", retries=0))
    services = json.loads(sys.argv[1])
    print(json.dumps({name: await ask(client, name, each) for name, each in services.items()}))


asyncio.run(main())
