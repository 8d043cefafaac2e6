"""Pass over the arrays that joblib writes between the opcodes.

Source: `NumpyArrayWrapper.read_array` in joblib's numpy_pickle.py: after the BUILD of a wrapper come a byte
with the length of the padding, the padding, and the array's bytes; or, for an array of objects, a pickle of
its own.
"""

from __future__ import annotations

import math
import re

from scaffold.read._streams import GarbledError, Stream
from scaffold.read._values import Made, Named, Pairs, Value

_PLAIN = re.compile(r"[<>|=]?([?bBiufcmM])(\d+)|[<>|=]?([SUV])(\d+)")
_NUMPY_DTYPE = "numpy.dtype"


def pass_array(wrapper: Made, stream: Stream) -> bool:
    """Move `stream` behind the array that `wrapper` announces.

    Returns:
        Whether a pickle follows instead, which is still to be followed: the array holds objects.

    Raises:
        GarbledError: The wrapper does not say in plain values how long the array is.
    """
    state = wrapper.state
    if not isinstance(state, Pairs) or not state.whole:
        raise GarbledError(stream.position, "an array without a description")
    item_size = _item_size(state.get("dtype"))
    shape = state.get("shape")
    if item_size is None:
        return True
    if not isinstance(shape, tuple) or not all(isinstance(n, int) and n >= 0 for n in shape):
        raise GarbledError(stream.position, "an array without a shape")
    keys = state.keys()
    if "numpy_array_alignment_bytes" in keys and state.get("numpy_array_alignment_bytes") is not None:
        stream.skip(stream.read(1)[0])
    if item_size < 0:
        raise GarbledError(stream.position, "an array of a dtype that cannot be told")
    stream.skip(math.prod(n for n in shape if isinstance(n, int)) * item_size)
    return False


def _item_size(dtype: Value) -> int | None:
    """Bytes of one item; None if the items are objects, -1 if it cannot be told."""
    if not (
        isinstance(dtype, Made) and isinstance(dtype.maker, Named) and dtype.maker.dotted == _NUMPY_DTYPE
    ):
        return -1
    code = dtype.arguments[0] if dtype.arguments else None
    if not isinstance(code, str):
        return -1
    if re.fullmatch(r"\|?O\d*", code):
        return None
    match = _PLAIN.fullmatch(code)
    if match is None:
        return -1
    if match[1]:
        return int(match[2])
    return _flexible_size(match[3], int(match[4]), dtype.state)


def _flexible_size(kind: str, count: int, state: Value) -> int | None:
    """The size of a text, bytes or record dtype; its state must say the same as its code."""
    size = count * (4 if kind == "U" else 1)
    if state is None:
        return size
    if not isinstance(state, tuple) or len(state) < 7:
        return -1
    subarray, fields, announced = state[2], state[4], state[5]
    if announced not in (size, -1):
        return -1
    if kind != "V" or (subarray is None and fields is None):
        return size
    if isinstance(subarray, tuple) and subarray:
        inner = _item_size(subarray[0])
        return inner if inner is None or inner < 0 else size
    if not isinstance(fields, Pairs) or not fields.whole:
        return -1
    inners = [_item_size(value[0]) for _, value in fields.values if isinstance(value, tuple) and value]
    if len(inners) != len(fields.values) or any(inner is not None and inner < 0 for inner in inners):
        return -1
    return None if None in inners else size
