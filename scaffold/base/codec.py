"""Values of `spec` as JSON, and back: the annotation of a field decides how its value is read.

The record of a project and the messages of the worker use this format. Both are untrusted input: a value of
another type than its annotation is refused.
"""

from __future__ import annotations

import base64
import dataclasses
import enum
import re
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scaffold import spec

TYPE = "type"
_PLAIN: dict[str, type | tuple[type, ...]] = {"str": str, "bool": bool, "int": int}
_PLAIN |= {"float": (int, float), "int | float": (int, float)}


class CodecError(ValueError):
    """The JSON holds no value of the annotation. `args[0]` says what was found."""


def encode(value: Any) -> Any:
    """Return a frozen value as JSON, without fields that hold their default."""
    match value:
        case enum.Enum():
            return value.value
        case Path():
            return value.name
        case bytes():
            return base64.b64encode(value).decode()
        case tuple() | list():
            return [encode(item) for item in value]
        case Mapping():
            return {str(key): encode(item) for key, item in value.items()}
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            attributes = {
                field.name: encode(getattr(value, field.name))
                for field in dataclasses.fields(value)
                if getattr(value, field.name) != _default(field)
            }
            return {TYPE: type(value).__name__, **_json_keys(attributes)}
        case _:
            return value


def decode(annotation: str, value: Any) -> Any:
    """Return the value that `encode` wrote as JSON.

    Raises:
        CodecError: The value is unknown to this version of the package, or of another type.
    """
    annotation = annotation.strip().strip('"')
    if annotation.endswith("| None"):
        return None if value is None else decode(annotation.removesuffix("| None"), value)
    if items := re.fullmatch(r"tuple\[(.*), \.\.\.\]", annotation):
        return tuple(decode(items[1], item) for item in _listed(value))
    if items := re.fullmatch(r"tuple\[(.*)\]", annotation):
        return tuple(
            decode(kind, item) for kind, item in zip(items[1].split(", "), _listed(value), strict=True)
        )
    if annotation == "bytes":
        return base64.b64decode(_plain("str", value))
    if annotation == "Path":
        return Path(_plain("str", value))
    if annotation in _PLAIN:
        return _plain(annotation, value)
    target_type = getattr(spec, annotation, None)
    members = typing.get_args(target_type) or (
        (target_type,) if dataclasses.is_dataclass(target_type) else ()
    )
    if members:
        decoded = _decode_dataclass(value)
        if type(decoded).__name__ in {_name_of(member) for member in members}:
            return decoded
        raise CodecError(f"a {type(decoded).__name__} where a {annotation} belongs")
    if isinstance(target_type, type) and issubclass(target_type, enum.Enum):
        try:
            return target_type(value)
        except ValueError as error:
            raise CodecError(f"{value!r} is no {annotation}") from error
    return value


def _name_of(member: Any) -> str:
    """Return the name of a class in a union, which may be written as text."""
    return member.__forward_arg__ if isinstance(member, typing.ForwardRef) else str(member.__name__)


def _plain(annotation: str, value: Any) -> Any:
    """Return `value` if it is of the annotated type; a boolean is no number."""
    if isinstance(value, _PLAIN[annotation]) and (annotation == "bool" or not isinstance(value, bool)):
        return value
    raise CodecError(f"{value!r} is no {annotation}")


def _listed(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    raise CodecError(f"{value!r} is no list")


def _decode_dataclass(value: Any) -> Any:
    name = value.get(TYPE) if isinstance(value, dict) else type(value).__name__
    cls = getattr(spec, str(name), None)
    if not isinstance(cls, type) or not dataclasses.is_dataclass(cls):
        raise CodecError(f"a value that this version does not know: {name}")
    annotations = {field.name: str(field.type) for field in dataclasses.fields(cls)}
    attributes = {name.removeprefix("_"): item for name, item in value.items() if name != TYPE}
    unknown = sorted(attributes.keys() - annotations.keys())
    if unknown:
        raise CodecError(f"parts of a {cls.__name__} that are not known: {', '.join(unknown)}")
    try:
        return cls(**{name: decode(annotations[name], item) for name, item in attributes.items()})
    except TypeError as error:
        raise CodecError(f"a {cls.__name__} without all of its parts") from error


def _json_keys(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return the fields by JSON key: a field `type` gets `_type`, since `type` names the class."""
    return {f"_{name}" if name == TYPE else name: item for name, item in attributes.items()}


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default
