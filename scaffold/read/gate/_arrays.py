"""Pass over the arrays that joblib writes between the opcodes.

Source: `NumpyArrayWrapper.read_array` in joblib's numpy_pickle.py: after the BUILD of a wrapper come a byte
with the length of the padding, the padding, and the array's bytes; or, for an array of objects, a pickle of
its own.
"""

from __future__ import annotations

import math
import re

from scaffold.read._streams import MalformedError, Stream
from scaffold.read.gate._values import Call, Named, Pairs, Value

_PLAIN = re.compile(r"[<>|=]?([?bBiufcmM])(\d+)|[<>|=]?([SUV])(\d+)")
_NUMERIC = re.compile(r"[<>|=]?[?bBiufcmM]\d+")
_ALIGNMENT = "numpy_array_alignment_bytes"
_NUMPY_DTYPE = "numpy.dtype"


def skip_array(wrapper: Call, stream: Stream) -> bool:
    """Move `stream` behind the array that `wrapper` announces.

    Returns:
        Whether a pickle follows instead, which is still to be followed: the array holds objects.

    Raises:
        MalformedError: The wrapper does not say in plain values how long the array is.
    """
    state = wrapper.state
    if not isinstance(state, Pairs) or not state.whole:
        raise MalformedError(stream.position, "an array without a description")
    item_size = _item_size(state.get("dtype"))
    shape = state.get("shape")
    if item_size is None:
        return True
    if not isinstance(shape, tuple) or not all(isinstance(n, int) and n >= 0 for n in shape):
        raise MalformedError(stream.position, "an array without a shape")
    keys = [key for key, _ in state.values if isinstance(key, str)]
    alignment = state.get(_ALIGNMENT) if _ALIGNMENT in keys else None
    if not isinstance(alignment, int | None):
        raise MalformedError(stream.position, "an array without an alignment")
    if alignment is not None:
        stream.skip(stream.read(1)[0])
    if item_size < 0:
        raise MalformedError(stream.position, "an array of a dtype that cannot be told")
    stream.skip(math.prod(n for n in shape if isinstance(n, int)) * item_size)
    return False


def _item_size(dtype: Value) -> int | None:
    """Bytes of one item; None if the items are objects, -1 if the size cannot be read."""
    if not (
        isinstance(dtype, Call) and isinstance(dtype.maker, Named) and dtype.maker.dotted == _NUMPY_DTYPE
    ):
        return -1
    code = dtype.arguments[0] if dtype.arguments else None
    if not isinstance(code, str):
        return -1
    size = _size_of_code(code, dtype.state)
    # numpy believes the flag of the state, and reads objects, or what it takes for objects, by that.
    return -1 if _flag_of_objects(dtype.state) not in (None, size is None) else size


def _size_of_code(code: str, state: Value) -> int | None:
    if re.fullmatch(r"\|?O\d*", code):
        return None if _is_plain_state(state) else -1
    match = _PLAIN.fullmatch(code)
    if match is None:
        return -1
    if match[1]:
        return int(match[2]) if _is_plain_state(state) else -1
    return _flexible_size(match[3], int(match[4]), state)


def _is_plain_state(state: Value) -> bool:
    """Whether the state of a dtype adds nothing to its code but the order of bytes."""
    return state is None or (
        isinstance(state, tuple) and len(state) >= 7 and all(part is None for part in state[2:5])
    )


def _flag_of_objects(state: Value) -> bool | None:
    """Whether the state says that an item holds objects; None where there is no state, or it does not say.

    Source: `NPY_ITEM_REFCOUNT` among the flags in numpy's ndarraytypes.h.
    """
    if state is None:
        return None
    if not isinstance(state, tuple) or len(state) < 8 or not isinstance(state[7], int):
        return None
    return bool(state[7] & 1)


def is_numeric_dtype(dtype: Value) -> bool:
    """Whether this is a dtype of numbers or times."""
    if not (isinstance(dtype, Call) and isinstance(dtype.maker, Named) and dtype.arguments):
        return False
    code = dtype.arguments[0]
    return (
        dtype.maker.dotted == _NUMPY_DTYPE and isinstance(code, str) and _NUMERIC.fullmatch(code) is not None
    )


def _size_of_field(dtype: Value) -> int | None:
    """Bytes of one field of a structured dtype, which may hold a subarray."""
    state = dtype.state if isinstance(dtype, Call) else None
    if isinstance(state, tuple) and len(state) >= 7 and isinstance(state[2], tuple) and state[2]:
        return _item_size(state[2][0])
    return _item_size(dtype)


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
    if subarray is not None or not isinstance(fields, Pairs) or not fields.whole:
        return -1
    inners = [_size_of_field(value[0]) for _, value in fields.values if isinstance(value, tuple) and value]
    if len(inners) != len(fields.values) or any(inner is not None and inner < 0 for inner in inners):
        return -1
    return None if None in inners else size
