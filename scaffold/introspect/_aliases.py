"""The names by which the fields of a user's own class go over the wire."""

from __future__ import annotations

import contextlib
import itertools
import typing
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from scaffold.introspect._guard import hint

_ANSWERS: ContextVar[bool] = ContextVar("answers", default=False)


def are_answers() -> bool:
    """Whether answers are being described and encoded, not requests."""
    return _ANSWERS.get()


@contextlib.contextmanager
def answers() -> Iterator[None]:
    """Describe and encode answers in this context: pydantic serializes by other aliases than it validates."""
    token = _ANSWERS.set(True)
    try:
        yield
    finally:
        _ANSWERS.reset(token)


Alias = str | tuple[str | int, ...]
"""A name, or the path to a value within an object: `("names", 0)`."""


@hint(otherwise={})
def input_aliases(cls: type) -> dict[str, Alias]:
    """Return the validation alias of each field that has one.

    Source: `pydantic.Field(validation_alias=...)`; of several choices the first string is used.
    """
    if getattr(cls, "model_config", {}).get("validate_by_alias") is False:
        return {}
    fields = (
        getattr(cls, "model_fields", None)
        or getattr(cls, "__pydantic_fields__", None)
        or _annotated_fields(cls)
    )
    aliases = {name: _read_alias(field.validation_alias or field.alias) for name, field in fields.items()}
    return {name: alias for name, alias in aliases.items() if alias is not None and alias != name}


def _annotated_fields(cls: type) -> dict[str, Any]:
    """Return the `Field` in each annotation of a standard dataclass, by field name."""
    from pydantic.fields import FieldInfo

    hints = typing.get_type_hints(cls, include_extras=True)
    return {
        name: field
        for name, annotation in hints.items()
        for field in getattr(annotation, "__metadata__", ())
        if isinstance(field, FieldInfo)
    }


def _read_alias(alias: object) -> Alias | None:
    choices = getattr(alias, "choices", None)
    if choices is not None:
        alias = next((choice for choice in choices if isinstance(choice, str)), choices[0])
    path = getattr(alias, "path", None)
    if path is None:
        return alias if isinstance(alias, str) else None
    return path[0] if len(path) == 1 else tuple(path)


def by_input_alias(cls: type, fields: dict[str, object]) -> dict[str, object]:
    """Return the fields of a value of `cls` under the names or paths of their validation aliases."""
    aliases = input_aliases(cls)
    arguments: dict[str, Any] = {}
    for name, value in fields.items():
        alias = aliases.get(name, name)
        if isinstance(alias, str):
            arguments[alias] = value
        else:
            _set_at_path(arguments, alias, value)
    return arguments


def _set_at_path(container: Any, path: tuple[str | int, ...], value: Any) -> None:
    """Set the value at `path` in nested dicts and lists; missing containers are created."""
    for key, next_key in itertools.pairwise(path):
        container = _get_or_insert(container, key, [] if isinstance(next_key, int) else {})
    if isinstance(container, list):
        container.extend([None] * (int(path[-1]) + 1 - len(container)))
    container[path[-1]] = value


def _get_or_insert(container: Any, key: str | int, empty: Any) -> object:
    """Return the dict or list at `key`; insert `empty` if the key is absent."""
    if isinstance(container, list):
        container.extend([None] * (int(key) + 1 - len(container)))
        if container[int(key)] is None:
            container[int(key)] = empty
        return container[int(key)]
    return container.setdefault(key, empty)
