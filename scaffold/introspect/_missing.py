"""Find missing values in the rows of a sample, and set values to null."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from scaffold.introspect import _checks

_MOST_ROWS, _MOST_VALUES = 10_000, 1_000_000
"""The largest part of a sample that is examined."""


def missing_places(sample: object) -> dict[float, list[int]]:
    """Return the rows with a missing value, by column.

    The key is the position of the column as a fraction of all columns, those of several arguments together.
    """
    try:
        places: dict[float, list[int]] = {}
        for row, column in _missing(sample):
            places.setdefault(column, []).append(row)
        return places
    except Exception:
        # An unknown container: no missing values.
        return {}


def _missing(sample: Any) -> Iterator[tuple[int, float]]:
    if _checks.is_a(sample, "pandas.DataFrame"):
        rows, columns = sample.iloc[: _most_rows(sample.shape[1])].isna().to_numpy().nonzero()
        yield from zip(rows.tolist(), (columns / sample.shape[1]).tolist(), strict=True)
    elif _checks.is_a(sample, "polars.DataFrame"):
        for k, column in enumerate(sample.head(_MOST_ROWS).iter_columns()):
            yield from ((row, k / sample.width) for row in column.is_null().arg_true().to_list())
    elif _checks.is_array(sample) and not _checks.is_sparse(sample):
        flat = sample.reshape(len(sample), -1)
        flat = flat[: _most_rows(flat.shape[1])]
        # Only NaN and NaT are not equal to themselves.
        rows, columns = (
            (flat != flat).nonzero() if _checks.is_a(flat, "numpy.ndarray") else (flat != flat).nonzero().T
        )
        yield from zip(rows.tolist(), (columns / flat.shape[1]).tolist(), strict=True)
    elif _checks.is_mapping(sample):
        for k, part in enumerate(sample.values()):
            yield from ((row, (k + column) / len(sample)) for row, column in _missing(part))
    elif _checks.is_sequence(sample):
        for row, item in enumerate(sample[:_MOST_ROWS]):
            values = (
                list(item.values()) if _checks.is_mapping(item) else item if _checks.is_sequence(item) else []
            )
            yield from ((row, k / len(values)) for k, value in enumerate(values) if _is_missing(value))


def _most_rows(width: int) -> int:
    return min(_MOST_ROWS, _MOST_VALUES // max(1, width))


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def with_nulls(rows: Any, chosen: Sequence[int], names: Sequence[str]) -> Any:
    """Return `rows` with nulls in the rows `chosen`: alternately in some of the columns `names` and in all.

    Dtypes become nullable, as in the service. Containers without names are returned unchanged.
    """
    left_out: dict[str, list[int]] = {name: [] for name in names}
    parts = len(chosen[::2])
    for k, row in enumerate(chosen):
        for name in names[k // 2 :: parts] if k % 2 == 0 else names:
            left_out[name].append(row)
    if _checks.is_a(rows, "pandas.DataFrame"):
        return _frame_with_nulls(rows, left_out)
    if _checks.is_a(rows, "polars.DataFrame"):
        import polars as pl

        columns = [name for name in names if name in rows.columns]
        masks = {name: pl.Series([row in left_out[name] for row in range(rows.height)]) for name in columns}
        return rows.with_columns(
            [pl.when(masks[name]).then(None).otherwise(pl.col(name)).alias(name) for name in columns]
        )
    if isinstance(rows, list) and all(_checks.is_mapping(row) for row in rows):
        return [
            {name: None if k in left_out.get(name, ()) else value for name, value in row.items()}
            for k, row in enumerate(rows)
        ]
    return rows


def without_wider_dtypes(rows: Any, sample: Any) -> Any:
    """Return rows of `with_nulls` with the dtypes of a call with these rows only: columns without a null keep
    the dtype of the sample."""
    if not _checks.is_a(rows, "pandas.DataFrame") or not _checks.is_a(sample, "pandas.DataFrame"):
        return rows
    dtypes = {
        name: dtype
        for name, dtype in sample.dtypes.items()
        if name in rows and dtype != rows[name].dtype and not rows[name].isna().any()
    }
    return rows.astype(dtypes) if dtypes else rows


def _frame_with_nulls(frame: Any, left_out: dict[str, list[int]]) -> object:
    frame = frame.copy()
    for name in (name for name in left_out if name in frame.columns):
        column = frame[name]
        if column.dtype.kind in "iu" and _checks.is_a(column.dtype, "numpy.dtype"):
            column = column.astype("float64")
        elif column.dtype.kind == "b" and _checks.is_a(column.dtype, "numpy.dtype"):
            column = column.astype("object")
        frame[name] = column.mask(frame.index.isin(left_out[name]), None)
    return frame
