"""Tables of pyarrow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from scaffold.render._code import Imports, Node, call, code, each, mapping, parenthesised, sequence, text
from scaffold.render._code import name as named
from scaffold.render.kinds._kind import MISSING, Kind, Line
from scaffold.render.kinds.numpy import NINE_DIGITS
from scaffold.spec import List, OpenedFrame, OpenedSeries, OverTime, Scalar, Schema, Table

if TYPE_CHECKING:
    from scaffold.render._source._frames import Batch

_ROWS = Line(
    place=180,
    modules=(("pyarrow", "pa"),),
    text="""    if isinstance(value, pa.Table):
        value = value.to_pylist()""",
)


class ArrowKind(Kind):
    """pyarrow."""

    words = "Return the frame that the model takes: its columns in order, each with its dtype."

    def annotation(self, imports: Imports) -> str:
        """Return the type of a table."""
        imports.whole("pyarrow", "pa")
        return "pa.Table"

    def table(self, batch: Batch, table: Table) -> Node:
        """Return a table with the types of the sample's."""
        batch.imports.whole("pyarrow", "pa")
        columns = mapping(
            (text(c.name), each(code(f"{batch.row}.{c.attribute}"), batch.variable, batch.rows))
            for c in table.columns
        )
        fields = sequence(parenthesised([text(c.name), arrow_type(c.dtype)]) for c in table.columns)
        return call("pa.table", columns, schema=call("pa.schema", fields))

    def unwrap(self, form: OpenedFrame | OpenedSeries | OverTime, *, named: bool) -> str:
        """Return the rows as dicts."""
        return ".to_pylist()"

    def lines(self, schema: Schema) -> Iterator[Line]:
        """Yield the line for a table within an answer."""
        if isinstance(schema, List):
            yield _ROWS

    def scalar_lines(self, scalar: Scalar) -> Iterator[Line]:
        """Yield the lines for moments with nanoseconds, which come as those of pandas."""
        if scalar.nanoseconds:
            yield from (NINE_DIGITS, MISSING)


_TYPES = {
    "bool": "bool_()",
    "double": "float64()",
    "float": "float32()",
    "halffloat": "float16()",
    "date32[day]": "date32()",
    "date64[ms]": "date64()",
}


def arrow_type(type_name: str) -> Node:
    """Return the call that makes the Arrow type of this name."""
    if type_name in _TYPES:
        return code(f"pa.{_TYPES[type_name]}")
    if match := re.fullmatch(r"(timestamp|time32|time64|duration)\[(\w+)(?:, tz=(.+))?\]", type_name):
        zone = text(match[3]) if match[3] else None
        return call(f"pa.{match[1]}", text(match[2]), tz=zone)
    if match := re.fullmatch(r"dictionary<values=(\w+), indices=(\w+), ordered=(\d)>", type_name):
        ordered = named("True") if match[3] == "1" else None
        return call("pa.dictionary", arrow_type(match[2]), arrow_type(match[1]), ordered=ordered)
    if re.fullmatch(r"decimal\d+\(\d+, -?\d+\)", type_name):
        return code(f"pa.{type_name}")
    if not type_name.isidentifier():
        raise ValueError(f"{type_name!r} is no type of Arrow")
    return code(f"pa.{type_name}()")
