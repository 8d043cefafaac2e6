"""The binary tensor data extension of Triton, for requests: tensors as raw bytes after the JSON."""

import base64
import math
import struct
from collections.abc import Iterator
from typing import Any

from pydantic_core import from_json, to_json
from starlette._utils import get_route_path
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = b"inference-header-content-length"  # bytes of the JSON before the tensors
FORMATS = {
    "BOOL": "?", "INT8": "b", "INT16": "h", "INT32": "i", "INT64": "q",
    "UINT8": "B", "UINT16": "H", "UINT32": "I", "UINT64": "Q",
    "FP16": "e", "FP32": "f", "FP64": "d",
}  # fmt: skip


class BinaryTensors:
    """ASGI middleware, the innermost: the routes get JSON, as without the extension."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and get_route_path(scope).endswith("/infer"):
            headers = dict(scope["headers"])
            size = headers.pop(HEADER, b"")
            if size:
                try:
                    body = as_json(await read(receive), int(size))
                except (ValueError, LookupError, TypeError, struct.error):
                    detail = "The tensors are not as their JSON describes them."
                    await JSONResponse({"detail": detail}, 400)(scope, receive, send)
                    return
                receive = replay(body)
                headers |= {b"content-length": str(len(body)).encode()}
                headers[b"content-type"] = b"application/json"
            # Triton's client names no media type.
            headers.setdefault(b"content-type", b"application/json")
            scope = {**scope, "headers": [*headers.items()]}
        await self.app(scope, receive, send)


async def read(receive: Receive) -> bytes:
    """Return the body of a request."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def replay(body: bytes) -> Receive:
    """Return a `receive` that passes the body to the routes."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive


def as_json(body: bytes, size: int) -> bytes:
    """Return the JSON of a request with the values of its tensors.

    Raises:
        ValueError, LookupError, TypeError, struct.error: The tensors do not match the JSON.
    """
    request = from_json(body[:size])
    at = size
    for tensor in request["inputs"]:
        length = tensor.get("parameters", {}).pop("binary_data_size", None)
        if length is not None:
            tensor["data"] = values_of(body[at : at + length], tensor["datatype"])
            at += length
    if at != len(body):
        raise ValueError("bytes that belong to no tensor")
    return to_json(request)


def values_of(raw: bytes, datatype: str) -> list[Any]:
    """Return the values of a tensor. A NaN is null."""
    if datatype == "BYTES":
        return [*texts(raw)]
    format_ = FORMATS[datatype]
    values = struct.unpack(f"<{len(raw) // struct.calcsize('<' + format_)}{format_}", raw)
    return [None if isinstance(each, float) and math.isnan(each) else each for each in values]


def texts(raw: bytes) -> Iterator[str]:
    """Yield the elements, each after its length; an element that is not UTF-8 becomes base64."""
    at = 0
    while at < len(raw):
        [length] = struct.unpack_from("<I", raw, at)
        element = raw[at + 4 : at + 4 + length]
        if len(element) < length:
            raise ValueError("a text that is cut off")
        try:
            yield element.decode()
        except UnicodeDecodeError:
            yield base64.b64encode(element).decode()
        at += 4 + length
