"""Missing values in the rows of a sample: where they are, and how to leave values out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from scaffold.introspect import _kinds

_MOST_ROWS, _MOST_VALUES = 10_000, 1_000_000
"""How much of a sample is looked at."""


def missing_places(sample: object) -> dict[float, list[int]]:
    """Return the rows with a missing value, for each column that has some.

    A column is named by its place among all, from 0 to 1: several arguments share these places.
    """
    try:
        places: dict[float, list[int]] = {}
        for row, column in _missing(sample):
            places.setdefault(column, []).append(row)
        return places
    except Exception:
        # A container with rules of its own: nothing is known of its missing values.
        return {}


def _missing(sample: Any) -> Iterator[tuple[int, float]]:
    if _kinds.kin(sample, "pandas.DataFrame"):
        rows, columns = sample.iloc[: _most_rows(sample.shape[1])].isna().to_numpy().nonzero()
        yield from zip(rows.tolist(), (columns / sample.shape[1]).tolist(), strict=True)
    elif _kinds.kin(sample, "polars.DataFrame"):
        for k, column in enumerate(sample.head(_MOST_ROWS).iter_columns()):
            yield from ((row, k / sample.width) for row in column.is_null().arg_true().to_list())
    elif _kinds.is_array(sample) and not _kinds.is_sparse(sample):
        flat = sample.reshape(len(sample), -1)
        flat = flat[: _most_rows(flat.shape[1])]
        # Only what is missing is not equal to itself.
        rows, columns = (
            (flat != flat).nonzero() if _kinds.kin(flat, "numpy.ndarray") else (flat != flat).nonzero().T
        )
        yield from zip(rows.tolist(), (columns / flat.shape[1]).tolist(), strict=True)
    elif _kinds.is_mapping(sample):
        for k, part in enumerate(sample.values()):
            yield from ((row, (k + column) / len(sample)) for row, column in _missing(part))
    elif _kinds.is_sequence(sample):
        for row, item in enumerate(sample[:_MOST_ROWS]):
            values = (
                list(item.values()) if _kinds.is_mapping(item) else item if _kinds.is_sequence(item) else []
            )
            yield from ((row, k / len(values)) for k, value in enumerate(values) if _is_missing(value))


def _most_rows(width: int) -> int:
    return min(_MOST_ROWS, _MOST_VALUES // max(1, width))


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def with_nulls(rows: Any, chosen: Sequence[int], names: Sequence[str]) -> Any:
    """Return `rows` with nulls in the rows `chosen`: under some of `names` and under all, by turns.

    The dtypes are those that hold missing values, as in the service. Containers without names come back as
    they are.
    """
    left_out: dict[str, list[int]] = {name: [] for name in names}
    parts = len(chosen[::2])
    for k, row in enumerate(chosen):
        for name in names[k // 2 :: parts] if k % 2 == 0 else names:
            left_out[name].append(row)
    if _kinds.kin(rows, "pandas.DataFrame"):
        return _frame_with_nulls(rows, left_out)
    if _kinds.kin(rows, "polars.DataFrame"):
        import polars as pl

        kept = [name for name in names if name in rows.columns]
        masks = {name: pl.Series([row in left_out[name] for row in range(rows.height)]) for name in kept}
        return rows.with_columns(
            [pl.when(masks[name]).then(None).otherwise(pl.col(name)).alias(name) for name in kept]
        )
    if isinstance(rows, list) and all(_kinds.is_mapping(row) for row in rows):
        return [
            {name: None if k in left_out.get(name, ()) else value for name, value in row.items()}
            for k, row in enumerate(rows)
        ]
    return rows


def without_wider_dtypes(rows: Any, sample: Any) -> Any:
    """Return rows of `with_nulls`, as a call with just these gets them: no wider dtype without a null."""
    if not _kinds.kin(rows, "pandas.DataFrame") or not _kinds.kin(sample, "pandas.DataFrame"):
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
        if column.dtype.kind in "iu" and _kinds.kin(column.dtype, "numpy.dtype"):
            column = column.astype("float64")
        elif column.dtype.kind == "b" and _kinds.kin(column.dtype, "numpy.dtype"):
            column = column.astype("object")
        frame[name] = column.mask(frame.index.isin(left_out[name]), None)
    return frame
