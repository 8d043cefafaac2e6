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

from scaffold.introspect import _kinds
from scaffold.introspect._guard import hint
from scaffold.introspect._rows import count_rows, take_record

_SCALARS = (datetime.date, datetime.time, datetime.timedelta, decimal.Decimal, uuid.UUID, enum.Enum)
_SEVERAL = (list, tuple, collections.abc.Sequence, collections.abc.Iterable)


@hint(otherwise=None)
def built_arguments(annotations: Mapping[str, object], value: object) -> object:
    """Return arguments by name, or a list of such, each as it is annotated.

    `None` where no annotation asks for another type, or one does not take its value.
    """
    rich = {name: annotation for name, annotation in annotations.items() if _is_rich(annotation)}
    records = _records(value)
    if not rich or not all(_kinds.is_mapping(record) for record in records):
        return None

    def build(record: Mapping[str, object]) -> dict[str, object]:
        return {n: _valid(rich[n], given) if n in rich else given for n, given in record.items()}

    return _each(build, value, records)


@hint(otherwise=None)
def built_records(annotation: object, value: object) -> object:
    """Return one argument as it is annotated: all in a list, or each record.

    `None` where the annotation asks for no other type, or does not take the value.
    """
    if not _is_rich(annotation):
        return None
    records = _records(value)
    if typing.get_origin(annotation) in _SEVERAL and records is not value and not _kinds.is_mapping(value):
        return _each(lambda whole: _valid(annotation, whole), None, [records])
    return _each(lambda record: _valid(annotation, record), value, records)


def _records(value: object) -> list[object]:
    rows = None if _kinds.is_mapping(value) else count_rows(value)
    return [value] if rows is None else [take_record(value, i) for i in range(rows)]


def _each(build: Any, value: object, records: list[Any]) -> object:
    """Return what `build` makes of the records, of the one where `value` is one."""
    made = [build(record) for record in records]
    several = value is not None and not _kinds.is_mapping(value) and count_rows(value) is not None
    return made if several else made[0]


def _valid(annotation: Any, value: Any) -> object:
    from pydantic import TypeAdapter

    return TypeAdapter(annotation).validate_python(value, strict=False)


def _is_rich(annotation: object) -> bool:
    """Whether values of this type cannot be written in JSON, so that they come as something plainer."""
    if isinstance(annotation, type) and typing.get_origin(annotation) is None:
        if typing.is_typeddict(annotation):
            return any(map(_is_rich, inspect.get_annotations(annotation).values()))
        own = dataclasses.is_dataclass(annotation) or hasattr(annotation, "_fields")
        return own or issubclass(annotation, _SCALARS) or hasattr(annotation, "model_fields")
    return any(map(_is_rich, typing.get_args(annotation)))
