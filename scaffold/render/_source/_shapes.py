"""What a schema is on the wire: an object with fields of its own, or one value under a name of ours."""

from __future__ import annotations

import re

from scaffold.render._source._code import Imports
from scaffold.spec import (
    Column,
    Field,
    Mapping,
    Optional,
    Record,
    Scalar,
    ScalarType,
    Schema,
    Table,
    Tensor,
    UserType,
    Value,
)


def is_object(schema: Schema) -> bool:
    """Whether it is the body itself, and no value under `data` or `prediction`."""
    return isinstance(schema, (Record, Table, Mapping, UserType))


def fields_of(schema: Schema) -> tuple[Field, ...]:
    """Return the fields of the body."""
    match schema:
        case Record(fields=fields) | Table(columns=fields):
            return fields
        case UserType(seen=Record(fields=fields)):
            return fields
        case Value(field=field):
            return (field,)
        case _:
            return ()


def is_settled(schema: Schema) -> bool:
    """Whether an answer comes out of an array or Series whose dtype holds plain values and no others."""
    match schema:
        case Column(native="polars", items=items):
            inner = items.of if isinstance(items, Optional) else items
            return isinstance(inner, Scalar) and inner.type in _PLAIN
        case Tensor(stacked=True, dtype=dtype) | Column(dtype=dtype):
            return re.fullmatch(r"bool|str|u?int\d+|b?float(16|32|64)", dtype) is not None
        case _:
            return False


_PLAIN = (ScalarType.BOOLEAN, ScalarType.INTEGER, ScalarType.NUMBER, ScalarType.STRING)


def annotation(schema: Schema, imports: Imports) -> str:
    """Return the type of the container that holds many records or answers; `Any` where none says more."""
    match schema:
        case Table(native="pandas"):
            imports.whole("pandas", "pd")
            return "pd.DataFrame"
        case Table(native="polars"):
            imports.whole("polars", "pl")
            return "pl.DataFrame"
        case Table(native="pyarrow"):
            imports.whole("pyarrow", "pa")
            return "pa.Table"
        case (
            Table(native="array" | "structured")
            | Value(field=Field(schema=Tensor(native="numpy", stacked=True)))
        ):
            imports.take("typing", "Any")
            imports.take("numpy.typing", "NDArray")
            return "NDArray[Any]"
        case Value(field=Field(schema=Tensor(native="torch", stacked=True))):
            imports.whole("torch")
            return "torch.Tensor"
        case Table(native="list"):
            imports.take("typing", "Any")
            return "list[dict[str, Any]]"
        case _:
            imports.take("typing", "Any")
            return "Any"
