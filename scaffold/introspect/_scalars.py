"""The scalar that a dtype or a Python value stands for."""

from __future__ import annotations

import datetime
import decimal
import math
import re
import uuid
from typing import Any

from scaffold.introspect import _kinds
from scaffold.spec import Scalar, ScalarType

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


def integer(native: str, *, bits: int = 64, signed: bool = True) -> Scalar:
    """Return an integer that fits in so many bits."""
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return Scalar(type=ScalarType.INTEGER, native=native, minimum=least, maximum=most)


def of_dtype(dtype: str) -> Scalar | None:
    """Return the scalar for the name of a numpy, torch, pandas, Arrow or polars dtype; `None` if it has none.

    Dates and times are left to the library's own adapter.
    """
    name = dtype.removeprefix("torch.").removesuffix("[pyarrow]").lower()
    if name in ("bool", "boolean"):
        return Scalar(type=ScalarType.BOOLEAN, native=dtype)
    if found := _INTEGER.fullmatch(name):
        return integer(dtype, bits=int(found[2]), signed=not found[1])
    if name in _FLOATS:
        most = _FLOATS[name]
        least = None if most is None else -most
        return Scalar(type=ScalarType.NUMBER, native=dtype, minimum=least, maximum=most)
    if name in ("str", "str[python]", "string", "string[python]", "large_string", "utf8", "string_view"):
        return Scalar(type=ScalarType.STRING, native=dtype)
    return None


_PLAIN: tuple[tuple[type, ScalarType, str], ...] = (
    (bool, ScalarType.BOOLEAN, "bool"),
    (int, ScalarType.INTEGER, "int"),
    (float, ScalarType.NUMBER, "float"),
    (str, ScalarType.STRING, "str"),
    (bytes, ScalarType.BYTES, "bytes"),
    (bytearray, ScalarType.BYTES, "bytearray"),
    (decimal.Decimal, ScalarType.DECIMAL, "Decimal"),
    (uuid.UUID, ScalarType.UUID, "UUID"),
    (datetime.date, ScalarType.DATE, "date"),
    (datetime.timedelta, ScalarType.DURATION, "timedelta"),
)


def of_value(value: Any) -> Scalar | None:
    """Return the scalar that `value` is, or `None` if it is none that JSON can say."""
    if _kinds.kin(value, "numpy.generic"):
        return _of_numpy(value)
    if _kinds.kin(value, "pandas.Timestamp"):
        return _datetime("pandas.Timestamp", value)
    if _kinds.kin(value, "pandas.Timedelta"):
        fine = is_fine(value)
        return Scalar(type=ScalarType.DURATION, native="pandas.Timedelta", nanoseconds=fine)
    if _kinds.kin(value, "pandas.Period"):
        return Scalar(type=ScalarType.PERIOD, native=f"pandas.Period[{value.freqstr}]")
    if _kinds.kin(value, "pandas.Interval"):
        return Scalar(type=ScalarType.STRING, native="pandas.Interval")
    if isinstance(value, datetime.datetime):
        return _datetime("datetime", value)
    if isinstance(value, datetime.time):
        return Scalar(type=ScalarType.TIME, native="time" if value.tzinfo is None else "aware time")
    for cls, type_, native in _PLAIN:
        if isinstance(value, cls):
            return Scalar(type=type_, native=native)
    return None


def _datetime(native: str, value: datetime.datetime) -> Scalar:
    fine = native == "pandas.Timestamp" and is_fine(value)
    if value.tzinfo is None:
        return Scalar(type=ScalarType.DATETIME, native=native, nanoseconds=fine)
    zoned = f"{native}[{zone_name(value.tzinfo)}]"
    return Scalar(type=ScalarType.AWARE_DATETIME, native=zoned, nanoseconds=fine)


def is_fine(value: Any) -> bool:
    """Whether a Timestamp or Timedelta of pandas counts nanoseconds: before pandas 2 each does."""
    return str(getattr(value, "unit", "ns")) == "ns"


def has_nanoseconds(dtype: str) -> bool:
    """Whether moments or spans of time of this dtype have nine digits of a second.

    The dtype is as numpy, pandas, Arrow or polars writes it.
    """
    return (
        re.search(r"(datetime64|timedelta64|timestamp|duration)\[ns|^(Datetime|Duration)\(.*'ns'", dtype)
        is not None
    )


def zone_name(zone: Any) -> str:
    """Return the name by which `zone` is made again: `Europe/Oslo`, `UTC`, `UTC+02:00`."""
    return str(getattr(zone, "key", None) or getattr(zone, "zone", None) or zone)


def _of_numpy(value: Any) -> Scalar | None:
    kind, name = value.dtype.kind, value.dtype.name
    if kind == "U":
        return Scalar(type=ScalarType.STRING, native="numpy.str_")
    if kind == "S":
        return Scalar(type=ScalarType.BYTES, native="numpy.bytes_")
    if kind in "mM" and re.search(r"\[(\d*)(ps|fs|as)\]", name):
        return None  # finer than ISO 8601 is read anywhere
    if kind == "M":
        return Scalar(type=ScalarType.DATETIME, native=f"numpy.{name}", nanoseconds=has_nanoseconds(name))
    if kind == "m":
        return Scalar(type=ScalarType.DURATION, native=f"numpy.{name}", nanoseconds=has_nanoseconds(name))
    found = of_dtype(name)
    if found is None:
        return None
    return Scalar(
        type=found.type,
        native=f"numpy.{'bool_' if name == 'bool' else name}",
        minimum=found.minimum,
        maximum=found.maximum,
    )


def is_nan(value: Any) -> bool:
    """Whether it is a float that is no number."""
    return isinstance(value, float) and math.isnan(value)


def missing_marker(value: Any) -> str | None:
    """Return how `value` says that nothing is there: `None`, `nan`, `NA` or `NaT`; `None` if it does not."""
    if value is None:
        return "None"
    if type(value) in (str, int, bool, float):
        return "nan" if value != value else None
    if _kinds.kin(value, "pandas.NAType"):
        return "NA"
    if _kinds.kin(value, "pandas.NaTType"):
        return "NaT"
    if is_nan(value) or (_kinds.kin(value, "numpy.floating") and value != value):
        return "nan"
    if _kinds.kin(value, "numpy.datetime64", "numpy.timedelta64") and value != value:
        return "NaT"
    return None
