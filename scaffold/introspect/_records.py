"""Read the fields of a record of any class, and copy it with other values."""

from __future__ import annotations

import dataclasses
from typing import Any

from scaffold.introspect import _checks


def fields_of(record: Any) -> dict[Any, Any]:
    """Return the values of a record by name; empty for other objects."""
    if _checks.is_mapping(record) or _checks.is_pydantic(record):
        return dict(record)
    if _checks.is_dataclass(record):
        return {field.name: getattr(record, field.name) for field in dataclasses.fields(record) if field.init}
    return record._asdict() if _checks.is_named_tuple(record) else {}


def with_values(record: Any, values: dict[Any, Any]) -> Any:
    """Return a copy of a record with some values replaced; other objects are returned unchanged."""
    if _checks.is_pydantic(record):
        return record.model_copy(update=values)
    if _checks.is_dataclass(record):
        return dataclasses.replace(record, **values)
    if _checks.is_named_tuple(record):
        return record._replace(**values)
    return {**record, **values} if _checks.is_mapping(record) else record
