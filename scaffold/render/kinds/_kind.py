"""How a library's objects are written in the code of a service: the mirror of `introspect/kinds/_kind.py`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scaffold.render._code import Imports, Node
from scaffold.spec import (
    Column,
    Field,
    OpenedFrame,
    OpenedSeries,
    OverTime,
    Scalar,
    Schema,
    Series,
    Table,
    Tensor,
)

if TYPE_CHECKING:
    from scaffold.render._source._columns import Columns
    from scaffold.render._source._frames import Batch
    from scaffold.render._source._values import Values


Wrap = Callable[[Node], Node]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A statement of `_plain`, which makes plain values of an answer."""

    place: int
    """The statements stand in this order: objects before their fields, moments before what they become."""
    text: str
    names: tuple[tuple[str, str], ...] = ()
    """Modules, and what is imported from each."""
    modules: tuple[tuple[str, str], ...] = ()
    """Modules that are imported whole, and the alias of each."""

    def take(self, imports: Imports) -> None:
        """Add what the statement imports."""
        for module, name in self.names:
            imports.take(module, name)
        for module, alias in self.modules:
            imports.whole(module, alias)


MOST_WRITTEN_OUT = 40
"""A table of one dtype with more columns is built from `schemas.py`, where they stand in order."""

NUMPY, PANDAS = ("numpy", "np"), ("pandas", "pd")
NUMBER_DTYPE = re.compile(r"bool|u?int\d+|float\d+")
"""The dtypes of numpy for plain numbers and truth values."""
MISSING = Line(
    place=120,
    modules=(PANDAS,),
    text="""    if value is pd.NA or value is pd.NaT:
        return None""",
)
"""A missing value of pandas, which also stands for one of numpy."""


class Kind:
    """How the objects of one library are annotated, made of requests, and made into answers.

    A kind has the methods for what the library has: tables, columns, arrays.
    """

    words = "Return the records as the model takes them."
    """The docstring of a function that returns a table."""
    is_list = False
    """Whether many records go in as a plain list."""

    def annotation(self, imports: Imports) -> str:
        """Return the type of an object that holds many records or answers; `Any` where none says more."""
        imports.take("typing", "Any")
        return "Any"

    # ------------------------------------------------------------------ to the model

    def table(self, batch: Batch, table: Table) -> Node:
        """Return the expression that makes a table of the records of `batch`."""
        raise NotImplementedError(f"{type(self).__name__} has no tables")

    def columns(self, columns: Columns, table: Table) -> Node | None:
        """Return the expression that makes the same table of whole columns; None if records are needed.

        Args:
            columns: Writes the checked columns.
            table: The schema of a record.
        """
        return None

    def column(self, batch: Batch, column: Column, value: str) -> Node:
        """Return the expression that makes a Series of one value of each record.

        Args:
            batch: Writes the container of the records; knows what the loop over them is called.
            column: The schema of a record.
            value: The expression for the value of one record.
        """
        raise NotImplementedError(f"{type(self).__name__} has no columns")

    def column_array(self, batch: Batch, column: Field) -> Node:
        """Return the expression that makes an array of one column of a table."""
        raise NotImplementedError(f"{type(self).__name__} has no tables")

    def array(self, values: Values, tensor: Tensor, value: str, wrap: Wrap) -> Node:
        """Return the expression that makes an array of the nested lists in `value`.

        Args:
            values: Writes what is within a record.
            tensor: The schema of a record.
            value: The expression for the nested lists of one record.
            wrap: Makes of the lists of one record those of all records that go in together.
        """
        raise NotImplementedError(f"{type(self).__name__} has no arrays")

    def series(self, values: Values, form: Series, items: Node) -> Node:
        """Return the expression that makes a Series of a list, within a record.

        Args:
            values: Writes what is within a record.
            form: The form of the Series.
            items: The expression for its values, a list.
        """
        raise NotImplementedError(f"{type(self).__name__} has no Series")

    # ------------------------------------------------------------------ from the model

    def rows(self, schema: Tensor | Column) -> str:
        """Return the expression for the rows of `predictions`, an array or a Series."""
        return "predictions.tolist()"

    def unwrap(self, form: OpenedFrame | OpenedSeries | OverTime, *, named: bool) -> str:
        """Return the method calls that make a frame or Series plain; a `named` Series becomes an object."""
        raise NotImplementedError(f"{type(self).__name__} has no frames")

    def has_plain_dtype(self, schema: Tensor | Column) -> bool:
        """Whether the dtype of an answer holds plain values and no others."""
        return re.fullmatch(r"bool|str|u?int\d+|b?float(16|32|64)", schema.dtype) is not None

    def lines(self, schema: Schema) -> Iterator[Line]:
        """Yield the statements of `_plain` for an answer of this schema, without those for its items."""
        yield from ()

    def scalar_lines(self, scalar: Scalar) -> Iterator[Line]:
        """Yield the statements of `_plain` for a scalar of this library."""
        yield from ()
