"""Tensors of torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scaffold.render._code import Imports, Node, call, name
from scaffold.render.kinds._kind import Kind
from scaffold.spec import Tensor

if TYPE_CHECKING:
    from scaffold.render._source._values import Values


class TorchKind(Kind):
    """torch."""

    def annotation(self, imports: Imports) -> str:
        """Return the type of a tensor."""
        imports.whole("torch")
        return "torch.Tensor"

    def array(self, values: Values, tensor: Tensor, nested: Node) -> Node:
        """Return a tensor of the dtype of the sample."""
        values.imports.whole("torch")
        return call("torch.tensor", nested, dtype=name(f"torch.{tensor.dtype}"))
