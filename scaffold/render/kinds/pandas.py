"""Frames, Series and scalars of pandas."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from scaffold.render import _code
from scaffold.render._code import (
    Imports,
    Node,
    call,
    code,
    each,
    label,
    name,
    sequence,
    statement,
    text,
)
from scaffold.render.kinds._kind import MISSING, MOST_WRITTEN_OUT, NUMBER_DTYPE, PANDAS, Line
from scaffold.render.kinds._whole import whole_column
from scaffold.render.kinds.arrow import arrow_type
from scaffold.render.kinds.numpy import NINE_DIGITS, NumpyKind
from scaffold.spec import (
    Category,
    Column,
    Element,
    Field,
    Interval,
    List,
    Missing,
    OpenedFrame,
    OpenedSeries,
    Optional,
    OverTime,
    Period,
    PythonScalar,
    Record,
    Scalar,
    Schema,
    Series,
    Table,
    Tensor,
    TextOf,
    Timedelta,
    Timestamp,
)

if TYPE_CHECKING:
    from scaffold.render._source._columns import Columns
    from scaffold.render._source._frames import Batch
    from scaffold.render._source._values import Values

_PERIOD = Line(
    place=50,
    modules=(PANDAS,),
    text="""    if isinstance(value, pd.Period):
        return str(value)""",
)
_INTERVAL = Line(
    place=130,
    modules=(PANDAS,),
    text="""    if isinstance(value, pd.Interval):
        return str(value)""",
)
_FRAME = Line(
    place=160,
    modules=(PANDAS,),
    text="""    if isinstance(value, pd.DataFrame):
        value = value.to_dict("records")""",
)
_NAMED = Line(
    place=190,
    modules=(PANDAS,),
    text="""    if isinstance(value, pd.Series) and all(isinstance(x, str) for x in value.index):
        value = value.to_dict()""",
)


class PandasKind(NumpyKind):
    """pandas, whose columns are of the dtypes of numpy and of its own."""

    words = "Return the frame that the model takes: its columns in order, each with its dtype."

    def annotation(self, imports: Imports) -> str:
        """Return the type of a frame."""
        imports.whole("pandas", "pd")
        return "pd.DataFrame"

    def table(self, batch: Batch, table: Table) -> Node:
        """Return a frame with the dtypes of the sample's."""
        batch.imports.whole("pandas", "pd")
        if _is_uniform(table) and batch.is_whole:
            return _wide_frame(batch, table)
        columns = [
            (
                label(c.name, c.label),
                _column(batch, c.schema, c.dtype, f"{batch.row}.{c.attribute}", c.attribute),
            )
            for c in table.columns
        ]
        return call("pd.DataFrame", _code.mapping(columns))

    def columns(self, columns: Columns, table: Table) -> Node | None:
        """Return a frame with the dtypes of the sample's."""
        checked = columns.all_checked(table)
        names = [column.attribute.upper() for column in table.columns]
        if checked is None or len({*names}) < len(names):
            return None
        columns.imports.whole("pandas", "pd")
        made = [whole_column(columns, *each) for each in zip(table.columns, checked, strict=True)]
        labels = [label(column.name, column.label) for column in table.columns]
        nodes = [node for node in made if node is not None]
        if len(nodes) < len(made):
            return None
        return call("pd.DataFrame", _code.mapping(zip(labels, nodes, strict=True)))

    def column(self, batch: Batch, column: Column, value: str) -> Node:
        """Return a Series with the name and dtype of the sample's."""
        batch.imports.whole("pandas", "pd")
        values = _column(batch, column.items, column.dtype, value, "data")
        return call("pd.Series", values, name=None if column.label == "None" else _code.literal(column.label))

    def column_array(self, batch: Batch, column: Field) -> Node:
        """Return an array of numpy: of objects where the dtype is not one of numpy's numbers."""
        value = f"{batch.row}.{column.attribute}"
        if NUMBER_DTYPE.fullmatch(column.dtype):
            return _column(batch, column.schema, column.dtype, value, column.attribute)
        return batch.values.numpy_array("object", each(code(value), batch.variable, batch.rows))

    def series(self, values: Values, form: Series, items: Node) -> Node:
        """Return a Series without a name."""
        values.imports.whole("pandas", "pd")
        return call("pd.Series", items, dtype=text(form.dtype))

    def rows(self, schema: Tensor | Column) -> str:
        """Return the values."""
        return "predictions.tolist()"

    def unwrap(self, form: OpenedFrame | OpenedSeries | OverTime, *, named: bool) -> str:
        """Return the rows as dicts, a row as one, or the values."""
        match form:
            case OpenedFrame():
                return '.to_dict("records")'
            case OverTime(curve=True):
                return '.iloc[:, 0].reset_index(name="value").to_dict("records")'
            case OverTime():
                return '.reset_index().to_dict("records")'
            case OpenedSeries():
                return ".to_dict()" if named else ".tolist()"

    def lines(self, schema: Schema) -> Iterator[Line]:
        """Yield the lines for frames and Series, whose values may be missing."""
        match schema:
            case List():
                yield from (_FRAME,) if isinstance(schema.items, Table) else ()
            case Record():
                yield from (MISSING, _NAMED)
            case _:
                yield MISSING

    def scalar_lines(self, scalar: Scalar) -> Iterator[Line]:
        """Yield the lines for periods, intervals and moments."""
        match scalar.native:
            case Period():
                yield from (_PERIOD, MISSING)
            case Interval() | TextOf(of=Interval()):
                yield _INTERVAL
            case Timestamp() | Timedelta():
                yield from (NINE_DIGITS, MISSING) if scalar.nanoseconds else (MISSING,)
            case _:
                yield from super().scalar_lines(scalar)


