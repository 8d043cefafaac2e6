"""The expressions that make a frame, an array or a Series of many records, column by column."""

from __future__ import annotations

import copy
import re

import libcst as cst

from scaffold.render._source import _code
from scaffold.render._source._code import (
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
from scaffold.render._source._values import Values
from scaffold.spec import Category, Column, Optional, Scalar, Schema, Table, Tensor

_MOST_WRITTEN_OUT = 40
"""A table of one dtype with more columns is built from `schemas.py`, where they stand in order."""


class Frames:
    """Writes the container that a batch of records goes into."""

    def __init__(self, imports: Imports, values: Values) -> None:
        self.imports, self.values = imports, values
        values.table = self.within
        self.variable, self.rows, self.row = "record", "records", "record"
        """The loop over the rows, and where each of them is in what it loops over."""
        self.constants: list[str] = []
        """Statements above the functions: the levels of categorical columns, long lists of columns."""

    def table(self, table: Table) -> Node:
        """Return the expression for the records of a table."""
        match table.native:
            case "pandas":
                return self._pandas(table)
            case "polars":
                return self._polars(table)
            case "pyarrow":
                return self._arrow(table)
            case "structured":
                return self._structured(table)
            case "array":
                return self._array(table)
            case _:
                return each(self.values.mapping(table.columns, self.row), self.variable, self.rows)

    def within(self, table: Table, rows: str) -> Node:
        """Return the expression for a table that is one value of a record."""
        inner = copy.copy(self)
        inner.variable, inner.rows, inner.row = "row", rows, "row"
        return inner.table(table)

    def argument(self, table: Table, value: str) -> Node:
        """Return the expression for a table of which each record holds one row."""
        inner = copy.copy(self)
        inner.row = value
        return inner.table(table)

    def _pandas(self, table: Table) -> Node:
        self.imports.whole("pandas", "pd")
        if _is_uniform(table) and self.row == "record":
            return self._wide_pandas(table)
        columns = [
            (
                label(c.name, c.label),
                self._pandas_column(c.schema, c.dtype, f"{self.row}.{c.attribute}", c.attribute),
            )
            for c in table.columns
        ]
        return call("pd.DataFrame", _code.mapping(columns))

    def _wide_pandas(self, table: Table) -> Node:
        """Return the expression for a wide table of one dtype: one array of all of it, which is quick."""
        labels: Node = code(
            "[name if field.alias is None else field.alias"
            " for name, field in ModelInput.model_fields.items()]"
        )
        if [column.label for column in table.columns] == [str(i) for i in range(len(table.columns))]:
            labels = code(f"range({len(table.columns)})")
        elif any(column.label for column in table.columns):
            labels = sequence(label(column.name, column.label) for column in table.columns)
        rows = self._wide_rows()
        self.constants.append(statement("COLUMNS = ", labels))
        values = self.values.numpy_array(table.columns[0].dtype, rows)
        return call("pd.DataFrame", values, columns=name("COLUMNS"))

    def _wide_rows(self) -> Node:
        """Return the rows of a wide table, each as a tuple."""
        self.imports.take("operator", "attrgetter")
        words = "The fields stand in schemas.py in the order that the model was trained on."
        self.constants.append(f"{_code.comment(words)}\nROW = attrgetter(*ModelInput.model_fields)")
        return code("[ROW(record) for record in records]")

    def _pandas_column(self, schema: Schema, dtype: str, value: str, attribute: str) -> Node:
        """Return the expression for one column: a numpy array where the dtype is numpy's."""
        inner = schema.of if isinstance(schema, Optional) else schema
        if isinstance(inner, Category):
            return self._categorical(inner, value, attribute)
        values = each(code(value), self.variable, self.rows)
        if dtype == "object":
            return self._object_column(schema, value)
        if re.fullmatch(r"bool|u?int\d+|float\d+|datetime64\[\w+\]|timedelta64\[\w+\]", dtype):
            return self.values.numpy_array(dtype, values)
        if found := re.fullmatch(r"datetime64\[(\w+), (.+)\]", dtype):
            zoned = call("pd.DatetimeTZDtype", text(found[1]), text(found[2]))
            return call("pd.array", values, dtype=zoned)
        if dtype.endswith("[pyarrow]"):
            self.imports.whole("pyarrow", "pa")
            arrow = call("pd.ArrowDtype", arrow_type(dtype.removesuffix("[pyarrow]")))
            return call("pd.array", values, dtype=arrow)
        if dtype == "str[python]":
            python = call("pd.StringDtype", text("python"), na_value=self.values.missing("nan"))
            return call("pd.array", values, dtype=python)
        return call("pd.array", values, dtype=text(dtype))

    def _object_column(self, schema: Schema, value: str) -> Node:
        # A Series: pandas would take an array of texts for its own `str`, numpy lists for more axes.
        return call(
            "pd.Series", each(self.values.of(schema, value), self.variable, self.rows), dtype=name("object")
        )

    def _categorical(self, category: Category, value: str, attribute: str) -> Node:
        """Return the expression for a categorical column: codes into the levels, which is quick."""
        constant = attribute.upper()
        while any(line.startswith(f"{constant} = ") for line in self.constants):
            constant += "_"  # another table has a column of that name
        levels = sequence(_code.value(level) for level in category.levels)
        known = f"{constant}.categories"
        made: Node = levels
        if _are_texts_for(category.of.native):
            known = f"{constant}_LEVELS"
            self.constants.append(statement(f"{known} = ", levels))
            made = _levels_of_texts(category, known)
            if category.of.native == "date":
                self.imports.take("datetime", "date")
        elif category.of.native:
            made = call("pd.Index", levels, dtype=text(category.of.native))
        dtype = call("pd.CategoricalDtype", made, ordered=name("True") if category.ordered else None)
        self.constants.append(statement(f"{constant} = ", dtype))
        codes = f"{{None: -1}} | {{level: code for code, level in enumerate({known})}}"
        self.constants.append(f"{constant}_CODES = {codes}")
        codes_node = each(code(f"{constant}_CODES[{value}]"), self.variable, self.rows)
        return call("pd.Categorical.from_codes", codes_node, dtype=name(constant))

    def series(self, column: Column, value: str) -> Node:
        """Return the expression for a Series with one value per record."""
        if column.native == "polars":
            self.imports.whole("polars", "pl")
            values = each(self._cell(column.items, value), self.variable, self.rows)
            return call("pl.Series", _code.literal(column.label), values, dtype=polars_dtype(column.dtype))
        self.imports.whole("pandas", "pd")
        made = self._pandas_column(column.items, column.dtype, value, "data")
        label_ = None if column.label == "None" else _code.literal(column.label)
        return call("pd.Series", made, name=label_)

    def _polars(self, table: Table) -> Node:
        self.imports.whole("polars", "pl")
        data = _code.mapping(
            (text(c.name), each(self._cell(c.schema, f"{self.row}.{c.attribute}"), self.variable, self.rows))
            for c in table.columns
        )
        schema = _code.mapping((text(c.name), polars_dtype(c.dtype)) for c in table.columns)
        return call("pl.DataFrame", data, schema=schema)

    def _cell(self, schema: Schema, value: str) -> Node:
        """Return what polars is given for one value: it makes its own scalars of Python's, by the dtype."""
        inner = schema.of if isinstance(schema, Optional) else schema
        return code(value) if isinstance(inner, (Scalar, Category)) else self.values.of(schema, value)

    def _arrow(self, table: Table) -> Node:
        self.imports.whole("pyarrow", "pa")
        data = _code.mapping(
            (text(c.name), each(code(f"{self.row}.{c.attribute}"), self.variable, self.rows))
            for c in table.columns
        )
        fields = sequence(_code.parenthesised([text(c.name), arrow_type(c.dtype)]) for c in table.columns)
        return call("pa.table", data, schema=call("pa.schema", fields))

    def _structured(self, table: Table) -> Node:
        self.imports.whole("numpy", "np")
        row = _code.parenthesised([code(f"{self.row}.{c.attribute}") for c in table.columns])
        fields = [
            _code.parenthesised(
                [
                    text(c.name),
                    text(c.dtype),
                    *([code(str(c.schema.shape))] if isinstance(c.schema, Tensor) else []),
                ]
            )
            for c in table.columns
        ]
        return call("np.array", each(row, self.variable, self.rows), dtype=sequence(fields))

    def _array(self, table: Table) -> Node:
        if len(table.columns) > _MOST_WRITTEN_OUT and self.row == "record":
            return self.values.numpy_array(table.dtype, self._wide_rows())
        row = sequence(code(f"{self.row}.{c.attribute}") for c in table.columns)
        return self.values.numpy_array(table.dtype, each(row, self.variable, self.rows))


def _is_uniform(table: Table) -> bool:
    """Whether it is wide and all of one dtype of numpy's."""
    dtypes = {column.dtype for column in table.columns}
    if len(table.columns) <= _MOST_WRITTEN_OUT or len(dtypes) > 1:
        return False
    return re.fullmatch(r"bool|u?int\d+|float\d+", dtypes.pop()) is not None


def _are_texts_for(native: str) -> bool:
    """Whether levels go as texts and are something else in the dtype: dates, spans of time, intervals."""
    return native == "interval" or native.startswith(("datetime64", "timedelta64", "date"))


def _levels_of_texts(category: Category, constant: str) -> Node:
    if category.of.native == "date":
        dates = each(code("date.fromisoformat(level)"), "level", constant)
        return call("pd.Index", dates, dtype=name("object"))
    if category.of.native != "interval":
        return call("pd.Index", code(constant), dtype=text(category.of.native))
    found = [_INTERVAL.fullmatch(str(level)) for level in category.levels]
    ends = sequence(code(f"({match[2]}, {match[3]})") for match in found if match)
    closed = {"[]": "both", "()": "neither", "[)": "left"}.get(
        (found[0][1] + found[0][4]) if found[0] else "", "right"
    )
    return call("pd.IntervalIndex.from_tuples", ends, closed=text(closed))


_INTERVAL = re.compile(r"([\[(])(-?[\w.+-]+), (-?[\w.+-]+)([\])])")


_ARROW = {
    "bool": "bool_()",
    "double": "float64()",
    "float": "float32()",
    "halffloat": "float16()",
    "date32[day]": "date32()",
    "date64[ms]": "date64()",
}


def arrow_type(written: str) -> Node:
    """Return the call that makes an Arrow type of how Arrow writes it."""
    if written in _ARROW:
        return code(f"pa.{_ARROW[written]}")
    if found := re.fullmatch(r"(timestamp|time32|time64|duration)\[(\w+)(?:, tz=(.+))?\]", written):
        zone = text(found[3]) if found[3] else None
        return call(f"pa.{found[1]}", text(found[2]), tz=zone)
    if found := re.fullmatch(r"dictionary<values=(\w+), indices=(\w+), ordered=(\d)>", written):
        ordered = name("True") if found[3] == "1" else None
        return call("pa.dictionary", arrow_type(found[2]), arrow_type(found[1]), ordered=ordered)
    if re.fullmatch(r"decimal\d+\(\d+, -?\d+\)", written):
        return code(f"pa.{written}")
    return code(f"pa.{written}()")


def polars_dtype(written: str) -> Node:
    """Return the dtype of how polars writes it: the same, with `pl.` before each name."""
    node = cst.parse_expression(written).visit(_Prefixed())
    assert isinstance(node, cst.BaseExpression)
    return node


class _Prefixed(_code.Requoted):
    """Puts `pl.` before the names of dtypes."""

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> Node:  # noqa: ARG002, N802
        """Prefix a dtype."""
        return name(f"pl.{updated_node.value}") if updated_node.value in _POLARS else updated_node


_POLARS = frozenset(
    """
    Array Binary Boolean Categorical Date Datetime Decimal Duration Enum Field Float32 Float64 Int8 Int16
    Int32 Int64 Int128 List Null Object String Struct Time UInt8 UInt16 UInt32 UInt64
    """.split()  # noqa: SIM905
)
