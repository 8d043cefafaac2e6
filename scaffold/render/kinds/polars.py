"""Frames and Series of polars."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import libcst as cst

from scaffold.render import _code
from scaffold.render._code import Imports, Node, call, code, each, name, text
from scaffold.render.kinds._kind import Kind, Line
from scaffold.spec import (
    Category,
    Column,
    List,
    OpenedFrame,
    OpenedSeries,
    Optional,
    OverTime,
    Scalar,
    ScalarType,
    Schema,
    Series,
    Table,
    Tensor,
)

if TYPE_CHECKING:
    from scaffold.render._source._frames import Batch
    from scaffold.render._source._values import Values

_ROWS = Line(
    place=170,
    modules=(("polars", "pl"),),
    text="""    if isinstance(value, pl.DataFrame):
        value = value.to_dicts()""",
)
_VALUES = Line(
    place=200,
    modules=(("polars", "pl"),),
    text="""    if isinstance(value, pl.Series):
        value = value.to_list()""",
)
_PLAIN = (ScalarType.BOOLEAN, ScalarType.INTEGER, ScalarType.NUMBER, ScalarType.STRING)


class PolarsKind(Kind):
    """polars."""

    words = "Return the frame that the model takes: its columns in order, each with its dtype."

    def annotation(self, imports: Imports) -> str:
        """Return the type of a frame."""
        imports.whole("polars", "pl")
        return "pl.DataFrame"

    def table(self, batch: Batch, table: Table) -> Node:
        """Return a frame with the schema of the sample's."""
        batch.imports.whole("polars", "pl")
        columns = _code.mapping(
            (
                text(c.name),
                each(_cell(batch.values, c.schema, f"{batch.row}.{c.attribute}"), batch.variable, batch.rows),
            )
            for c in table.columns
        )
        schema = _code.mapping((text(c.name), polars_dtype(c.dtype)) for c in table.columns)
        return call("pl.DataFrame", columns, schema=schema)

    def column(self, batch: Batch, column: Column, value: str) -> Node:
        """Return a Series with the name and dtype of the sample's."""
        batch.imports.whole("polars", "pl")
        values = each(_cell(batch.values, column.items, value), batch.variable, batch.rows)
        return call("pl.Series", _code.literal(column.label), values, dtype=polars_dtype(column.dtype))

    def series(self, values: Values, form: Series, items: Node) -> Node:
        """Return a Series without a name."""
        values.imports.whole("polars", "pl")
        return call("pl.Series", items, dtype=polars_dtype(form.dtype))

    def rows(self, schema: Tensor | Column) -> str:
        """Return the values."""
        return "predictions.to_list()"

    def unwrap(self, form: OpenedFrame | OpenedSeries | OverTime, *, named: bool) -> str:
        """Return the rows as dicts, or the values."""
        return ".to_dicts()" if isinstance(form, OpenedFrame) else ".to_list()"

    def has_plain_dtype(self, schema: Tensor | Column) -> bool:
        """Whether the values are plain; those of polars are so where they may be missing, too."""
        inner = schema.items.of if isinstance(schema.items, Optional) else schema.items
        return isinstance(inner, Scalar) and inner.type in _PLAIN

    def lines(self, schema: Schema) -> Iterator[Line]:
        """Yield the lines for frames and Series within an answer."""
        match schema:
            case List(items=Table()):
                yield _ROWS
            case List(form=Series()):
                yield _VALUES
            case _:
                return


def _cell(values: Values, schema: Schema, value: str) -> Node:
    """Return the Python value of one cell, which polars converts by the dtype."""
    inner = schema.of if isinstance(schema, Optional) else schema
    return code(value) if isinstance(inner, (Scalar, Category)) else values.of(schema, value)


def polars_dtype(written: str) -> Node:
    """Return the expression for a dtype from its `repr`: `pl.` goes before each name."""
    node = _code.literal(written, _DTYPES).visit(_Prefixed())
    assert isinstance(node, cst.BaseExpression)
    return node


class _Prefixed(cst.CSTTransformer):
    """Puts `pl.` before the names of dtypes."""

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> Node:  # noqa: N802
        """Prefix a dtype."""
        return name(f"pl.{updated_node.value}") if updated_node.value in _DTYPES else updated_node


_DTYPES = frozenset(
    """
    Array Binary Boolean Categorical Date Datetime Decimal Duration Enum Field Float32 Float64 Int8 Int16
    Int32 Int64 Int128 List Null Object String Struct Time UInt8 UInt16 UInt32 UInt64
    """.split()  # noqa: SIM905
)
