"""The fields of one record, whatever its class, and a copy with other values."""

from __future__ import annotations

import dataclasses
from typing import Any

from scaffold.introspect import _kinds


def fields_of(record: Any) -> dict[Any, Any]:
    """Return the values of a record by name; nothing for what is no record."""
    if _kinds.is_mapping(record) or _kinds.is_pydantic(record):
        return dict(record)
    if _kinds.is_dataclass(record):
        return {field.name: getattr(record, field.name) for field in dataclasses.fields(record) if field.init}
    return record._asdict() if _kinds.is_named_tuple(record) else {}


def with_values(record: Any, values: dict[Any, Any]) -> Any:
    """Return a copy of a record with some other values; what is no record comes back as it is."""
    if _kinds.is_pydantic(record):
        return record.model_copy(update=values)
    if _kinds.is_dataclass(record):
        return dataclasses.replace(record, **values)
    if _kinds.is_named_tuple(record):
        return record._replace(**values)
    return {**record, **values} if _kinds.is_mapping(record) else record
