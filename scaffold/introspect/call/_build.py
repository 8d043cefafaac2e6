"""Build the objects of a function's annotations from plain values: JSON has no dates and no dataclasses."""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime
import decimal
import enum
import inspect
import typing
import uuid
from collections.abc import Mapping
from typing import Any

from scaffold.introspect import _checks
from scaffold.introspect._guard import hint
from scaffold.introspect._rows import count_rows, take_record

_SCALARS = (datetime.date, datetime.time, datetime.timedelta, decimal.Decimal, uuid.UUID, enum.Enum)
_SEVERAL = (list, tuple, collections.abc.Sequence, collections.abc.Iterable)


@hint(otherwise=None)
def build_arguments(annotations: Mapping[str, object], value: object) -> object:
    """Convert arguments by name, or a list of them, to the annotated types.

    `None` if no annotation needs a conversion, or a value does not validate.
    """
    rich = {name: annotation for name, annotation in annotations.items() if _is_rich(annotation)}
    records = _records(value)
    if not rich or not all(_checks.is_mapping(record) for record in records):
        return None

    def build(record: Mapping[str, object]) -> dict[str, object]:
        return {name: _validate(rich[name], item) if name in rich else item for name, item in record.items()}

    return _build_each(build, value, records)


@hint(otherwise=None)
def build_records(annotation: object, value: object) -> object:
    """Convert one argument to the annotated type: the whole list, or each record.

    `None` if the annotation needs no conversion, or the value does not validate.
    """
    if not _is_rich(annotation):
        return None
    records = _records(value)
    if typing.get_origin(annotation) in _SEVERAL and records is not value and not _checks.is_mapping(value):
        return _build_each(lambda whole: _validate(annotation, whole), None, [records])
    return _build_each(lambda record: _validate(annotation, record), value, records)


def _records(value: object) -> list[object]:
    rows = None if _checks.is_mapping(value) else count_rows(value)
    return [value] if rows is None else [take_record(value, i) for i in range(rows)]


def _build_each(build: Any, value: object, records: list[Any]) -> object:
    """Apply `build` to each record; return a single result if `value` is one record."""
    results = [build(record) for record in records]
    several = value is not None and not _checks.is_mapping(value) and count_rows(value) is not None
    return results if several else results[0]


def _validate(annotation: Any, value: Any) -> object:
    from pydantic import TypeAdapter

    return TypeAdapter(annotation).validate_python(value, strict=False)


def _is_rich(annotation: object) -> bool:
    """Whether JSON has no values of this type, so that they must be built from plain values."""
    if isinstance(annotation, type) and typing.get_origin(annotation) is None:
        if typing.is_typeddict(annotation):
            return any(map(_is_rich, inspect.get_annotations(annotation).values()))
        own = dataclasses.is_dataclass(annotation) or hasattr(annotation, "_fields")
        return own or issubclass(annotation, _SCALARS) or hasattr(annotation, "model_fields")
    return any(map(_is_rich, typing.get_args(annotation)))
