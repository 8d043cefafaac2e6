"""Values of `spec.py` as JSON, and back: what a field's annotation says decides how it is read."""

from __future__ import annotations

import base64
import dataclasses
import enum
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scaffold import spec
from scaffold.errors import UpgradeError

TYPE = "type"
_UNIONS = {"Schema"}


def encode(value: Any) -> Any:
    """A frozen value as JSON; fields that hold their default are left out."""
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
            held = {
                field.name: encode(getattr(value, field.name))
                for field in dataclasses.fields(value)
                if getattr(value, field.name) != _default(field)
            }
            return {TYPE: type(value).__name__, **_aside(held)}
        case _:
            return value


def decode(annotation: str, value: Any) -> Any:
    """What `encode` made JSON of.

    Raises:
        UpgradeError: This version of the package does not know such a value.
    """
    annotation = annotation.strip().strip('"')
    if annotation.endswith("| None"):
        return None if value is None else decode(annotation.removesuffix("| None"), value)
    if items := re.fullmatch(r"tuple\[(.*), \.\.\.\]", annotation):
        return tuple(decode(items[1], item) for item in value)
    if items := re.fullmatch(r"tuple\[(.*)\]", annotation):
        return tuple(decode(kind, item) for kind, item in zip(items[1].split(", "), value, strict=True))
    if annotation == "bytes":
        return base64.b64decode(value)
    if annotation == "Path":
        return Path(value)
    known = getattr(spec, annotation, None)
    if annotation in _UNIONS or dataclasses.is_dataclass(known):
        return _decode_dataclass(value)
    return known(value) if isinstance(known, type) and issubclass(known, enum.Enum) else value


def _decode_dataclass(value: Any) -> Any:
    cls = getattr(spec, str(value.get(TYPE)), None)
    if not isinstance(cls, type) or not dataclasses.is_dataclass(cls):
        raise UpgradeError(f"The record names a value that this version does not know: {value.get(TYPE)}.")
    annotations = {field.name: str(field.type) for field in dataclasses.fields(cls)}
    held = {name.removeprefix("_"): item for name, item in value.items() if name != TYPE}
    unknown = sorted(held.keys() - annotations.keys())
    if unknown:
        raise UpgradeError(
            f"The record names parts of a {cls.__name__} that are not known: {', '.join(unknown)}."
        )
    return cls(**{name: decode(annotations[name], item) for name, item in held.items()})


def _aside(held: dict[str, Any]) -> dict[str, Any]:
    """A field that is called `type` itself steps aside for the name of the class."""
    return {f"_{name}" if name == TYPE else name: item for name, item in held.items()}


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default
