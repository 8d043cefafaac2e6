"""Tensors of torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scaffold.render._code import Imports, Node, call, name
from scaffold.render.kinds._kind import Kind, Wrap
from scaffold.spec import Missing, Optional, Scalar, ScalarType, Tensor

if TYPE_CHECKING:
    from scaffold.render._source._values import Values


_GAPS = Optional(of=Scalar(type=ScalarType.NUMBER), missing=Missing.NAN)


class TorchKind(Kind):
    """torch."""

    def annotation(self, imports: Imports) -> str:
        """Return the type of a tensor."""
        imports.whole("torch")
        return "torch.Tensor"

    def array(self, values: Values, tensor: Tensor, value: str, wrap: Wrap) -> Node:
        """Return a tensor of the dtype of the sample: torch takes NaN for what is missing, and no `None`."""
        values.imports.whole("torch")
        nested = values.nested(tensor, value)
        if isinstance(tensor.items, Optional):
            nested = values.each_item(value, len(tensor.shape), lambda item: values.of(_GAPS, item))
        if not tensor.dtype.isidentifier():
            raise ValueError(f"{tensor.dtype!r} is no dtype of torch")
        return call("torch.tensor", wrap(nested), dtype=name(f"torch.{tensor.dtype}"))
