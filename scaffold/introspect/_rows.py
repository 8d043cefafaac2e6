"""Count and take the records of a sample: rows of a frame, items of a list, slices of an array."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from scaffold.introspect import _checks
from scaffold.introspect.kinds import KINDS, kind_of
from scaffold.introspect.kinds.pandas import is_row, without_index
from scaffold.spec import Python

__all__ = [
    "WithOptions",
    "count_rows",
    "is_row",
    "like_arguments",
    "option_readings",
    "options_of",
    "take",
    "take_record",
    "take_rows",
    "without_index",
]


class WithOptions(dict[Any, Any]):
    """Arguments by name, with the names of options whose values could also be rows."""

    options: tuple[Any, ...] = ()


def count_rows(sample: Any) -> int | None:
    """Return the number of records that `sample` may have; `None` if it can only be one record.

    Frames, arrays, lists and tuples hold records; so do a mapping or tuple of arrays of one length (several
    arguments, each with a row per record). Beside the arrays of a mapping there may be options: plain values
    that hold for every record. Any other dict, a scalar, a text, an image and an object are one record.
    A list or an array may still be one record: calls of the model decide that.
    """
    if _checks.is_a(sample, "xgboost.DMatrix"):
        return int(sample.num_row())
    if _is_library(sample):
        return kind_of(sample).count(sample)
    if _checks.is_mapping(sample):
        options = _option_names(sample)
        return _common_length([value for name, value in sample.items() if name not in options])
    if isinstance(sample, tuple) and not _checks.is_named_tuple(sample):
        common = _common_length(list(sample))
        return len(sample) if common is None else common
    if _checks.is_sequence(sample):
        return len(sample)
    return None


def options_of(sample: object) -> tuple[object, ...]:
    """Return the names of the options beside the arrays of a mapping."""
    if not _checks.is_mapping(sample) or count_rows(sample) is None:
        return ()
    return _option_names(sample)


def _option_names(sample: Any) -> tuple[Any, ...]:
    """Return the names of the arguments that apply to all rows: plain values, declared options."""
    declared = sample.options if isinstance(sample, WithOptions) else ()
    return tuple(name for name, value in sample.items() if name in declared or _is_plain_value(value))


def _is_plain_value(value: object) -> bool:
    return value is None or isinstance(value, (bool, int, float, str)) or _checks.is_a(value, "numpy.generic")


def take_rows(sample: object, start: int, stop: int) -> Any:
    """Return records `start` to `stop` in the same kind of container; a pandas frame keeps its index.

    Args:
        sample: A container of records.
        start: The first record, from 0.
        stop: The record after the last.
    """
    stop = min(stop, count_rows(sample) or 0)
    if _is_library(sample):
        return kind_of(sample).slice(sample, start, stop)
    return take(sample, range(start, stop))


def take(sample: Any, indices: Sequence[int]) -> Any:
    """Return the records at `indices`, in that order, in the same kind of container.

    A record may be named more than once. A pandas frame is numbered from 0, as in the service.
    """
    indices = list(indices)
    if _checks.is_a(sample, "xgboost.DMatrix"):
        return sample.slice(indices)
    if _is_library(sample):
        return kind_of(sample).take(sample, indices)
    if _holds_columns(sample):
        return _rebuild(sample, lambda column: take(column, indices))
    if _checks.is_sequence(sample):
        records = [sample[i] for i in indices]
        return type(sample)(records) if isinstance(sample, (tuple, deque)) else records
    return sample[indices]


def take_record(sample: Any, i: int) -> object:
    """Return record `i` by itself, as a model that takes one record at a time would get it.

    A row of a frame or a structured array is a dict by column name; a row of an array is an array of one
    axis less; an item of a list is the item.
    """
    if _is_library(sample):
        return kind_of(sample).record(sample, i)
    if _holds_columns(sample):
        return _rebuild(sample, lambda column: take_record(column, i))
    return sample[i]


def _is_library(sample: object) -> bool:
    """Whether it is an object of a library that holds records."""
    return kind_of(sample) is not KINDS[Python]


def _holds_columns(sample: object) -> bool:
    """Whether a mapping or tuple holds arrays of one length, one entry per record."""
    if _checks.is_mapping(sample):
        return count_rows(sample) is not None
    return (
        isinstance(sample, tuple)
        and not _checks.is_named_tuple(sample)
        and _common_length(list(sample)) is not None
    )


def _common_length(values: list[Any]) -> int | None:
    """Return the common length of arrays; `None` if the lengths differ or a value is not an array."""
    if not values or not all(
        _checks.is_array(v) or _checks.is_series(v) or _checks.is_frame(v) for v in values
    ):
        return None
    if any(not value.shape for value in values):
        return None
    lengths = {int(value.shape[0]) for value in values}
    return lengths.pop() if len(lengths) == 1 else None


def _rebuild(sample: Any, change: Callable[[Any], Any]) -> object:
    """Return a plain dict or tuple like `sample` with each of its arrays changed."""
    if _checks.is_mapping(sample):
        options = _option_names(sample)
        arguments = {name: value if name in options else change(value) for name, value in sample.items()}
        return like_arguments(sample, arguments)
    return tuple(change(value) for value in sample)


def like_arguments(sample: object, arguments: dict[Any, Any]) -> dict[Any, Any]:
    """Return arguments with the options of those in `sample`."""
    if not isinstance(sample, WithOptions):
        return arguments
    result = WithOptions(arguments)
    result.options = sample.options
    return result


def option_readings(sample: Any) -> Iterator[WithOptions]:
    """Yield other readings of arguments by name: lists beside arrays as options, then arrays of one axis too.

    A list may be the quantiles to predict, or a part of one record; an array may have a value for each row.
    Calls of the model decide that: see `try_call`.
    """
    if not _checks.is_mapping(sample) or _is_library(sample) or isinstance(sample, WithOptions):
        return
    axes = {name: len(value.shape) for name, value in sample.items() if _common_length([value]) is not None}
    plain = tuple(name for name in sample if name not in axes)
    flat = tuple(name for name, count in axes.items() if count == 1 and max(axes.values()) > 1)
    listed = any(not _is_plain_value(sample[name]) for name in plain)
    for options in (plain if listed else (), (*plain, *flat) if flat else ()):
        reading = WithOptions(sample)
        reading.options = options
        if options and count_rows(reading) is not None:
            yield reading
