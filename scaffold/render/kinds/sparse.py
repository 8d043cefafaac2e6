"""Sparse matrices and arrays of scipy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scaffold.render._code import Node, call, text
from scaffold.render.kinds._kind import Kind, Line, Wrap
from scaffold.spec import Column, Schema, Sparse, Tensor

if TYPE_CHECKING:
    from scaffold.render._source._values import Values

_DENSE = Line(
    place=220,
    text="""    if hasattr(value, "toarray"):  # a sparse matrix
        value = value.toarray()""",
)


class SparseKind(Kind):
    """scipy."""

    def array(self, values: Values, tensor: Tensor, value: str, wrap: Wrap) -> Node:
        """Return a sparse matrix of the class of the sample."""
        assert isinstance(tensor.container, Sparse)
        values.imports.whole("numpy", "np")
        values.imports.take("scipy.sparse", tensor.container.matrix)
        dense = call("np.array", wrap(values.nested(tensor, value)), dtype=text(tensor.dtype))
        return call(tensor.container.matrix, dense)

    def rows(self, schema: Tensor | Column) -> str:
        """Return the rows with their zeros."""
        return "predictions.toarray().tolist()"

    def lines(self, schema: Schema) -> Iterator[Line]:
        """Yield the line for a matrix."""
        yield _DENSE
