"""Records as JSON, cut into batches."""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from .errors import Fault, InvalidRecordError

TEXTS = {"Interval", "Period"}  # of pandas


@dataclass(frozen=True)
class Batch:
    """Records that go into one request."""

    start: int  # the place of its first record in the whole list
    bodies: Sequence[bytes]

    @property
    def body(self) -> bytes:
        """The JSON of all of them."""
        return b"[" + b",".join(self.bodies) + b"]"

    def halves(self) -> "tuple[Batch, Batch]":
        """Return two smaller batches."""
        middle = len(self.bodies) // 2
        second = Batch(self.start + middle, self.bodies[middle:])
        return Batch(self.start, self.bodies[:middle]), second


def batches(records: Sequence[Any], max_records: int, max_bytes: int) -> Iterator[Batch]:
    """Yield the records in batches within both limits; a record that is too large is one itself.

    Raises:
        InvalidRecordError: A record is no JSON.
    """
    start, bodies, size = 0, list[bytes](), 2
    for index, record in enumerate(records):
        body = encode(record, index)
        if bodies and (len(bodies) == max_records or size + len(body) + 1 > max_bytes):
            yield Batch(start, bodies)
            start, bodies, size = index, [], 2
        bodies.append(body)
        size += len(body) + 1
    if bodies:
        yield Batch(start, bodies)


def encode(record: Any, index: int = 0) -> bytes:
    """Return a record as JSON; NaN is `null`.

    Raises:
        InvalidRecordError: It holds an infinite number, or an object that is no JSON.
    """
    try:
        return _dumps(record)
    except (TypeError, ValueError):
        pass
    fields = record if isinstance(record, Mapping) else {"": record}
    messages = {str(name): _fault(value) for name, value in fields.items()}
    faults = [Fault(index, name, message) for name, message in messages.items() if message]
    if faults:
        raise InvalidRecordError("\n".join(map(str, faults)), faults=faults)
    return _dumps(_without_nan(record))


def _fault(value: Any) -> str:
    """Say why a value is no JSON; empty where it is."""
    try:
        _dumps(_without_nan(value))
    except (TypeError, ValueError) as error:
        return str(error)
    return ""


def _dumps(value: Any) -> bytes:
    return json.dumps(value, default=as_json, allow_nan=False).encode()


def _without_nan(value: Any) -> Any:
    """Return the value with None for each NaN in it."""
    if isinstance(value, float):
        return None if value != value else value
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, Mapping):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return _without_nan(as_json(value))


def as_json(value: Any) -> Any:
    """Return what JSON has in place of an object of Python, numpy or pandas.

    Raises:
        TypeError: JSON has nothing for it.
    """
    kind = type(value).__name__
    if kind == "NAType":
        return None
    if isinstance(value, date | time | timedelta | Decimal):
        if value != value:  # NaT, Decimal("NaN")
            return None
        if isinstance(value, timedelta):
            return duration(value)
        return str(value) if isinstance(value, Decimal) else value.isoformat()
    if isinstance(value, UUID) or kind in TEXTS:
        return str(value)
    if isinstance(value, bytes | bytearray):
        return b64encode(value).decode()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence | Set):
        return list(value)
    if hasattr(value, "tolist"):  # an array, or a number of numpy
        return value.tolist()
    raise TypeError(f"an object of the type {kind} is no JSON")


def duration(span: timedelta) -> str:
    """Return ISO 8601 text: `-PT90.5S`."""
    sign, span = ("-", -span) if span < timedelta(0) else ("", span)
    if hasattr(span, "isoformat"):  # of pandas, with nanoseconds
        return f"{sign}{span.isoformat()}"
    seconds = span.days * 86400 + span.seconds
    return f"{sign}PT{seconds}.{span.microseconds:06}S"