def _is_uniform(table: Table) -> bool:
    """Whether the table is wide and all its columns have the same numpy dtype."""
    dtypes = {column.dtype for column in table.columns}
    if len(table.columns) <= MOST_WRITTEN_OUT or len(dtypes) > 1:
        return False
    if any(_changes_for_null(column.schema, column.dtype) for column in table.columns):
        return False
    return NUMBER_DTYPE.fullmatch(dtypes.pop()) is not None


def _wide_frame(batch: Batch, table: Table) -> Node:
    """Return the expression for a wide table of one dtype: a single array, which is fast."""
    labels: Node = code(
        "[name if field.alias is None else field.alias for name, field in ModelInput.model_fields.items()]"
    )
    if [column.label for column in table.columns] == [str(i) for i in range(len(table.columns))]:
        labels = code(f"range({len(table.columns)})")
    elif any(column.label for column in table.columns):
        labels = sequence(label(column.name, column.label) for column in table.columns)
    rows = batch.wide_rows()
    batch.constants.append(statement("COLUMNS = ", labels))
    values = batch.values.numpy_array(table.columns[0].dtype, rows)
    return call("pd.DataFrame", values, columns=name("COLUMNS"))


def _column(batch: Batch, schema: Schema, dtype: str, value: str, attribute: str) -> Node:
    """Return the expression for one column: a numpy array where the dtype is numpy's."""
    inner = schema.of if isinstance(schema, Optional) else schema
    if isinstance(inner, Category):
        return _categorical(batch, inner, value, attribute)
    values = each(code(value), batch.variable, batch.rows)
    if dtype == "object":
        # A Series: pandas would take an array of texts for its own `str`, numpy lists for more axes.
        objects = each(batch.values.of(schema, value), batch.variable, batch.rows)
        return call("pd.Series", objects, dtype=name("object"))
    if _changes_for_null(schema, dtype):
        # As pandas itself has it: whole numbers with a missing one are floats, and only then.
        has_null = f"any({value} is None for {batch.variable} in {batch.rows})"
        wider = "object" if dtype == "bool" else "float64"
        batch.imports.whole("numpy", "np")
        return call("np.array", values, dtype=code(f'"{wider}" if {has_null} else "{dtype}"'))
    if re.fullmatch(r"bool|u?int\d+|float\d+|datetime64\[\w+\]|timedelta64\[\w+\]", dtype):
        return batch.values.numpy_array(dtype, values)
    if match := re.fullmatch(r"datetime64\[(\w+), (.+)\]", dtype):
        zoned = call("pd.DatetimeTZDtype", text(match[1]), text(match[2]))
        return call("pd.array", values, dtype=zoned)
    if dtype.endswith("[pyarrow]"):
        batch.imports.whole("pyarrow", "pa")
        arrow = call("pd.ArrowDtype", arrow_type(dtype.removesuffix("[pyarrow]")))
        return call("pd.array", values, dtype=arrow)
    if dtype == "str[python]":
        python = call("pd.StringDtype", text("python"), na_value=batch.values.missing(Missing.NAN))
        return call("pd.array", values, dtype=python)
    return call("pd.array", values, dtype=text(dtype))


def _changes_for_null(schema: Schema, dtype: str) -> bool:
    """Whether a column may hold nulls, and its dtype has none."""
    return isinstance(schema, Optional) and re.fullmatch(r"bool|u?int\d+", dtype) is not None


def _categorical(batch: Batch, category: Category, value: str, attribute: str) -> Node:
    """Return the expression for a categorical column, built from codes, which is fast."""
    constant = attribute.upper()
    while any(line.startswith(f"{constant} = ") for line in batch.constants):
        constant += "_"  # another table has a column of that name
    levels = sequence(_code.value(level) for level in category.levels)
    levels_expression = f"{constant}.categories"
    categories: Node = levels
    match category.of.native:
        case TextOf(of=of):
            levels_expression = f"{constant}_LEVELS"
            batch.constants.append(statement(f"{levels_expression} = ", levels))
            categories = _levels_of_texts(batch, category, of, levels_expression)
        case Element(dtype=dtype):
            categories = call("pd.Index", levels, dtype=text(dtype))
    dtype_node = call("pd.CategoricalDtype", categories, ordered=name("True") if category.ordered else None)
    batch.constants.append(statement(f"{constant} = ", dtype_node))
    codes = f"{{None: -1}} | {{level: code for code, level in enumerate({levels_expression})}}"
    batch.constants.append(f"{constant}_CODES = {codes}")
    codes_node = each(code(f"{constant}_CODES[{value}]"), batch.variable, batch.rows)
    return call("pd.Categorical.from_codes", codes_node, dtype=name(constant))


def _levels_of_texts(batch: Batch, category: Category, of: object, constant: str) -> Node:
    """Return the levels that texts stand for."""
    match of:
        case PythonScalar():
            batch.imports.take("datetime", "date")
            dates = each(code("date.fromisoformat(level)"), "level", constant)
            return call("pd.Index", dates, dtype=name("object"))
        case Element(dtype=dtype):
            return call("pd.Index", code(constant), dtype=text(dtype))
        case _:
            return _intervals(category)


def _intervals(category: Category) -> Node:
    matches = [_ENDS.fullmatch(str(level)) for level in category.levels]
    ends = sequence(code(f"({match[2]}, {match[3]})") for match in matches if match)
    closed = {"[]": "both", "()": "neither", "[)": "left"}.get(
        (matches[0][1] + matches[0][4]) if matches[0] else "", "right"
    )
    return call("pd.IntervalIndex.from_tuples", ends, closed=text(closed))


_ENDS = re.compile(r"([\[(])(-?[\w.+-]+), (-?[\w.+-]+)([\])])")
