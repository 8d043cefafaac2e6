"""Masked arrays of numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scaffold.render._code import Node, call, code, name, text
from scaffold.render.kinds._kind import Wrap
from scaffold.render.kinds.numpy import NumpyKind
from scaffold.spec import Missing, Optional, Scalar, ScalarType, Tensor

if TYPE_CHECKING:
    from scaffold.render._source._values import Values

_HIDDEN = {ScalarType.BOOLEAN: "False", ScalarType.STRING: '""', ScalarType.BYTES: 'b""'}
_HIDDEN |= {ScalarType.DATETIME: '"NaT"', ScalarType.DURATION: '"NaT"'}
"""What lies under the mask, which has to be of the dtype; a zero where it is a number."""


class MaskedKind(NumpyKind):
    """numpy, with a mask over the values that are missing."""

    def array(self, values: Values, tensor: Tensor, value: str, wrap: Wrap) -> Node:
        """Return a masked array of the dtype of the sample."""
        values.imports.whole("numpy", "np")
        dtype = name(tensor.dtype) if tensor.dtype in ("str", "bytes") else text(tensor.dtype)
        match tensor.items:
            case Optional(of=Scalar(type=type_), missing=Missing.MASKED):
                rank, hidden = len(tensor.shape), _HIDDEN.get(type_, "0")
                held = values.each_item(value, rank, lambda v: code(f"{hidden} if {v} is None else {v}"))
                mask = values.each_item(value, rank, lambda v: code(f"{v} is None"))
                return call("np.ma.array", wrap(held), mask=wrap(mask), dtype=dtype)
            case _:
                return call("np.ma.array", wrap(values.nested(tensor, value)), dtype=dtype)
