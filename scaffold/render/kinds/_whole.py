"""What the model takes, made of whole columns of Arrow: columns of a pandas frame, arrays of numpy."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scaffold.render._code import Node, call, code, method, name, text
from scaffold.render.kinds._kind import NUMBER_DTYPE
from scaffold.spec import Category, Element, Field, Missing, Optional, TextOf

if TYPE_CHECKING:
    from scaffold.render._source._columns import Columns


def whole_array(columns: Columns, field: Field, checked: Node) -> Node:
    """Return the expression for an array of a column, of objects where the dtype is none of numpy's numbers.

    Args:
        columns: Collects the imports.
        field: The schema of the column.
        checked: The expression for the column of Arrow.
    """
    if NUMBER_DTYPE.fullmatch(field.dtype):
        return call(columns.take("numpy_column"), checked, text(field.dtype))
    return call(columns.take("objects"), checked)


def whole_column(columns: Columns, field: Field, checked: Node) -> Node | None:
    """Return the expression for a column of the dtype of the sample's; None if records are needed.

    Args:
        columns: Collects the imports.
        field: The schema of the column.
        checked: The expression for the column of Arrow.
    """
    schema, dtype = field.schema, field.dtype
    inner = schema.of if isinstance(schema, Optional) else schema
    if isinstance(inner, Category):
        if isinstance(inner.of.native, TextOf | Element):
            return None
        constant = field.attribute.upper()
        columns.imports.take("app.convert", constant)
        codes = call(columns.take("levels"), checked, code(f"{constant}.categories.tolist()"))
        return call("pd.Categorical.from_codes", codes, dtype=name(constant))
    if NUMBER_DTYPE.fullmatch(dtype):
        return whole_array(columns, field, checked)
    if dtype == "str":
        return call("pd.array", checked, dtype=text(dtype))
    if dtype == "object":
        missing = schema.missing if isinstance(schema, Optional) else Missing.NONE
        if missing not in (Missing.NONE, Missing.NAN):
            return None
        nan = code('float("nan")') if missing is Missing.NAN else None
        values = call(columns.take("objects"), checked, missing=nan)
        return call("pd.Series", values, dtype=name("object"))
    if re.fullmatch(r"U?Int\d+|Float\d+|boolean|string", dtype):
        return call("pd.array", call(method(checked, "to_pylist")), dtype=text(dtype))
    return None
