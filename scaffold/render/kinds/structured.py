"""Arrays of numpy with named fields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scaffold.render._code import Node, call, code, each, parenthesised, sequence, text
from scaffold.render.kinds._kind import NUMPY, Line
from scaffold.render.kinds.numpy import NumpyKind
from scaffold.spec import Schema, Table, Tensor

if TYPE_CHECKING:
    from scaffold.render._source._frames import Batch

_FIELDS = Line(
    place=150,
    modules=(NUMPY,),
    text="""    if isinstance(value, np.ndarray) and value.dtype.names:
        value = list(value)
    if isinstance(value, np.void) and value.dtype.names:
        value = {name: value[name] for name in value.dtype.names}""",
)


class StructuredKind(NumpyKind):
    """numpy, with named fields."""

    words = "Return the records as the model takes them."

    def table(self, batch: Batch, table: Table) -> Node:
        """Return an array whose elements are the records."""
        batch.imports.whole("numpy", "np")
        row = parenthesised([code(f"{batch.row}.{c.attribute}") for c in table.columns])
        fields = [
            parenthesised(
                [
                    text(c.name),
                    text(c.dtype),
                    *([code(str(c.schema.shape))] if isinstance(c.schema, Tensor) else []),
                ]
            )
            for c in table.columns
        ]
        return call("np.array", each(row, batch.variable, batch.rows), dtype=sequence(fields))

    def lines(self, schema: Schema) -> Iterator[Line]:
        """Yield the line for an element."""
        yield _FIELDS
