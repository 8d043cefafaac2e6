"""Write a file of ONNX that holds one operator, without the library `onnx`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scaffold.spec import Constant

_IR_VERSION = 10
_ELEMENT_TYPES = {"<f4": 1, "|u1": 2, "<f8": 11}
_INT, _TENSOR, _INTS = 2, 4, 7  # AttributeProto.AttributeType


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """An operator with one input, named `x`, and one output, named `y`: arrays of rows."""

    name: str
    """`TreeEnsemble`."""
    domain: str
    """`ai.onnx.ml`."""
    version: int
    """Of the operators of the domain."""
    dtype: str
    """Of the input and the output: `<f8`."""
    columns: tuple[int, int]
    """Of the input and the output."""
    attributes: Mapping[str, int | Sequence[int] | Constant]


def write_onnx(operator: Operator) -> bytes:
    """Return the content of a file that onnxruntime reads.

    Source: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto has the numbers of the fields.
    """
    node = [_text(1, "x"), _text(2, "y"), _text(4, operator.name), _text(7, operator.domain)]
    node += [_part(5, _attribute(name, value)) for name, value in sorted(operator.attributes.items())]
    taken, given = operator.columns
    graph = [
        _part(1, node),
        _text(2, operator.name),
        _part(11, _rows("x", operator.dtype, taken)),
        _part(12, _rows("y", operator.dtype, given)),
    ]
    model = [
        _number(1, _IR_VERSION),
        _part(7, graph),
        _part(8, [_text(1, operator.domain), _number(2, operator.version)]),
    ]
    return b"".join(model)


def _attribute(name: str, value: int | Sequence[int] | Constant) -> list[bytes]:
    match value:
        case int():
            return [_text(1, name), _number(3, value), _number(20, _INT)]
        case Constant():
            return [_text(1, name), _part(5, _tensor(value)), _number(20, _TENSOR)]
        case _:
            packed = b"".join(map(_varint, value))
            return [_text(1, name), _part(8, [packed]), _number(20, _INTS)]


def _tensor(array: Constant) -> list[bytes]:
    sizes = [_number(1, size) for size in array.shape]
    return [*sizes, _number(2, _ELEMENT_TYPES[array.dtype]), _part(9, [array.content])]


def _rows(name: str, dtype: str, columns: int) -> list[bytes]:
    """Return the type of an array with any number of rows."""
    shape = [_part(1, [_text(2, "rows")]), _part(1, [_number(1, columns)])]
    tensor = [_number(1, _ELEMENT_TYPES[dtype]), _part(2, shape)]
    return [_text(1, name), _part(2, [_part(1, tensor)])]


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _text(field: int, value: str) -> bytes:
    return _part(field, [value.encode()])


def _part(field: int, content: list[bytes]) -> bytes:
    joined = b"".join(content)
    return _varint(field << 3 | 2) + _varint(len(joined)) + joined


def _varint(value: int) -> bytes:
    """Return a number that is not negative, seven bits to a byte, the lowest first."""
    made = bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    made.append(value)
    return bytes(made)
