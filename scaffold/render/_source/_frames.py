"""The expression for the container of a batch, and the statements that it needs."""

from __future__ import annotations

import copy
from collections.abc import Collection

from scaffold.render import _code
from scaffold.render._code import Imports, Node, code
from scaffold.render._source._values import Values
from scaffold.render.kinds import kind_of
from scaffold.spec import Column, Table


class Batch:
    """Writes the expression for the container of a batch of records."""

    def __init__(self, imports: Imports, values: Values) -> None:
        self.imports, self.values = imports, values
        values.table = self.within
        self.variable, self.rows, self.row = "record", "records", "record"
        """The loop over the rows, and where each of them is in what it loops over."""
        self.constants: list[str] = []
        """Statements above the functions: the levels of categorical columns, long lists of columns."""

    @property
    def is_whole(self) -> bool:
        """Whether a row is a whole record rather than a part of a record."""
        return self.row == "record"

    def table(self, table: Table) -> Node:
        """Return the expression for the records of a table."""
        return kind_of(table.container).table(self, table)

    def arrays(self, table: Table, columns: Collection[str]) -> Node:
        """Return the expression for a dict with these columns of a table, each an array of its own."""
        self.imports.whole("numpy", "np")
        kind = kind_of(table.container)
        return _code.mapping(
            (_code.text(column.name), kind.column_array(self, column))
            for column in table.columns
            if column.name in columns
        )

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

    def series(self, column: Column, value: str) -> Node:
        """Return the expression for a Series with one value per record."""
        return kind_of(column.container).column(self, column, value)

    def wide_rows(self) -> Node:
        """Return the rows of a wide table, each as a tuple."""
        self.imports.take("operator", "attrgetter")
        words = "The fields stand in schemas.py in the order that the model was trained on."
        self.constants.append(f"{_code.comment(words)}\nROW = attrgetter(*ModelInput.model_fields)")
        return code("[ROW(record) for record in records]")
