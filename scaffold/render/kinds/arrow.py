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
        data = mapping(
            (text(c.name), each(code(f"{batch.row}.{c.attribute}"), batch.variable, batch.rows))
            for c in table.columns
        )
        fields = sequence(parenthesised([text(c.name), arrow_type(c.dtype)]) for c in table.columns)
        return call("pa.table", data, schema=call("pa.schema", fields))

    def opened(self, form: OpenedFrame | OpenedSeries | OverTime, *, named: bool) -> str:
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


def arrow_type(written: str) -> Node:
    """Return the call that makes an Arrow type of how Arrow writes it."""
    if written in _TYPES:
        return code(f"pa.{_TYPES[written]}")
    if found := re.fullmatch(r"(timestamp|time32|time64|duration)\[(\w+)(?:, tz=(.+))?\]", written):
        zone = text(found[3]) if found[3] else None
        return call(f"pa.{found[1]}", text(found[2]), tz=zone)
    if found := re.fullmatch(r"dictionary<values=(\w+), indices=(\w+), ordered=(\d)>", written):
        ordered = named("True") if found[3] == "1" else None
        return call("pa.dictionary", arrow_type(found[2]), arrow_type(found[1]), ordered=ordered)
    if re.fullmatch(r"decimal\d+\(\d+, -?\d+\)", written):
        return code(f"pa.{written}")
    if not written.isidentifier():
        raise ValueError(f"{written!r} is no type of Arrow")
    return code(f"pa.{written}()")
