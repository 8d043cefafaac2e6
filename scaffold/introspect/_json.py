"""Encode one value as the JSON of a request or a response."""

from __future__ import annotations

import base64
import datetime
import enum
from typing import Any

from pydantic_core import to_jsonable_python

from scaffold.introspect import _scalars
from scaffold.introspect._types import is_a
from scaffold.spec import JSONScalar, Scalar, ScalarType


def encode_scalar(value: Any, schema: Scalar) -> JSONScalar:
    """Return a scalar as JSON."""
    match schema.type:
        case ScalarType.BOOLEAN:
            return bool(value)
        case ScalarType.INTEGER:
            return int(value)
        case ScalarType.NUMBER:
            return float(value)
        case ScalarType.STRING | ScalarType.DECIMAL | ScalarType.UUID | ScalarType.PERIOD:
            return str(value)
        case ScalarType.DATE:
            return str(value.isoformat())
        case ScalarType.TIME:
            return str(to_jsonable_python(value))
        case ScalarType.DATETIME:
            return _datetime(value)
        case ScalarType.AWARE_DATETIME:
            return f"{_counted(value)}Z" if isinstance(value, int) else _datetime(value)
        case ScalarType.DURATION:
            return _span(value)
        case ScalarType.BYTES:
            return base64.b64encode(bytes(value)).decode("ascii")
        case ScalarType.NULL | ScalarType.ANY:
            return _any(value)


def encode_level(value: object, of: Scalar) -> JSONScalar:
    """Encode a level of a categorical dtype; dates become ISO text, because levels are matched as text."""
    if isinstance(value, datetime.timedelta):
        return _duration(value)
    if isinstance(value, (datetime.date, datetime.datetime)):
        return str(value.isoformat())
    return encode_scalar(value, of)


def _datetime(value: Any) -> str:
    """Return a datetime in ISO 8601, with nine fractional digits if six are not enough."""
    if isinstance(value, int):
        return _counted(value)
    if is_a(value, "numpy.datetime64"):
        text = str(value)
        if len(text) == len("2024-06-15T12:00:00.000000001") and not text.endswith("000"):
            return text
        return str(value.astype("datetime64[us]")).removesuffix(".000000")
    offset = value.utcoffset()
    if offset is not None and offset.total_seconds() % 60:
        value = value.astimezone(datetime.timezone.utc)  # ISO 8601 has no seconds in an offset
    return str(value.isoformat()).replace("+00:00", "Z")  # like pydantic


def _counted(nanoseconds: int) -> str:
    """Return the datetime for nanoseconds since the Unix epoch, without a time zone."""
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=nanoseconds // 1000)
    return f"{moment.isoformat(timespec='microseconds')}{nanoseconds % 1000:03d}"


def _span(value: Any) -> str:
    """Return a duration in ISO 8601, with nine fractional digits if six are not enough."""
    if isinstance(value, int):
        count = value
    elif is_a(value, "numpy.timedelta64"):
        fine = _scalars.has_nanoseconds(value.dtype.name)
        count = (
            int(value.astype("int64"))
            if fine
            else 1000 * int(value.astype("timedelta64[us]").astype("int64"))
        )
    else:
        whole = (value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds
        count = 1000 * whole + getattr(value, "nanoseconds", 0)
    if count % 1000 == 0:
        return str(to_jsonable_python(datetime.timedelta(microseconds=count // 1000)))
    seconds, digits = divmod(abs(count), 1_000_000_000)
    return f"{'-' if count < 0 else ''}PT{seconds}.{digits:09d}S"


def _duration(value: datetime.timedelta) -> str:
    """Return a duration in the ISO 8601 form that pandas parses: `P1DT2H3M4.5S`."""
    sign, value = ("-", -value) if value < datetime.timedelta(0) else ("", value)
    seconds = value.seconds + value.microseconds / 1e6
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    text = f"{seconds:.6f}".rstrip("0").rstrip(".")
    return f"{sign}P{value.days}DT{hours}H{minutes}M{text}S"


def _any(value: object) -> JSONScalar:
    """Return a scalar of no known type."""
    if isinstance(value, enum.Enum):
        return _any(value.value)
    return value if isinstance(value, (bool, int, float, str)) else str(value)
