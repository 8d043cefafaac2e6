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
    """Whether what is described and encoded are answers, not requests."""
    return _ANSWERS.get()


@contextlib.contextmanager
def answers() -> Iterator[None]:
    """Describe and encode answers within: a pydantic model goes out by other aliases than it comes in."""
    token = _ANSWERS.set(True)
    try:
        yield
    finally:
        _ANSWERS.reset(token)


Alias = str | tuple[str | int, ...]
"""A name, or the path to a value within an object: `("names", 0)`."""


@hint(otherwise={})
def input_aliases(cls: type) -> dict[str, Alias]:
    """Return the alias that each field of a class is taken by, for those that have one.

    Source: `pydantic.Field(validation_alias=...)`; of several choices the first text is taken.
    """
    if getattr(cls, "model_config", {}).get("validate_by_alias") is False:
        return {}
    infos = getattr(cls, "model_fields", None) or getattr(cls, "__pydantic_fields__", None) or _annotated(cls)
    found = {name: _alias(info.validation_alias or info.alias) for name, info in infos.items()}
    return {name: alias for name, alias in found.items() if alias is not None and alias != name}


def _annotated(cls: type) -> dict[str, Any]:
    """Return the `Field` of each annotation of a standard dataclass that has one."""
    from pydantic.fields import FieldInfo

    hints = typing.get_type_hints(cls, include_extras=True)
    return {
        name: info
        for name, annotation in hints.items()
        for info in getattr(annotation, "__metadata__", ())
        if isinstance(info, FieldInfo)
    }


def _alias(alias: object) -> Alias | None:
    choices = getattr(alias, "choices", None)
    if choices is not None:
        alias = next((choice for choice in choices if isinstance(choice, str)), choices[0])
    path = getattr(alias, "path", None)
    if path is None:
        return alias if isinstance(alias, str) else None
    return path[0] if len(path) == 1 else tuple(path)


def by_input_alias(cls: type, fields: dict[str, object]) -> dict[str, object]:
    """Return the fields of a value of `cls` by the names, or at the places, that `cls` takes them from."""
    aliases = input_aliases(cls)
    made: dict[str, Any] = {}
    for name, value in fields.items():
        alias = aliases.get(name, name)
        if isinstance(alias, str):
            made[alias] = value
        else:
            _put(made, alias, value)
    return made


def _put(container: Any, path: tuple[str | int, ...], value: Any) -> None:
    """Put a value where `path` leads within nested dicts and lists, which are made as they are needed."""
    for here, below in itertools.pairwise(path):
        container = _entry(container, here, [] if isinstance(below, int) else {})
    if isinstance(container, list):
        container.extend([None] * (int(path[-1]) + 1 - len(container)))
    container[path[-1]] = value


def _entry(container: Any, key: str | int, empty: Any) -> object:
    """Return the dict or list at `key`, an empty one where there is none."""
    if isinstance(container, list):
        container.extend([None] * (int(key) + 1 - len(container)))
        if container[int(key)] is None:
            container[int(key)] = empty
        return container[int(key)]
    return container.setdefault(key, empty)
