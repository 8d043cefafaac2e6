"""The scalar type of a dtype or a Python value."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import math
import re
import uuid
from typing import Any

from scaffold.introspect._types import is_a
from scaffold.spec import (
    Container,
    Element,
    Interval,
    Missing,
    Moment,
    Native,
    Numpy,
    NumpyScalar,
    NumpyTime,
    Period,
    PythonScalar,
    PythonType,
    Scalar,
    ScalarType,
    Timedelta,
    Timestamp,
)

_INTEGER = re.compile(r"(u?)int(8|16|32|64)\b")
_FLOATS = {
    "float16": 65504.0,
    "half": 65504.0,
    "bfloat16": 3.3895313892515355e38,
    "float32": 3.4028234663852886e38,
    "float": None,
    "float64": None,
    "double": None,
    "longdouble": None,
    "float128": None,
}


def integer(native: Native, *, bits: int = 64, signed: bool = True) -> Scalar:
    """Return an integer type of `bits` bits."""
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return Scalar(type=ScalarType.INTEGER, native=native, minimum=least, maximum=most)


def of_dtype(dtype: str, container: Container) -> Scalar | None:
    """Return the scalar type for a dtype of numpy, torch, pandas, Arrow or polars; `None` if unknown.

    Dates and times are left to the library's own adapter.
    """
    native = Element(dtype, container)
    name = dtype.removeprefix("torch.").removesuffix("[pyarrow]").lower()
    if name in ("bool", "boolean"):
        return Scalar(type=ScalarType.BOOLEAN, native=native)
    if match := _INTEGER.fullmatch(name):
        return integer(native, bits=int(match[2]), signed=not match[1])
    if name in _FLOATS:
        most = _FLOATS[name]
        least = None if most is None else -most
        return Scalar(type=ScalarType.NUMBER, native=native, minimum=least, maximum=most)
    if name in ("str", "str[python]", "string", "string[python]", "large_string", "utf8", "string_view"):
        return Scalar(type=ScalarType.STRING, native=native)
    return None


_PLAIN: tuple[tuple[type, ScalarType, PythonType], ...] = (
    (bool, ScalarType.BOOLEAN, PythonType.BOOL),
    (int, ScalarType.INTEGER, PythonType.INT),
    (float, ScalarType.NUMBER, PythonType.FLOAT),
    (str, ScalarType.STRING, PythonType.STR),
    (bytes, ScalarType.BYTES, PythonType.BYTES),
    (bytearray, ScalarType.BYTES, PythonType.BYTEARRAY),
    (decimal.Decimal, ScalarType.DECIMAL, PythonType.DECIMAL),
    (uuid.UUID, ScalarType.UUID, PythonType.UUID),
    (datetime.date, ScalarType.DATE, PythonType.DATE),
    (datetime.timedelta, ScalarType.DURATION, PythonType.TIMEDELTA),
)


def python(type_: ScalarType, of: PythonType) -> Scalar:
    """Return the scalar type of a Python type."""
    return Scalar(type=type_, native=PythonScalar(of))


def of_value(value: Any) -> Scalar | None:
    """Return the scalar type of `value`; `None` if JSON cannot represent it."""
    if is_a(value, "numpy.generic"):
        return _of_numpy(value)
    if is_a(value, "pandas.Timestamp"):
        zone = None if value.tzinfo is None else zone_name(value.tzinfo)
        return _moment(Timestamp(zone), aware=zone is not None, fine=is_fine(value))
    if is_a(value, "pandas.Timedelta"):
        return Scalar(type=ScalarType.DURATION, native=Timedelta(), nanoseconds=is_fine(value))
    if is_a(value, "pandas.Period"):
        return Scalar(type=ScalarType.PERIOD, native=Period(value.freqstr))
    if is_a(value, "pandas.Interval"):
        return Scalar(type=ScalarType.STRING, native=Interval())
    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            return python(ScalarType.DATETIME, PythonType.DATETIME)
        return _moment(Moment(zone_name(value.tzinfo)), aware=True, fine=False)
    if isinstance(value, datetime.time):
        return python(ScalarType.TIME, PythonType.TIME if value.tzinfo is None else PythonType.AWARE_TIME)
    for cls, type_, of in _PLAIN:
        if isinstance(value, cls):
            return python(type_, of)
    return None


def temporal(type_: ScalarType, element: Element) -> Scalar:
    """Return the scalar type of a column of dates, times or durations, by its dtype."""
    return Scalar(type=type_, native=element, nanoseconds=has_nanoseconds(element.dtype))


def _moment(native: Native, *, aware: bool, fine: bool) -> Scalar:
    type_ = ScalarType.AWARE_DATETIME if aware else ScalarType.DATETIME
    return Scalar(type=type_, native=native, nanoseconds=fine)


def is_fine(value: object) -> bool:
    """Whether a Timestamp or Timedelta of pandas has nanosecond resolution: always before pandas 2."""
    return str(getattr(value, "unit", "ns")) == "ns"


def has_nanoseconds(dtype: str) -> bool:
    """Whether datetimes or durations of this dtype have nanosecond resolution.

    The dtype is as numpy, pandas, Arrow or polars writes it.
    """
    return (
        re.search(r"(datetime64|timedelta64|timestamp|duration)\[ns|^(Datetime|Duration)\(.*'ns'", dtype)
        is not None
    )


def zone_name(zone: object) -> str:
    """Return the name to construct `zone` from: `Europe/Oslo`, `UTC`, `UTC+02:00`."""
    return str(getattr(zone, "key", None) or getattr(zone, "zone", None) or zone)


def _of_numpy(value: Any) -> Scalar | None:
    kind, name = value.dtype.kind, value.dtype.name
    if kind == "U":
        return Scalar(type=ScalarType.STRING, native=NumpyScalar("str_"))
    if kind == "S":
        return Scalar(type=ScalarType.BYTES, native=NumpyScalar("bytes_"))
    if kind in "mM":
        unit = name.partition("[")[2].rstrip("]")
        if re.fullmatch(r"\d*(ps|fs|as)", unit):
            return None  # no parser of ISO 8601 reads more than nine digits
        type_ = ScalarType.DATETIME if kind == "M" else ScalarType.DURATION
        return Scalar(type=type_, native=NumpyTime(unit), nanoseconds=has_nanoseconds(name))
    scalar = of_dtype(name, Numpy())
    if scalar is None:
        return None
    return dataclasses.replace(scalar, native=NumpyScalar("bool_" if name == "bool" else name))


def is_nan(value: object) -> bool:
    """Whether `value` is a float NaN."""
    return isinstance(value, float) and math.isnan(value)


def missing_marker(value: object) -> Missing | None:
    """Return the kind of missing value that `value` is; `None` if it is not missing."""
    if value is None:
        return Missing.NONE
    if type(value) in (str, int, bool, float):
        return Missing.NAN if value != value else None
    if is_a(value, "pandas.NAType"):
        return Missing.NA
    if is_a(value, "pandas.NaTType"):
        return Missing.NAT
    if is_nan(value) or (is_a(value, "numpy.floating") and value != value):
        return Missing.NAN
    if is_a(value, "numpy.datetime64", "numpy.timedelta64") and value != value:
        return Missing.NAT
    return None
