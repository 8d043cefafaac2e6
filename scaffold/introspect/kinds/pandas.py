"""Frames and Series of pandas."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from scaffold.errors import UnsupportedSampleError
from scaffold.errors.wording import shell_line
from scaffold.introspect import _scalars
from scaffold.introspect._json import encode_scalar
from scaffold.introspect._types import is_a
from scaffold.introspect.kinds._kind import AnswerForm, Describe, PathValues, plain
from scaffold.introspect.kinds._records import describe_mappings, one_kind
from scaffold.introspect.kinds._tables import FrameKind
from scaffold.introspect.kinds.arrow import of_arrow_type
from scaffold.spec import (
    Category,
    Column,
    Element,
    Interval,
    Missing,
    OpenedSeries,
    Optional,
    OverTime,
    Pandas,
    Period,
    PythonScalar,
    PythonType,
    Record,
    Scalar,
    ScalarType,
    Schema,
    SeriesRow,
    Table,
    TextOf,
)

if TYPE_CHECKING:
    import pandas as pd

_AS_TEXT = (ScalarType.DATETIME, ScalarType.AWARE_DATETIME, ScalarType.DATE, ScalarType.DURATION)


class PandasKind(FrameKind):
    """pandas."""

    frames = ("pandas.DataFrame",)
    series = ("pandas.Series", "pandas.Index", "pandas.ExtensionArray")

    def column(self, frame: Any, position: int) -> tuple[Any, list[Any]]:
        """Return a column by position, because names may be duplicates before the check."""
        column = frame.iloc[:, position]
        return column, column[column.notna()].tolist()

    def of_column(self, column: Any, path: str, describe: Describe) -> tuple[Schema, str]:
        """Return the schema and dtype of a Series."""
        dtype = column.dtype
        name = _dtype_name(dtype)
        if name == "object":
            pairs = [(f"{path}[{i}]", value) for i, value in enumerate(column.tolist())]
            return _objects(pairs, path, describe), name
        schema = self._of_dtype(dtype, name, path, describe)
        return (Optional(of=schema, missing=_missing_of(dtype)) if column.isna().any() else schema), name

    def _of_dtype(self, dtype: Any, name: str, path: str, describe: Describe) -> Schema:
        """Return the schema of a dtype other than `object`."""
        if is_a(dtype, "pandas.CategoricalDtype"):
            return self._category(dtype, path, describe)
        if is_a(dtype, "pandas.ArrowDtype"):
            return of_arrow_type(dtype.pyarrow_dtype, path)[0]
        if is_a(dtype, "pandas.DatetimeTZDtype"):
            return _scalars.temporal(ScalarType.AWARE_DATETIME, Element(name, Pandas()))
        if getattr(dtype, "kind", "") in ("M", "m"):
            type_ = ScalarType.DATETIME if dtype.kind == "M" else ScalarType.DURATION
            return _scalars.temporal(type_, Element(name, Pandas()))
        if is_a(dtype, "pandas.IntervalDtype"):
            return Scalar(type=ScalarType.STRING, native=Interval())
        if is_a(dtype, "pandas.PeriodDtype"):
            frequency = name.removeprefix("period[").removesuffix("]")
            return Scalar(type=ScalarType.PERIOD, native=Period(frequency))
        subtype = str(dtype.subtype) if is_a(dtype, "pandas.SparseDtype") else name
        scalar = _scalars.of_dtype(subtype, Pandas())
        if scalar is None:
            raise UnsupportedSampleError(path, f"a column of dtype {name} is not JSON")
        return scalar

    def _category(self, dtype: Any, path: str, describe: Describe) -> Category:
        levels, ordered = dtype.categories, bool(dtype.ordered)
        if is_a(levels.dtype, "pandas.IntervalDtype"):
            of = Scalar(type=ScalarType.STRING, native=TextOf(Interval()))
            return Category(of=of, levels=tuple(str(level) for level in levels), ordered=ordered)
        of_level, _ = self.of_column(levels.to_series(), path, describe)
        name = str(levels.dtype)
        if not isinstance(of_level, Scalar):
            raise UnsupportedSampleError(path, "categories that are no plain values are not JSON")
        levels_json = tuple(encode_scalar(level, of_level) for level in levels.tolist())
        if of_level.type in _AS_TEXT:
            native = PythonScalar(PythonType.DATE) if name == "object" else Element(name, Pandas())
            of = Scalar(type=ScalarType.STRING, native=TextOf(native))
            return Category(of=of, levels=tuple(map(str, levels_json)), ordered=ordered)
        default_dtype = str(type(levels)(levels.tolist()).dtype)
        of = Scalar(type=of_level.type, native=None if default_dtype == name else Element(name, Pandas()))
        return Category(of=of, levels=levels_json, ordered=ordered)

    def describe_values(self, series: object, describe: Describe) -> Column:
        """Return the records of a Series, an Index, or the values of a column."""
        if not is_a(series, "pandas.Series"):
            import pandas as pd

            series = pd.Series(series)
        return super().describe_values(series, describe)

    def _series(self, pairs: PathValues, describe: Describe) -> Schema:
        """Return a record if the index has names, else a list."""
        if not all(is_named_series(value) for _, value in pairs):
            return super()._series(pairs, describe)
        record = describe_mappings([(path, dict(value.items())) for path, value in pairs], describe)
        return Record(fields=record.fields, form=SeriesRow(str(pairs[0][1].dtype)))

    # ------------------------------------------------------------------ its records

    def count(self, value: Any) -> int | None:
        """Return the rows of a frame, the values of a Series that is a column."""
        return None if is_row(value) else len(value)

    def take(self, value: Any, indices: list[int]) -> object:
        """Return rows, numbered from 0 as in the service."""
        if not is_a(value, "pandas.DataFrame", "pandas.Series"):
            return value[indices]
        return without_index(value.iloc[indices])

    def slice(self, value: Any, start: int, stop: int) -> object:
        """Return rows with their index."""
        if not is_a(value, "pandas.DataFrame", "pandas.Series"):
            return super().slice(value, start, stop)
        return value.iloc[start:stop]

    def record(self, value: Any, i: int) -> Any:
        """Return a row of a frame as a dict, plain numbers in it, or a value of a Series."""
        if is_a(value, "pandas.DataFrame"):
            return {name: plain(value.iloc[i, j]) for j, name in enumerate(value.columns)}
        return plain(value.iloc[i]) if is_a(value, "pandas.Series") else value[i]

    # ------------------------------------------------------------------ as JSON

    def rows(self, value: Any, schema: Schema) -> list[object]:
        """Return the rows of a frame as dicts, or the values of a Series."""
        match schema:
            case Table(columns=columns):
                names = [column.name for column in columns]
                values = [_values_of(value.iloc[:, j]) for j in range(len(columns))]
                return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]
            case Column():
                return _values_of(value)
            case _:
                return list(value)

    def open_answers(self, answers: Sequence[Any]) -> tuple[list[Any], AnswerForm | None]:
        """Convert frames over time with their index, and a Series with named values to a dict."""
        over_time = _over_time(answers[0])
        if over_time is not None and any(len(answer) > 1 for answer in answers):
            indexed = [_with_index(answer, over_time) for answer in answers]
            return [[self.record(answer, i) for i in range(len(answer))] for answer in indexed], over_time
        if is_named_series(answers[0]):
            return [answer.to_dict() for answer in answers], OpenedSeries(self.container)
        return super().open_answers(answers)

    def to_lists(self, value: Any) -> Any:
        """Return the values of a Series."""
        return value.to_list() if hasattr(value, "to_list") else value.tolist()


def is_named_series(value: object) -> bool:
    """Whether `value` is a pandas Series with strings as its index."""
    return is_a(value, "pandas.Series") and all(isinstance(label, str) for label in value.index)  # type: ignore[attr-defined]


def is_row(series: Any) -> bool:
    """Whether a pandas Series is one row of a frame rather than one column.

    The index of a row has the column names; its values are of several types, or its name is not a string.
    The index of a column is a range, dates or labels; its name is that of the column.
    """
    if not is_a(series, "pandas.Series") or len(series) == 0:
        return False
    if not all(isinstance(label, str) for label in series.index) or not series.index.is_unique:
        return False
    kinds = {type(value) for value in series if value is not None}
    return len(kinds) > 1 or not isinstance(series.name, str)


def without_index(sample: Any) -> object:
    """Return a pandas frame or Series with its rows numbered from 0, as they are in the service."""
    if is_a(sample, "pandas.DataFrame", "pandas.Series") and not is_row(sample):
        return sample.reset_index(drop=True)
    return sample


def _dtype_name(dtype: object) -> str:
    """Return the name to construct the dtype from; `str` implies Arrow storage if pyarrow is installed."""
    name = str(dtype)
    storage = getattr(dtype, "storage", "") if name in ("str", "string") else ""
    return f"{name}[python]" if storage == "python" and _has_arrow() else name


@cache
def _has_arrow() -> bool:
    return importlib.util.find_spec("pyarrow") is not None


def _missing_of(dtype: object) -> Missing:
    if getattr(dtype, "kind", "") in ("M", "m") and not is_a(dtype, "pandas.ArrowDtype"):
        return Missing.NAT
    na_value = getattr(dtype, "na_value", None)
    return Missing.NA if is_a(na_value, "pandas.NAType") else Missing.NAN


def _objects(pairs: PathValues, path: str, describe: Describe) -> Schema:
    """Describe an object column, whose values must be of one type or missing."""
    present = [value for _, value in pairs if _scalars.missing_marker(value) is None]
    name = path.removeprefix("$.")
    advice = (
        "Give it one type, in the sample and in the training, or say which is meant:\n"
        f"  {shell_line('scaffold', 'new')} ... {shell_line('--type', f'{name}=str')}"
    )
    return one_kind(describe(pairs), present, path, "a column", advice)


def _values_of(column: Any) -> list[object]:
    """Return the values of a Series; integer levels stay integers beside missing values."""
    if not is_a(getattr(column, "dtype", None), "pandas.CategoricalDtype"):
        return list(column.tolist())
    levels = column.dtype.categories.tolist()
    codes = column.codes if is_a(column, "pandas.Categorical", "pandas.Index") else column.cat.codes
    return [None if code < 0 else levels[code] for code in codes]


def _over_time(answer: Any) -> OverTime | None:
    """Return the form of a frame indexed by times or floats; `None` for any other answer.

    A single column with an integer label is a curve: the label is the record's position in the batch.
    """
    if not is_a(answer, "pandas.DataFrame") or answer.index.dtype.kind not in "fM":
        return None
    columns = list(answer.columns)
    return OverTime(curve=len(columns) == 1 and isinstance(columns[0], int))


def _with_index(answer: pd.DataFrame, form: OverTime) -> pd.DataFrame:
    return answer.iloc[:, 0].reset_index(name="value") if form.curve else answer.reset_index()
