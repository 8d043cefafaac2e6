"""The binary tensor data extension of Triton: tensors as raw bytes after the JSON."""

import base64
import math
import struct
from collections.abc import Iterator
from typing import Any

HEADER = "inference-header-content-length"  # bytes of the JSON before the tensors
FORMATS = {
    "BOOL": "?", "INT8": "b", "INT16": "h", "INT32": "i", "INT64": "q",
    "UINT8": "B", "UINT16": "H", "UINT32": "I", "UINT64": "Q",
    "FP16": "e", "FP32": "f", "FP64": "d",
}  # fmt: skip


def add_values(request: Any, raw: bytes) -> None:
    """Give the binary tensors of a request their `data`.

    Raises:
        ValueError, LookupError, TypeError, AttributeError, struct.error: They do not match.
    """
    at = 0
    for tensor in request["inputs"]:
        length = (tensor.get("parameters") or {}).pop("binary_data_size", None)
        if length is not None:
            tensor["data"] = values_of(raw[at : at + length], tensor["datatype"])
            at += length
    if at != len(raw):
        raise ValueError("bytes that belong to no tensor")


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


def take_values(tensor: Any) -> bytes:
    """Return the `data` of a tensor as bytes, which replace it.

    A tensor of integers with a null, or one with nested values, stays JSON.
    """
    raw = bytes_of(tensor["data"], tensor["datatype"])
    if raw is None:
        return b""
    del tensor["data"]
    tensor["parameters"] = {**tensor.get("parameters", {}), "binary_data_size": len(raw)}
    return raw


def bytes_of(values: list[Any], datatype: str) -> bytes | None:
    """Return the bytes of values, a null as NaN; None if they have no bytes."""
    if datatype == "BYTES":
        if not all(isinstance(each, str) for each in values):
            return None
        parts = [each.encode() for each in values]
        return b"".join(struct.pack("<I", len(each)) + each for each in parts)
    if datatype.startswith("FP"):
        values = [math.nan if each is None else each for each in values]
    if not all(isinstance(each, int | float) for each in values):
        return None
    return struct.pack(f"<{len(values)}{FORMATS[datatype]}", *values)
