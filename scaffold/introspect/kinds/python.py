"""Python's own values: scalars, dicts, lists, and objects of the user's own classes."""

from __future__ import annotations

import dataclasses
import enum
import sys
from typing import Any

from pydantic_core import to_jsonable_python

from scaffold.errors import UnsupportedSampleError
from scaffold.introspect import _scalars
from scaffold.introspect._aliases import are_answers, by_input_alias, input_aliases
from scaffold.introspect._examples import example
from scaffold.introspect._plausible import plausible_json
from scaffold.introspect._types import (
    is_a,
    is_dataclass,
    is_mapping,
    is_named_tuple,
    is_pydantic,
    is_sequence,
)
from scaffold.introspect.kinds._kind import Describe, Describer, Kind, PathValues
from scaffold.introspect.kinds._records import describe_mappings, either
from scaffold.spec import (
    ClassKind,
    Collection,
    CollectionType,
    JSONValue,
    List,
    Record,
    Scalar,
    ScalarType,
    Schema,
    Tuple,
    UserType,
)

STRICT = (ClassKind.DATACLASS, ClassKind.NAMEDTUPLE)
"""Classes that the service checks strictly; a pydantic model keeps its own rules."""
_LISTS = {list: CollectionType.LIST, set: CollectionType.SET, frozenset: CollectionType.FROZENSET}


class PythonKind(Kind):
    """Python itself: all values that no library claims."""

    def claims(self, value: object) -> bool:
        """Return true: this kind is the fallback."""
        return True

    def describer(self, path: str, value: object) -> Describer:
        """Return the function that describes values like this one.

        Raises:
            UnsupportedSampleError: JSON cannot represent it.
        """
        if isinstance(value, enum.Enum):
            return self._user_types
        if is_pydantic(value) or is_dataclass(value) or is_named_tuple(value):
            return self._user_types
        if is_mapping(value):
            return describe_mappings
        if isinstance(value, tuple):
            return self._tuples
        if isinstance(value, (set, frozenset)) or is_sequence(value):
            return self._sequences
        if _scalars.of_value(value) is not None:
            return self._values
        raise UnsupportedSampleError(path, f"{type(value).__qualname__} is not JSON")

    def _values(self, pairs: PathValues, describe: Describe) -> Schema:
        """Return the common scalar type, a number for integers and fractions; else a union."""
        kinds: dict[Scalar, None] = {}
        for path, value in pairs:
            scalar = _scalars.of_value(value)
            if scalar is None:
                raise UnsupportedSampleError(path, f"{type(value).__qualname__} is not JSON")
            kinds.setdefault(scalar)
        types = {kind.type for kind in kinds}
        if types == {ScalarType.INTEGER, ScalarType.NUMBER}:
            kinds = {kind: None for kind in kinds if kind.type is ScalarType.NUMBER}
        return either(list(kinds)[:1] if len({kind.type for kind in kinds}) == 1 else list(kinds))

    def _sequences(self, pairs: PathValues, describe: Describe) -> Schema:
        items = [(f"{path}[{i}]", item) for path, value in pairs for i, item in enumerate(value)]
        alike = (of for cls, of in _LISTS.items() if all(isinstance(v, cls) for _, v in pairs))
        of = next(alike, CollectionType.LIST)
        if all(is_a(value, "collections.deque") for _, value in pairs):
            of = CollectionType.DEQUE
        return List(items=describe(items), form=Collection(of))

    def _tuples(self, pairs: PathValues, describe: Describe) -> Schema:
        """Return a type for each position, or a list if the lengths differ."""
        lengths = {len(value) for _, value in pairs}
        places = [[(f"{path}[{i}]", value[i]) for path, value in pairs] for i in range(min(lengths))]
        if len(lengths) == 1:
            return Tuple(items=tuple(describe(place) for place in places))
        items = [(f"{path}[{i}]", item) for path, value in pairs for i, item in enumerate(value)]
        return List(items=describe(items), form=Collection(CollectionType.TUPLE))

    def _user_types(self, pairs: PathValues, describe: Describe) -> Schema:
        """Return the user's class, or a union of several."""
        by_class: dict[type, PathValues] = {}
        for path, value in pairs:
            by_class.setdefault(type(value), []).append((path, value))
        return either([_user_type(cls, group, describe) for cls, group in by_class.items()])


def _user_type(cls: type, pairs: PathValues, describe: Describe) -> Schema:
    path, value = pairs[0]
    if isinstance(value, enum.Enum):
        kind, inner = ClassKind.ENUM, describe([(p, v.value) for p, v in pairs])
        members = list(type(value))
        likely: JSONValue = to_jsonable_python(members[len(members) // 2].value, fallback=str)
    elif is_a(value, "pydantic.RootModel"):
        kind, inner = ClassKind.PYDANTIC, describe([(p, v.root) for p, v in pairs])
        likely = example(inner)
    else:
        kind = _class_kind(value)
        inner = _with_attributes(cls, describe_mappings([(p, fields_of(v)) for p, v in pairs], describe))
        likely = example(inner)
    module = sys.modules.get(cls.__module__)
    if "<locals>" in cls.__qualname__ or module is None:
        raise UnsupportedSampleError(
            path, f"{cls.__qualname__} is defined inside a function", "Define it in a module."
        )
    shown = None if are_answers() else plausible_json(cls, likely, strict=kind in STRICT)
    return UserType(module=cls.__module__, qualname=cls.__qualname__, kind=kind, seen=inner, example=shown)


def _class_kind(value: object) -> ClassKind:
    if is_pydantic(value):
        return ClassKind.PYDANTIC
    return ClassKind.DATACLASS if is_dataclass(value) else ClassKind.NAMEDTUPLE


def _with_attributes(cls: type, record: Record) -> Record:
    """Add the attribute names to the fields of a record that have an alias."""
    if are_answers():
        return record
    attribute = {alias: name for name, alias in input_aliases(cls).items() if isinstance(alias, str)}
    fields = tuple(
        dataclasses.replace(f, label=repr(attribute[f.name])) if f.name in attribute else f
        for f in record.fields
    )
    return dataclasses.replace(record, fields=fields)


def wire_value(value: Any) -> object:
    """Return the value that is sent for an object of the user's class."""
    if isinstance(value, enum.Enum):
        return value.value
    return value.root if is_a(value, "pydantic.RootModel") else fields_of(value)


def fields_of(value: Any) -> dict[str, object]:
    """Return the fields of a dataclass, pydantic model or named tuple, by their names on the wire.

    A pydantic model takes its validation aliases and answers with its serialization aliases.
    """
    if is_named_tuple(value):
        return dict(value._asdict())
    if is_pydantic(value):
        if are_answers():
            return dict(value.model_dump(by_alias=True))
        fields = {name: getattr(value, name) for name in type(value).model_fields}
        return by_input_alias(type(value), fields) | (value.model_extra or {})
    if are_answers():
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if f.init}
    return by_input_alias(type(value), fields)
