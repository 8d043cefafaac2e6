"""Tensors of torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scaffold.render._code import Imports, Node, call, name
from scaffold.render.kinds._kind import Kind, Wrap
from scaffold.spec import Missing, Optional, Scalar, ScalarType, Tensor

if TYPE_CHECKING:
    from scaffold.render._source._values import Values


_NUMBER_OR_NAN = Optional(of=Scalar(type=ScalarType.NUMBER), missing=Missing.NAN)


class TorchKind(Kind):
    """Tensors of torch, in the code of a service."""

    def annotation(self, imports: Imports) -> str:
        """Return the type of a tensor."""
        imports.whole("torch")
        return "torch.Tensor"

    def array(self, values: Values, tensor: Tensor, value: str, wrap: Wrap) -> Node:
        """Return a tensor of the sample's dtype, with NaN for missing values: torch takes no `None`."""
        values.imports.whole("torch")
        nested = values.nested(tensor, value)
        if isinstance(tensor.items, Optional):
            nested = values.each_item(value, len(tensor.shape), lambda item: values.of(_NUMBER_OR_NAN, item))
        if not tensor.dtype.isidentifier():
            raise ValueError(f"{tensor.dtype!r} is no dtype of torch")
        return call("torch.tensor", wrap(nested), dtype=name(f"torch.{tensor.dtype}"))
