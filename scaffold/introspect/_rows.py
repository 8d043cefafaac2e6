"""Count and take the records of a sample: rows of a frame, items of a list, slices of an array."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from scaffold.introspect import _kinds


def count_rows(sample: Any) -> int | None:
    """Return how many records `sample` may hold, or `None` where it can only be one record.

    Frames, arrays, lists and tuples hold records; so do a mapping or tuple of arrays of one length (several
    arguments, each with a row per record). Beside the arrays of a mapping there may be options: plain values
    that hold for every record. Any other dict, a scalar, a text, an image and an object are one record.
    Whether a list or an array *is* many records or only one that looks so is for trying the model to tell.
    """
    if _kinds.is_frame(sample):
        return len(sample)
    if _kinds.is_series(sample):
        return None if is_row(sample) else len(sample)
    if _kinds.is_array(sample):
        return int(sample.shape[0]) if len(sample.shape) else None
    if _kinds.kin(sample, "xgboost.DMatrix"):
        return int(sample.num_row())
    if _kinds.is_mapping(sample):
        return _common_length([value for value in sample.values() if not is_option(value)])
    if isinstance(sample, tuple) and not _kinds.is_named_tuple(sample):
        common = _common_length(list(sample))
        return len(sample) if common is None else common
    if _kinds.is_sequence(sample):
        return len(sample)
    return None


def options_of(sample: Any) -> tuple[Any, ...]:
    """Return the names of the options beside the arrays of a mapping."""
    if not _kinds.is_mapping(sample) or count_rows(sample) is None:
        return ()
    return tuple(name for name, value in sample.items() if is_option(value))


def is_option(value: Any) -> bool:
    """Whether a value beside arrays holds for each of their rows."""
    return value is None or isinstance(value, (bool, int, float, str)) or _kinds.kin(value, "numpy.generic")


def is_row(series: Any) -> bool:
    """Whether a pandas Series is one row of a frame rather than one column.

    A row's index holds the column names and its values are of different kinds, or its name is no text;
    a column's index is a range of numbers, dates, or labels while its name is the column's.
    """
    if not _kinds.kin(series, "pandas.Series") or len(series) == 0:
        return False
    if not all(isinstance(label, str) for label in series.index) or not series.index.is_unique:
        return False
    kinds = {type(value) for value in series if value is not None}
    return len(kinds) > 1 or not isinstance(series.name, str)


def take_rows(sample: Any, start: int, stop: int) -> Any:
    """Return records `start` to `stop` in the same kind of container; a pandas frame keeps its index."""
    if _kinds.kin(sample, "pandas.DataFrame", "pandas.Series"):
        return sample.iloc[start:stop]
    return take(sample, range(start, min(stop, count_rows(sample) or 0)))


def take(sample: Any, indices: Sequence[int]) -> Any:
    """Return the records at `indices`, in that order, in the same kind of container.

    A record may be named more than once. A pandas frame is numbered from 0, as in the service.
    """
    indices = list(indices)
    if _kinds.kin(sample, "pandas.DataFrame", "pandas.Series"):
        return without_index(sample.iloc[indices])
    if _kinds.kin(sample, "pyarrow.Table"):
        return sample.take(indices)
    if _kinds.kin(sample, "xgboost.DMatrix"):
        return sample.slice(indices)
    if _kinds.is_sparse(sample):
        return sample.tocsr()[indices].asformat(sample.format)
    if _holds_columns(sample):
        return _rebuild(sample, lambda column: take(column, indices))
    if _kinds.is_sequence(sample):
        kept = [sample[i] for i in indices]
        return (
            type(sample)(kept)
            if isinstance(sample, tuple) or _kinds.kin(sample, "collections.deque")
            else kept
        )
    return sample[indices]


def without_index(sample: Any) -> Any:
    """Return a pandas frame or Series with its rows numbered from 0, as they are in the service."""
    if _kinds.kin(sample, "pandas.DataFrame", "pandas.Series") and not is_row(sample):
        return sample.reset_index(drop=True)
    return sample


def take_record(sample: Any, i: int) -> Any:
    """Return record `i` by itself, as a model that takes one record at a time would get it.

    A row of a frame or a structured array is a dict by column name; a row of an array is an array of one
    axis less; an item of a list is the item.
    """
    if _kinds.kin(sample, "pandas.DataFrame"):
        # By position, since columns may share a name until that is refused; `item` gives plain numbers.
        return {name: plain(sample.iloc[i, j]) for j, name in enumerate(sample.columns)}
    if _kinds.kin(sample, "polars.DataFrame"):
        return sample.row(i, named=True)
    if _kinds.kin(sample, "pyarrow.Table"):
        return sample.slice(i, 1).to_pylist()[0]
    if _kinds.kin(sample, "pandas.Series"):
        return plain(sample.iloc[i])
    if _kinds.is_sparse(sample):
        return sample.tocsr()[i].toarray().reshape(sample.shape[1:])
    if _kinds.is_structured(sample):
        return {name: plain(sample[name][i]) for name in sample.dtype.names}
    if _kinds.is_array(sample):
        return plain(sample[i])
    if _holds_columns(sample):
        return _rebuild(sample, lambda column: take_record(column, i))
    return sample[i]


def plain(value: Any) -> Any:
    """Return a numpy scalar as the Python value it stands for, anything else as it is."""
    if not _kinds.kin(value, "numpy.generic") or _kinds.kin(
        value, "numpy.datetime64", "numpy.timedelta64", "numpy.void"
    ):
        return value
    return value.item()


def _holds_columns(sample: Any) -> bool:
    """Whether a mapping or tuple holds arrays of one length, one entry per record."""
    if _kinds.is_mapping(sample):
        return count_rows(sample) is not None
    return (
        isinstance(sample, tuple)
        and not _kinds.is_named_tuple(sample)
        and _common_length(list(sample)) is not None
    )


def _common_length(values: list[Any]) -> int | None:
    """Return the first axis that all of `values` share; `None` where one is no array or another length."""
    if not values or not all(_kinds.is_array(v) or _kinds.is_series(v) or _kinds.is_frame(v) for v in values):
        return None
    if any(not value.shape for value in values):
        return None
    lengths = {int(value.shape[0]) for value in values}
    return lengths.pop() if len(lengths) == 1 else None


def _rebuild(sample: Any, change: Callable[[Any], Any]) -> Any:
    """Return a plain dict or tuple like `sample` with each of its arrays changed."""
    if _kinds.is_mapping(sample):
        return {name: value if is_option(value) else change(value) for name, value in sample.items()}
    return tuple(change(value) for value in sample)
