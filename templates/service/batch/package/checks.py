"""The checks of schemas.py for whole columns. Which row does not fit, rows.py finds out."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


class Unfit(Exception):
    """Not every row fits."""


def require_names(batch: pa.RecordBatch, names: Sequence[str]) -> None:
    """Raise `Unfit` if the batch has other columns than these, in any order."""
    if sorted(batch.schema.names) != sorted(names):
        raise Unfit


def whole(
    batch: pa.RecordBatch,
    name: str,
    *,
    least: int = -(2**63),
    most: int = 2**63 - 1,
    missing: bool = False,
) -> pa.Array:
    """Return a column of integers within bounds."""
    column = _column(batch, name)
    if pa.types.is_floating(column.type) and missing:
        column = pc.if_else(pc.is_nan(column), None, column)
    kind = column.type
    _require(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))
    column = _cast(column, pa.uint64() if most >= 2**63 else pa.int64())
    if least > -(2**63) or most != 2**63 - 1:
        _require_bounds(column, least, most)
    return _require_missing(column, missing)


def real(
    batch: pa.RecordBatch,
    name: str,
    *,
    least: float | None = None,
    most: float | None = None,
    missing: bool = False,
) -> pa.Array:
    """Return a column of finite numbers; NaN counts as missing."""
    column = _column(batch, name)
    kind = column.type
    _require(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))
    if pa.types.is_floating(kind):
        values = column.to_numpy(zero_copy_only=False)
        nan = int(np.isnan(values).sum())
        _require(nan + int(np.isfinite(values).sum()) == len(values))
        if nan > column.null_count:
            _require(missing)
            column = pc.if_else(pc.is_nan(column), None, column)
    column = column.cast(pa.float64(), safe=False)
    _require_bounds(column, least, most)
    return _require_missing(column, missing)


def truth(batch: pa.RecordBatch, name: str, *, missing: bool = False) -> pa.Array:
    """Return a column of booleans."""
    column = _column(batch, name)
    _require(pa.types.is_boolean(column.type))
    return _require_missing(column, missing)


def text(
    batch: pa.RecordBatch,
    name: str,
    *,
    choices: Sequence[str] | None = None,
    max_length: int | None = None,
    missing: bool = False,
) -> pa.Array:
    """Return a column of texts, some of the choices if there are any."""
    column = _column(batch, name)
    if not pa.types.is_string(column.type):
        _require(pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type))
        column = column.cast(pa.string())
    if choices is not None:
        _require_all(pc.is_in(column, pa.array(choices, pa.string()), skip_nulls=False), column)
    if max_length is not None:
        _require_bounds(pc.utf8_length(column), None, max_length)
    return _require_missing(column, missing)


def levels(column: pa.Array, known: Sequence[Any]) -> NDArray[Any]:
    """Return the place of each value in a list; -1 for a missing value."""
    found = pc.index_in(column, pa.array(known, column.type))
    _require(found.null_count == column.null_count)
    return found.fill_null(-1).to_numpy(zero_copy_only=False)


def numpy_column(column: pa.Array, dtype: str) -> NDArray[Any]:
    """Return a column as numpy has it: with a missing value, integers become floats."""
    values = column.to_numpy(zero_copy_only=False)
    if column.null_count and not dtype.startswith("float"):
        return values.astype("object" if dtype == "bool" else "float64", copy=False)
    return values.astype(dtype, copy=False)


def numpy_table(columns: Sequence[pa.Array], dtype: str) -> NDArray[Any]:
    """Return columns as one array with a row for each record."""
    table = np.empty((len(columns[0]), len(columns)), dtype=dtype)
    for place, column in enumerate(columns):
        table[:, place] = column.to_numpy(zero_copy_only=False)
    return table


def objects(column: pa.Array, *, missing: float | None = None) -> NDArray[Any]:
    """Return a column as the objects of Python."""
    values = np.empty(len(column), dtype=object)
    values[:] = [missing if value is None else value for value in column.to_pylist()]
    return values


def plain_answers(predictions: Any, kind: pa.DataType) -> pa.Array:
    """Return an array of answers; NaN and infinity become null, as in JSON."""
    values = np.asarray(predictions)
    if values.ndim > 1:
        inner = plain_answers(values.reshape(-1, *values.shape[2:]), kind.value_type)
        ends = np.arange(len(values) + 1, dtype="int32") * values.shape[1]
        return pa.ListArray.from_arrays(pa.array(ends), inner)
    if values.dtype.kind == "f":
        return pa.array(values.astype("float64"), kind, mask=~np.isfinite(values))
    return pa.array(values.tolist() if values.dtype.kind in "OU" else values, kind)


def _column(batch: pa.RecordBatch, name: str) -> pa.Array:
    column = batch.column(name)
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column.cast(pa.float64()) if pa.types.is_null(column.type) else column


def _cast(column: pa.Array, kind: pa.DataType) -> pa.Array:
    try:
        return column if column.type == kind else column.cast(kind)  # refuses 1.5 and overflow
    except pa.ArrowInvalid:
        raise Unfit from None


def _require(fits: bool) -> None:
    if not fits:
        raise Unfit


def _require_missing(column: pa.Array, missing: bool) -> pa.Array:
    _require(missing or not column.null_count)
    return column


def _require_all(fits: pa.Array, column: pa.Array) -> None:
    _require(pc.sum(fits).as_py() == len(column) - column.null_count)


def _require_bounds(column: pa.Array, least: float | None, most: float | None) -> None:
    if (least is None and most is None) or not len(column):
        return
    found = pc.min_max(column).as_py()
    if found["min"] is not None:
        _require(least is None or found["min"] >= least)
        _require(most is None or found["max"] <= most)
